"""Fit the models in configs/models again: python tools/fit_models.py DATA_DIR [KIND ...].

DATA_DIR holds binance_spot_mit/{BTC,ETH}USDT_1h.csv.gz and the option chain of options_deribit_snapshot_nolicence.
Without kinds every model is fitted: to prices as ASSET_KIND.yaml, to options as ASSET_KIND_options.yaml. Doubtful fits
are written too, with their doubts.
"""

import sys
import time
from pathlib import Path

from stresslab.calibrate import CHAIN_FITS, FITS
from stresslab.calibrate.model_yaml import text
from stresslab.fitting import Calibrated, FitSettings, from_chain, from_prices
from stresslab.shipped import config_root

PRICES = "Binance spot {asset}USDT, hourly klines, by way of github.com/bernini10/oraculo-de-bitcoin at 68eb4ed (MIT)"
OPTIONS = (
    "Deribit, the whole {asset} chain, by way of github.com/znmahbub/SVCJ-Deribit-Inverse-Options-Pricer at 516b0cb"
)
CHAIN = "options_deribit_snapshot_nolicence/deribit_chain_20260116T153325Z.csv.gz"
HEADER = "# Written by tools/fit_models.py: fit again rather than edit.\n"


def main(data: Path, kinds: list[str]) -> None:
    """Write one file per asset, model and kind of data."""
    out = config_root() / "models"
    for asset in ("BTC", "ETH"):
        prices = data / "binance_spot_mit" / f"{asset}USDT_1h.csv.gz"
        for kind in kinds or FITS:
            if kind in FITS:
                path = out / f"{asset.lower()}_{kind}.yaml"
                started = time.perf_counter()
                settings = FitSettings(PRICES.format(asset=asset), asset, "spot", accept_doubtful=True)
                _write(path, from_prices(kind, [prices], path, settings), started)
        for kind in kinds or CHAIN_FITS:
            if kind in CHAIN_FITS:
                path = out / f"{asset.lower()}_{kind}_options.yaml"
                started = time.perf_counter()
                settings = FitSettings(OPTIONS.format(asset=asset), asset, accept_doubtful=True)
                _write(path, from_chain(kind, data / CHAIN, path, currency=asset, settings=settings), started)


def _write(path: Path, found: Calibrated, started: float) -> None:
    history = found.content["parameters"].get("history")
    if isinstance(history, dict) and "file" in history:
        history["file"] = Path(history["file"]).name  # the prices are not shipped: they are looked for beside the file
    path.write_text(HEADER + text(found.content), encoding="utf-8")
    print(f"{path.name}: {time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2:])
