"""Price history: bars, the holes between them, and log returns.

A missing bar is never filled. The clock goes on over a hole, and the first price after it carries the move: a realised
variance is the sum of squared log returns between successive rows over the time that has passed (`moves`, `elapsed`).
Fits that need the return of a single bar leave those over a hole out (`values`).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from stresslab.calibrate.model_yaml import utc
from stresslab.errors import require
from stresslab.files.bars import COLUMNS, Bars
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
        """For the model file: dates, bars, rows left out, and how the columns were read."""
        found: dict[str, Any] = {"first": utc(self.first), "last": utc(self.last)}
        found |= {"bar": format_duration(self.seconds), "bars": self.bars, "dropped_returns": self.dropped}
        if self.origin is None:
            return found
        found["sha256"] = self.origin.sha256
        return found | ({"read_as": list(self.origin.notes)} if self.origin.notes else {})

    @property
    def moves(self) -> np.ndarray:
        """Log returns between successive rows: `values`, and between them the returns over gaps."""
        if self.origin is None:
            return self.values
        moves = self.origin.moves
        moves[self.origin.missed == 0] = self.values
        return moves

    @property
    def elapsed(self) -> np.ndarray:
        """Years between the rows of each of `moves`."""
        return years(1) * (
            np.full(len(self.values), self.seconds) if self.origin is None else np.diff(self.origin.stamps)
        )

    @property
    def move_stamps(self) -> np.ndarray:
        """Opens of the bars that end `moves`."""
        return self.stamps if self.origin is None else self.origin.stamps[1:]

    @property
    def realised_variance(self) -> float:
        """Realised variance per year: the sum of squared `moves` divided by the elapsed time."""
        return float((self.moves**2).sum() / self.elapsed.sum())

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
    """UTC days from the first to the last that is complete; NaN where a hole reaches over an end of the day."""

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
    taken = np.round(returns.elapsed / years(returns.seconds)).astype(np.int64)  # bars
    number = returns.move_stamps // DAY_SECONDS
    row = number - number[0]
    inside = (returns.move_stamps - (taken - 1) * returns.seconds) // DAY_SECONDS == number
    counts = np.bincount(row, taken * inside)
    whole = np.flatnonzero(counts == bars)
    require(whole.size > 0, "no day of the prices is complete", key="bar", got=format_duration(returns.seconds))
    kept = slice(whole[0], whole[-1] + 1)
    sums, squares = np.bincount(row, returns.moves)[kept], np.bincount(row, returns.moves**2)[kept]
    gap = np.where(counts[kept] == bars, 0.0, np.nan)
    stamps = (number[0] + np.arange(kept.start, kept.stop)) * DAY_SECONDS
    return Days(stamps, sums + gap, squares + gap, bars)
