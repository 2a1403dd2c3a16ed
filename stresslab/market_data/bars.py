"""Bars of prices, what is missing among them, and what is odd about them."""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from stresslab.units import format_duration

COLUMNS = ("open", "high", "low", "close")
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
        first, last = (f"{_utc(int(self.stamps[at])):%Y-%m-%d %H:%M}" for at in (0, -1))
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
            where = f"{_utc(int(self.stamps[far[0] + 1])):%Y-%m-%d %H:%M}"
            found.append(
                f"the close moves by a factor of two or more in {far.size} bars, first at {where}: are these prices?"
            )
        return found


def _utc(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
