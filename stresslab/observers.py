"""What watches the pieces of each step: for the static ladder, with and without jumps, and for the general accounts."""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array

from stresslab.books import account, ladder
from stresslab.books.linear import LONG, Lines, Positions
from stresslab.scan import Gap, Reach, Track


class Side(NamedTuple):
    """The books of one side: their positions, and the lines of the static ladder."""

    positions: Positions
    lines: Lines


class LadderObserver(NamedTuple):
    """Of the static ladder with jumps: running extremes, and the gaps that made them."""

    sides: tuple[int, ...]

    def step(self, seen: Any, track: Track) -> Any:
        return tuple(_watch(side, one, track.pieces) for side, one in zip(self.sides, seen, strict=True))


def _watch(side: int, seen: ladder.Extreme, pieces: tuple[Reach | Gap, ...]) -> ladder.Extreme:
    """One step: the gaps of the step before go into their slots, those of this step wait (XLA works them out once)."""
    seen = ladder.shelve(seen)
    gaps = []
    for piece in pieces:
        if isinstance(piece, Reach):
            seen = ladder.watch_diffusion(side, seen, piece.low if side == LONG else piece.high)
        else:
            seen, gap = ladder.watch_jump(side, seen, piece.end)
            gaps.append(gap)
    return seen._replace(fresh=ladder.Gaps(tuple(since for since, _ in gaps), tuple(to for _, to in gaps)))


class ExtremeObserver(NamedTuple):
    """Without jumps the running extremes are all there is to see."""

    sides: tuple[int, ...]

    def step(self, seen: Any, track: Track) -> Any:
        for reach in track.pieces:
            assert isinstance(reach, Reach)
            seen = tuple(
                ladder.worse(side, one, reach.low if side == LONG else reach.high)
                for side, one in zip(self.sides, seen, strict=True)
            )
        return seen


class AccountObserver(NamedTuple):
    """Of the general accounts: every piece is shown to every account."""

    sides: tuple[int, ...]
    books: tuple[Side, ...]
    fractions: Array
    bin_index: Array

    def step(self, seen: Any, track: Track) -> Any:
        return tuple(
            self._one(side, book.positions, one, track.pieces)
            for side, book, one in zip(self.sides, self.books, seen, strict=True)
        )

    def _one(self, side: int, positions: Positions, accounts: account.Accounts, pieces: Any) -> account.Accounts:
        for piece in pieces:
            is_gap = isinstance(piece, Gap)
            worst = jnp.exp(piece.end if is_gap else piece.low if side == LONG else piece.high)
            watch = account.jump if is_gap else account.diffuse
            accounts = watch(side, positions, self.fractions, accounts, worst, self.bin_index)
        return accounts
