"""What happened: how far the price moved within the horizon after each bar, by the highs and lows of the bars.

A position opened at the close of bar i is liquidated if a low (long) or a high (short) of the bars after it, up to the
horizon, reaches its level. Bars hold last prices; venues liquidate on mark, which spikes less.
"""

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from stresslab.calibrate import Bars
from stresslab.calibrate.prices import COLUMNS


class Excursions(NamedTuple):
    """Log moves from the close of each bar over the horizon: NaN where a bar of it is missing or not yet there."""

    low: np.ndarray  # at most 0
    high: np.ndarray  # at least 0
    end: np.ndarray


def excursions(bars: Bars, n_ahead: int) -> Excursions:
    """Lowest, highest and last move over the `n_ahead` bars after each bar."""
    prices = np.log(bars.prices)
    close, low, high = (prices[:, COLUMNS.index(name)] for name in ("close", "low", "high"))
    found = np.full((3, len(close)), np.nan)
    known = len(close) - n_ahead
    if known > 0:
        found[0, :known] = np.minimum(sliding_window_view(low[1:], n_ahead).min(axis=1) - close[:known], 0)
        found[1, :known] = np.maximum(sliding_window_view(high[1:], n_ahead).max(axis=1) - close[:known], 0)
        found[2, :known] = close[n_ahead:] - close[:known]
        gap = bars.stamps[n_ahead:] - bars.stamps[:known] != n_ahead * bars.seconds
        found[:, :known][:, gap] = np.nan
    return Excursions(*found)


def liquidated(found: Excursions, levels: np.ndarray, sides: tuple[str, ...]) -> np.ndarray:
    """Whether each level (side, leverage) was reached: shape (side, leverage, excursion)."""
    adverse = np.stack([-found.low if side == "long" else found.high for side in sides])
    return adverse[:, None, :] >= np.abs(levels)[:, :, None]


def losses(found: Excursions, sides: tuple[str, ...]) -> np.ndarray:
    """Log move against the position at the end of the horizon, shape (side, excursion)."""
    return np.stack([-found.end if side == "long" else found.end for side in sides])
