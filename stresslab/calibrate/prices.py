"""Price history: bars, their gaps, and log returns that never span a gap.

A missing bar is never filled. The return across it is dropped and counted; a day with a return missing is no day of
data.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from stresslab.calibrate.model_yaml import utc
from stresslab.errors import require
from stresslab.units import format_duration, years

COLUMNS = ("open", "high", "low", "close")
DAY_SECONDS = 86_400
MANY_STILL, HUGE_MOVE = 0.2, float(np.log(2))  # from when on unchanged closes, and moves within a bar, are remarked on


@dataclass(frozen=True)
class Bars:
    """OHLC bars of one length, some of them missing."""

    stamps: np.ndarray  # opens, seconds since 1970, UTC
    prices: np.ndarray  # a row per bar, in the order of COLUMNS
    seconds: int  # length of a bar
    file: str
    sha256: str  # of the file
    close_only: bool = False  # the file has no open, high and low: they are put equal to the close

    @property
    def missed(self) -> np.ndarray:
        """How many bars are missing before each bar but the first."""
        return np.diff(self.stamps) // self.seconds - 1

    @property
    def gaps(self) -> int:
        """Places where bars are missing."""
        return int((self.missed > 0).sum())

    @property
    def longest_gap(self) -> int:
        """The most bars missing in one place."""
        return int(self.missed.max())

    def words(self) -> list[str]:
        """What the file holds, and what is odd about it."""
        first, last = (f"{utc(int(self.stamps[at])):%Y-%m-%d %H:%M}" for at in (0, -1))
        found = [f"{len(self.stamps)} bars of {format_duration(self.seconds)}, opens from {first} to {last} UTC"]
        if self.close_only:
            found.append("closes only: what needs high and low does without")
        if self.gaps:
            longest = f"the longest of {self.longest_gap}" if self.gaps > 1 else "one place"
            found.append(f"{self.missed.sum()} bars are missing in {self.gaps} gaps, {longest}: no return spans a gap")
        else:
            found.append("no bar is missing")
        return found + self._oddities()

    def _oddities(self) -> list[str]:
        moves = np.diff(np.log(self.prices[:, COLUMNS.index("close")]))
        found = []
        still = float(np.mean(moves == 0))
        if still > MANY_STILL:
            found.append(f"the close does not change in {still:.0%} of the bars: a price that is rarely updated?")
        far = np.flatnonzero(np.abs(moves) > HUGE_MOVE)
        if far.size:
            where = f"{utc(int(self.stamps[far[0] + 1])):%Y-%m-%d %H:%M}"
            found.append(
                f"the close moves by a factor of two or more in {far.size} bars, first at {where}: are these prices?"
            )
        return found


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
