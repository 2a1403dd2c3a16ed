"""What time between two payments is usual in a record, and so which of its gaps are holes.

Venues change the interval of a market, so that the usual one is local: the second longest of the six nearest gaps,
three on each side (the longest of fewer than four). That is the interval itself where it stands still, the longer one
where it changes, and it passes over one hole among the neighbours. A gap is a hole where it is longer than 1.5 times
that: a regular record that lacks one payment has a gap of twice its interval. At the ends of the record the median of
the three outermost gaps is usual.
"""

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

NEIGHBOURS = 3  # on each side
HOLE = 1.5  # times the usual interval


class Gaps(NamedTuple):
    """What is usual between payments, in seconds."""

    usual: np.ndarray  # for each gap
    at_start: float
    at_end: float
    holes: np.ndarray  # rows of the stamps that a hole follows


def find_gaps(stamps: np.ndarray, interval: float) -> Gaps:
    """The gaps between rising stamps in seconds; `interval` is usual where a record is too short to say."""
    gaps = np.diff(stamps).astype(float)
    edge = np.full(NEIGHBOURS, np.nan)
    windows = sliding_window_view(np.concatenate([edge, gaps, edge]), NEIGHBOURS)  # window i: those before gap i
    usual = _second_longest(np.concatenate([windows[: len(gaps)], windows[NEIGHBOURS + 1 :]], axis=1))
    usual = np.where(np.isnan(usual), interval, usual)
    at_start, at_end = (
        float(np.median(part)) if part.size else interval for part in (gaps[:NEIGHBOURS], gaps[-NEIGHBOURS:])
    )
    return Gaps(usual, at_start, at_end, np.flatnonzero(gaps > HOLE * usual))


def _second_longest(neighbours: np.ndarray) -> np.ndarray:
    """Of each row, the longest of fewer than four; NaN for none."""
    known = np.sum(~np.isnan(neighbours), axis=1)
    place = np.maximum(known - np.where(known < 4, 1, 2), 0)
    return np.take_along_axis(np.sort(neighbours, axis=1), place[:, None], axis=1)[:, 0]  # NaN is sorted last
