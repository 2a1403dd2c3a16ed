"""What watches the pieces of each step for the static ladder, with and without jumps."""

from typing import Any, NamedTuple

from stresslab.books import ladder
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
