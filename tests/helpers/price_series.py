"""Made-up bars for the backtest: Brownian motion with its exact lows and highs, and files of them."""

from pathlib import Path

import numpy as np
import pandas as pd

from stresslab.calibrate import Bars
from stresslab.units import years

START = 1_577_836_800  # 2020-01-01T00:00:00Z


def brownian_bars(n: int, seconds: int, sigma: float = 0.7, seed: int = 1, start: int = START) -> Bars:
    """`n` bars of a martingale; low and high each have the law of the bridge's, given open and close."""
    draw = np.random.default_rng(seed)
    variance = sigma**2 * years(seconds)
    closes = np.cumsum(draw.normal(-variance / 2, np.sqrt(variance), n))
    opens = np.concatenate([[0.0], closes[:-1]])
    move = closes - opens
    reach = [np.sqrt(move**2 + 2 * variance * draw.exponential(size=n)) for _ in range(2)]
    lows, highs = opens + (move - reach[0]) / 2, opens + (move + reach[1]) / 2
    prices = 100 * np.exp(np.column_stack([opens, highs, lows, closes]))
    return Bars(start + seconds * np.arange(n), prices, seconds, "made.csv", "0" * 64)


def without(bars: Bars, rows: list[int]) -> Bars:
    """The same bars with some missing."""
    return Bars(
        np.delete(bars.stamps, rows), np.delete(bars.prices, rows, axis=0), bars.seconds, bars.file, bars.sha256
    )


def write_bars(bars: Bars, path: Path) -> Path:
    """A file that `read_bars` reads."""
    stamps = pd.to_datetime(bars.stamps, unit="s", utc=True).strftime("%Y-%m-%dT%H:%M:%SZ")
    frame = pd.DataFrame(bars.prices, columns=["open", "high", "low", "close"])
    frame.insert(0, "timestamp", stamps)
    frame.to_csv(path, index=False)
    return path
