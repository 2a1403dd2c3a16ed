"""Bars of prices, the holes between them, and what a reader must know of them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from stresslab.files.layout import AS_FOUND, Layout
from stresslab.units import format_duration

COLUMNS = ("open", "high", "low", "close")
MANY_STILL = 0.05  # share of bars in runs of unchanged closes from which on they are remarked on
MANY_MISSING = 0.05  # share of missing bars from which on a fit that uses single bars may be off
NO_STAMPS = np.empty(0, np.int64)
HUGE_MOVE = float(np.log(2))  # a log move between bars from which on it is remarked on


@dataclass(frozen=True)
class Bars:
    """OHLC bars of one length, some of them missing.

    A bar may be missing because nothing was traded, because the market was closed or because the venue was down: in all
    three the clock goes on, and the first price after the hole carries the move.
    """

    stamps: np.ndarray  # opens, seconds since 1970, UTC
    prices: np.ndarray  # a row per bar, in the order of COLUMNS
    seconds: int  # length of a bar
    file: str  # its name, or those of several
    sha256: str  # of the files
    close_only: bool = False  # the file has no open, high and low: they are put equal to the close
    untraded: np.ndarray = field(default_factory=lambda: NO_STAMPS)  # opens of bars of volume 0, which were left out
    has_volume: bool = False
    symbol: str = ""
    files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()  # what was taken for what in the file
    layout: Layout = AS_FOUND  # what was said about the file

    @property
    def missed(self) -> np.ndarray:
        """How many bars are missing before each bar but the first."""
        return np.diff(self.stamps) // self.seconds - 1

    @property
    def missing_share(self) -> float:
        """Missing bars over all that the time between first and last would hold."""
        missed = int(self.missed.sum())
        return missed / (missed + len(self.stamps))

    @property
    def gaps(self) -> int:
        """Places where bars are missing."""
        return int((self.missed > 0).sum())

    @property
    def longest_gap(self) -> int:
        """The most bars missing in one place."""
        return int(self.missed.max())

    @property
    def moves(self) -> np.ndarray:
        """Log returns between successive rows, whatever time has passed."""
        return np.diff(np.log(self.prices[:, COLUMNS.index("close")]))

    def words(self) -> list[str]:
        """What the file holds, what was taken for what, and what is odd about it."""
        first, last = (_utc(self.stamps[at]) for at in (0, -1))
        found = [f"{len(self.stamps)} bars of {format_duration(self.seconds)}, opens from {first} to {last} UTC"]
        found += self.notes
        if self.close_only:
            found.append("closes only: methods that use high and low do without")
        if self.untraded.size:
            found.append(
                f"{self.untraded.size} bars without a trade (volume 0) are left out, as venues that write none do"
            )
        found.append(self._holes() if self.gaps else "no bar is missing")
        return found + self._oddities()

    def _holes(self) -> str:
        missed = self.missed
        holes = np.flatnonzero(missed > 0)
        moved = self.moves[holes]
        widest = holes[int(np.abs(moved).argmax())]
        move = np.expm1(self.moves[widest])
        at = _utc(self.stamps[widest + 1])
        longest = f", the longest of {self.longest_gap}" if len(holes) > 1 else ""
        return (
            f"{missed.sum()} bars are missing in {len(holes)} hole{'s' * (len(holes) > 1)}{longest} "
            f"({self.missing_share:.1%} of the record); the largest move over a hole is {move:+.1%}, at {at}"
        )

    def _oddities(self) -> list[str]:
        moves, found = self.moves, []
        still = _in_runs(moves == 0)
        if still.mean() > MANY_STILL and not self.has_volume:
            found.append(
                f"the close stands still in {still.mean():.0%} of the bars, in runs of up to {_longest(still)}, the "
                f"first at {_utc(self.stamps[int(np.flatnonzero(still)[0])])}: without volumes they count as prices"
            )
        far = np.flatnonzero(np.abs(moves) > HUGE_MOVE)
        if far.size:
            where = _utc(self.stamps[far[0] + 1])
            found.append(f"the close moves by a factor of two or more in {far.size} bars, first at {where}")
        return found


def _in_runs(still: np.ndarray) -> np.ndarray:
    """Which of these are true beside another one that is."""
    beside = np.zeros(len(still), bool)
    beside[1:] |= still[:-1]
    beside[:-1] |= still[1:]
    return still & beside


def _longest(flags: np.ndarray) -> int:
    """The most that are true in a row."""
    ends = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return int((ends[1::2] - ends[::2]).max())


def _utc(seconds: int) -> str:
    return f"{datetime.fromtimestamp(int(seconds), UTC):%Y-%m-%d %H:%M}"
