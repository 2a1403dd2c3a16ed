"""What happened: how far the price moved within the horizon after each bar, by the highs and lows of the bars.

A position opened at the close of bar i is liquidated if a low (long) or a high (short) of the bars after it, up to the
horizon, reaches its level. Bars hold last prices; venues liquidate on mark, which spikes less.

Where bars of the horizon are missing, a recorded price beyond the level still proves the event, whatever happened
inside the gap. A date whose outcome no recorded price proves is not counted. A bar without a trade is not a gap.
"""

from typing import NamedTuple

import numpy as np

from stresslab.calibrate import Bars
from stresslab.calibrate.prices import COLUMNS


class Excursions(NamedTuple):
    """Log moves from the close of each bar over the horizon: NaN where a bar of it is missing or not yet there."""

    low: np.ndarray  # at most 0
    high: np.ndarray  # at least 0
    end: np.ndarray


class ObservedMoves(NamedTuple):
    """Log moves from the close of each bar over the known bars of the horizon; NaN where it is not over yet."""

    low: np.ndarray  # at most 0
    high: np.ndarray  # at least 0
    end: np.ndarray  # NaN where the last bar of the horizon is missing
    after: np.ndarray  # to the first known close at the end of the horizon or later
    whole: np.ndarray  # bool: no bar of the horizon is missing


def observed_moves(bars: Bars, n_ahead: int, holes_are_untraded: bool = False) -> ObservedMoves:
    """Lowest, highest and last known move over the `n_ahead` bars after each bar.

    `holes_are_untraded`: a missing bar means that nothing was traded in it, as in Kraken's archive.
    """
    prices, n = np.log(bars.prices), len(bars.stamps)
    close, low, high = (prices[:, COLUMNS.index(name)] for name in ("close", "low", "high"))
    ends = bars.stamps + n_ahead * bars.seconds
    after = np.searchsorted(bars.stamps, ends)  # the first bar at the end or later
    over = after < n
    last = np.searchsorted(bars.stamps, ends, side="right") - 1
    row = np.arange(n)
    missing = n_ahead - (last - row) - _untraded(bars, bars.stamps, ends)
    whole = (missing <= 0) | holes_are_untraded
    exact = (bars.stamps[last] == ends) | whole
    found = ObservedMoves(
        np.minimum(_over_window(low, row, last, close, np.minimum) - close, 0),
        np.maximum(_over_window(high, row, last, close, np.maximum) - close, 0),
        np.where(exact, close[last] - close, np.nan),
        close[np.minimum(after, n - 1)] - close,
        whole & over,
    )
    low, high, end, later = (np.where(over, one, np.nan) for one in found[:4])
    return ObservedMoves(low, high, end, later, found.whole)


def excursions(found: ObservedMoves) -> Excursions:
    """Moves over horizons without a missing bar."""
    return Excursions(*(np.where(found.whole, one, np.nan) for one in (found.low, found.high, found.end)))


def liquidated(found: Excursions | ObservedMoves, levels: np.ndarray, sides: tuple[str, ...]) -> np.ndarray:
    """Whether a known price reached each level: shape (side, leverage, excursion).

    Levels are (side, leverage), or (side, leverage, excursion).
    """
    adverse = np.stack([-found.low if side == "long" else found.high for side in sides])
    return adverse[:, None, :] >= _of_each(levels)


def beyond(found: ObservedMoves, levels: np.ndarray, sides: tuple[str, ...]) -> np.ndarray:
    """Whether the first known close at the end of the horizon or later lies beyond each level."""
    moved = np.stack([-found.after if side == "long" else found.after for side in sides])
    return moved[:, None, :] >= _of_each(levels)


def _of_each(levels: np.ndarray) -> np.ndarray:
    distances = np.abs(levels)
    return distances if levels.ndim == 3 else distances[:, :, None]


def losses(found: Excursions | ObservedMoves, sides: tuple[str, ...]) -> np.ndarray:
    """Log move against the position at the end of the horizon, shape (side, excursion)."""
    return np.stack([-found.end if side == "long" else found.end for side in sides])


def _untraded(bars: Bars, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Number of bars without a trade between these instants."""
    first, last = (np.searchsorted(bars.untraded, one, side="right") for one in (starts, ends))
    return last - first


def _over_window(
    values: np.ndarray, row: np.ndarray, last: np.ndarray, empty: np.ndarray, choose: np.ufunc
) -> np.ndarray:
    """The chosen extreme of values[row + 1 : last + 1], and `empty` where there are none."""
    edges = np.column_stack([np.minimum(row + 1, last), last + 1]).ravel()
    chosen: np.ndarray = choose.reduceat(np.append(values, values[-1]), edges)[::2]
    return np.where(last > row, chosen, empty)
