"""Task summaries put together: exact integer merges, float sums in block order, and the question whether a target is
met.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stresslab.config.schema import Study
from stresslab.estimate import blocks, intervals
from stresslab.grid.block import Summary
from stresslab.grid.ladder import Ladder

COUNTS = ("event_count", "both_hit", "loss_count", "loss_quanta", "gaps_lost")
RELATIVE_NEEDS_HITS = 100


@dataclass(frozen=True)
class Totals:
    """All blocks of one ladder."""

    n_paths: int
    summary: Summary  # as of `run_blocks`, with `sums` added up over the blocks
    n_blocks: int
    one_path: bool = False  # all paths are alike: a recorded one, which tells of probability what one draw does

    @property
    def drawn(self) -> bool:
        """Whether each block has parameters of its own."""
        return "hits_squared" in self.summary

    def hits(self, horizon_bins: np.ndarray) -> np.ndarray:
        """Paths hit by each horizon by cause, shape (book, event, horizon, cause)."""
        return np.cumsum(self.summary["event_count"], axis=2)[:, :, horizon_bins]

    def probabilities(self, horizon_bins: np.ndarray, antithetic: bool) -> intervals.Estimate:
        """Of each event by each horizon, shape (book, event, horizon)."""
        hits = self.hits(horizon_bins).sum(axis=-1)
        if self.one_path:
            return intervals.from_independent(hits // self.n_paths, 1)
        if self.drawn:
            n = self.n_paths // 2 if antithetic else self.n_paths
            return blocks.estimate(hits / self.n_paths, self.errors(horizon_bins, antithetic), self.n_blocks, n)
        if antithetic:
            return intervals.from_pairs(hits, self.summary["both_hit"], self.n_paths // 2)
        return intervals.from_independent(hits, self.n_paths)

    def errors(self, horizon_bins: np.ndarray, antithetic: bool) -> blocks.Errors:
        """Of drawn parameters: what the sampling and what the parameters do to each probability."""
        hits = self.hits(horizon_bins).sum(axis=-1).astype(float)
        squares = self.summary["hits_squared"][:, :, horizon_bins].astype(float)
        block = self.n_paths // self.n_blocks
        if antithetic:
            return blocks.of_pairs(hits, self.summary["both_hit"].astype(float), squares, self.n_blocks, block)
        return blocks.of_counts(hits, squares, self.n_blocks, block)


def merge(summaries: Sequence[Summary], block: int) -> Totals:
    """Summaries of consecutive ranges of blocks, in order."""
    sums = np.concatenate([summary["sums"] for summary in summaries])
    drawn = "hits_squared" in summaries[0]
    names = (*COUNTS, "hits_squared") if drawn else COUNTS
    found = {name: np.sum([summary[name] for summary in summaries], axis=0) for name in names}
    if drawn:
        found["sums_squared"] = (sums[:, :, 0] ** 2).sum(axis=0)
    return Totals(len(sums) * block, {**found, "sums": sums.sum(axis=0)}, len(sums))


def target_met(study: Study, ladder: Ladder, totals: Totals) -> np.ndarray:
    """For each book whether the study's target is met; all are where there is no target.

    A relative target needs `RELATIVE_NEEDS_HITS` hits. A target asks for paths: of drawn parameters it looks at the
    Monte Carlo error alone, as no number of paths makes the parameters surer.
    """
    target = study.sampling.target
    if target is None:
        return np.ones(len(ladder.cells), bool)
    found = totals.probabilities(ladder.horizon_bins, study.sampling.antithetic)
    hits = totals.hits(ladder.horizon_bins).sum(axis=-1)
    event = study.outputs.events.index(target.event)
    horizons = study.market.horizons
    asked = [horizons.index(target.horizon)] if target.horizon else list(range(len(horizons)))
    half_width = (found.upper - found.lower) / 2
    if totals.drawn:
        half_width = intervals.Z * totals.errors(ladder.horizon_bins, study.sampling.antithetic).monte_carlo
    half_width = half_width[:, event][:, asked]
    if target.absolute is not None:
        return (half_width <= target.absolute).all(axis=1)
    assert target.relative is not None  # the schema gives exactly one
    enough = hits[:, event][:, asked] >= RELATIVE_NEEDS_HITS
    return (enough & (half_width <= target.relative * found.probability[:, event][:, asked])).all(axis=1)
