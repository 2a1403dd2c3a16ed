"""Fit the mean-reverting funding processes that are shipped: configs/funding/*.yaml.

    python tools/fit_funding.py ../shared/data

Cap and floor are the largest sizes that the exchange has ever paid in the record.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import yaml

from stresslab.calibrate.funding import fit_funding
from stresslab.files.funding_rates import read_funding
from stresslab.files.price_file import read_bars

SOURCE = (
    "Binance perpetual, every funding payment, by way of github.com/supervik/historical-funding-rates-fetcher at "
    "66a085b (MIT licence); returns from Binance spot, hourly closes"
)
METHOD = (
    "Exact transition of an Ornstein-Uhlenbeck process by least squares, standard errors by White's covariance "
    "(stresslab/calibrate/funding.py). The rate is the last one of the record: set tonight's. Cap and floor are the "
    "largest size that was ever paid."
)


def main(data: Path) -> None:
    """Write one file for each asset."""
    for asset in ("BTC", "ETH"):
        rates = read_funding(data / "funding_multi_exchange_mit" / f"{asset}_funding.csv.gz", "binance")
        fit = fit_funding(rates, read_bars(data / "binance_spot_mit" / f"{asset}USDT_1h.csv.gz"))
        most = float(np.abs(rates.rates).max())
        content = {
            "kind": "mean_reverting",
            "parameters": {**_rounded(fit.parameters), "interval": fit.interval, "cap": most, "floor": -most},
            "fitted": {
                "as_of": _instant(fit.last),
                "first": _instant(fit.first),
                "last": _instant(fit.last),
                "payments": fit.pairs + 1,
                "exchange": rates.exchange,
                "sha256": rates.sha256,
                "source": SOURCE,
                "method": METHOD,
                "standard_errors": _rounded(fit.standard_errors),
            },
        }
        path = Path(__file__).resolve().parents[1] / "configs" / "funding" / f"{asset.lower()}.yaml"
        head = "# Written by tools/fit_funding.py: fit again rather than edit.\n"
        path.write_text(head + yaml.safe_dump(content, sort_keys=False, width=115))


def _rounded(numbers: dict[str, float]) -> dict[str, float]:
    return {name: float(f"{value:.4g}") for name, value in numbers.items()}


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
