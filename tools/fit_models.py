"""Fit the models in configs/models again: python tools/fit_models.py DATA_DIR [OUT_DIR].

DATA_DIR holds BTCUSDT_1h.csv.gz and ETHUSDT_1h.csv.gz.
"""

import sys
from pathlib import Path

from stresslab.calibrate import FITS, log_returns, read_bars
from stresslab.shipped import config_root

SOURCE = (
    "Binance spot {symbol}, hourly klines, by way of github.com/bernini10/oraculo-de-bitcoin at 68eb4ed (MIT licence)"
)
HEADER = "# Written by tools/fit_models.py: fit again rather than edit.\n"


def main(data: Path, out: Path) -> None:
    """Write one file per asset and model."""
    for asset in ("BTC", "ETH"):
        symbol = f"{asset}USDT"
        bars = read_bars(data / f"{symbol}_1h.csv.gz")
        returns = log_returns(bars)
        print(f"{symbol}: {returns.bars} bars, {bars.gaps} gaps (at most {bars.longest_gap} bars)")
        for kind, fit in FITS.items():
            path = out / f"{asset.lower()}_{kind}.yaml"
            path.write_text(HEADER + fit(returns).yaml(SOURCE.format(symbol=symbol)), encoding="utf-8")
            print(f"  {path}")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) == 3 else config_root() / "models")
