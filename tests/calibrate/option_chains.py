"""Option chains with known contents, written as files in the way that a venue gives them."""

from pathlib import Path

import numpy as np
import pandas as pd

from stresslab.calibrate import black, cos
from stresslab.units import YEAR_SECONDS

TAKEN = pd.Timestamp("2026-01-16T16:00:00Z")
FORWARD = 1000.0
HEADER = ("timestamp", "currency", "option_type", "strike", "expiry", "underlying_price")
HEADER += ("bid_price", "ask_price", "mark_price")


def stamp(days: float) -> str:
    """The instant so many days after the quotes were taken."""
    return (TAKEN + pd.Timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def years(days: float) -> float:
    return days * 86_400 / YEAR_SECONDS


def quotes(smile, days=(7, 30, 91, 182), strikes=13, reach=2.5, noise=0.0, half_spread=0.005, seed=1) -> pd.DataFrame:
    """Puts and calls of one underlying: `smile(t, k)` gives volatilities at k = K / F; all prices in quote currency.

    The middle is priced at the volatility plus normal `noise`, bid and ask `half_spread` of volatility beside it.
    Strikes go to `reach` deviations on both sides; the forward rises by a tenth a year.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for each in days:
        t = years(each)
        forward = FORWARD * np.exp(0.1 * t)
        width = reach * float(smile(t, np.ones(1))[0]) * np.sqrt(t)
        k = np.round(np.exp(np.linspace(-width, width, strikes)), 3)
        for call in (False, True):
            sigma = smile(t, k) + noise * rng.standard_normal(strikes)
            bid, mid, ask = (
                black.price(forward, k * forward, sigma + side * half_spread, t, np.full(strikes, call))
                for side in (-1, 0, 1)
            )
            half = (ask - bid) / 2
            for strike, middle, gap in zip(k * forward, mid, half, strict=True):
                kind = "call" if call else "put"
                prices = (forward, middle - gap, middle + gap, middle)
                rows.append((stamp(0), "BTC", kind, strike, stamp(each), *prices))
    return pd.DataFrame(rows, columns=HEADER)


def smile_of(model):
    """The implied volatilities of a model with a characteristic function."""

    def smile(t: float, k: np.ndarray) -> np.ndarray:
        prices = cos.prices(lambda u: model.characteristic_function(u, t), k, k > 1)
        return black.implied_volatility(prices, 1.0, k, t, k > 1)

    return smile


def write(frame: pd.DataFrame, folder: Path, name: str = "chain.csv") -> Path:
    path = folder / name
    if name.endswith(".parquet"):
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False)
    return path
