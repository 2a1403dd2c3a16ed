"""Price history: bars, their gaps, and log returns that never span a gap.

A missing bar is never filled. The return across it is dropped and counted; a day with a return missing is no day of
data.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from stresslab.calibrate.model_yaml import utc
from stresslab.errors import require
from stresslab.market_data import COLUMNS, Bars
from stresslab.units import format_duration, years

DAY_SECONDS = 86_400


@dataclass(frozen=True)
class Returns:
    """Log returns from close to close over one bar each; `stamps` are the opens of the bars that end them."""

    stamps: np.ndarray
    values: np.ndarray
    seconds: int
    dropped: int  # returns left out because they span a gap
    bars: int  # bars that they come from
    first: int  # open of the first bar, seconds since 1970
    last: int  # open of the last bar
    origin: Bars | None = None  # the bars that they come from: open, high, low; None for returns made by hand

    @property
    def observations(self) -> int:
        """How many returns there are."""
        return len(self.values)

    @property
    def provenance(self) -> dict[str, Any]:
        """For the model's file: dates, bars, and what was left out."""
        found: dict[str, Any] = {"first": utc(self.first), "last": utc(self.last)}
        found |= {"bar": format_duration(self.seconds), "bars": self.bars, "dropped_returns": self.dropped}
        return found | ({} if self.origin is None else {"sha256": self.origin.sha256})

    @property
    def dt(self) -> float:
        """A bar in years."""
        return years(self.seconds)

    @property
    def end(self) -> int:
        """Close of the last bar, seconds since 1970."""
        return self.last + self.seconds


@dataclass(frozen=True)
class Days:
    """UTC days from the first to the last that is complete; NaN where a return of the day is missing."""

    stamps: np.ndarray  # start of the day, seconds since 1970
    returns: np.ndarray
    variances: np.ndarray  # realised: the sum of the squared returns
    bars: int  # per day


def log_returns(bars: Bars) -> Returns:
    """Log returns from close to close, without those that span missing bars."""
    whole = np.diff(bars.stamps) == bars.seconds
    values = np.diff(np.log(bars.prices[:, COLUMNS.index("close")]))[whole]
    first, last = int(bars.stamps[0]), int(bars.stamps[-1])
    dropped = int((~whole).sum())
    return Returns(bars.stamps[1:][whole], values, bars.seconds, dropped, len(bars.stamps), first, last, bars)


def daily(returns: Returns) -> Days:
    """Return and realised variance of each UTC day; the first day lacks its first return unless bars precede it."""
    rule = "bars must divide a day"
    require(DAY_SECONDS % returns.seconds == 0, rule, key="bar", got=format_duration(returns.seconds))
    bars = DAY_SECONDS // returns.seconds
    number = returns.stamps // DAY_SECONDS
    row = number - number[0]
    counts = np.bincount(row)
    whole = np.flatnonzero(counts == bars)
    require(whole.size > 0, "no day of the prices is complete", key="bar", got=format_duration(returns.seconds))
    kept = slice(whole[0], whole[-1] + 1)
    sums, squares = np.bincount(row, returns.values)[kept], np.bincount(row, returns.values**2)[kept]
    gap = np.where(counts[kept] == bars, 0.0, np.nan)
    stamps = (number[0] + np.arange(kept.start, kept.stop)) * DAY_SECONDS
    return Days(stamps, sums + gap, squares + gap, bars)
