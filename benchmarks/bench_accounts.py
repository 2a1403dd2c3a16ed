"""The general engine with 64 plain accounts, against the same rules in NumPy."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks import machine, numpy_accounts, tasks
from benchmarks.harness import Case, Comparison, Section, Size, measure
from stresslab.grid.block import run_blocks
from stresslab.grid.ladder import Evaluation, Ladder
from stresslab.grid.plan import make_plan

TITLE = "64 general accounts (32 leverages, long and short) with funding, 7D of 15 min steps"
NUMPY_BLOCKS = (128, 256, 512, 1024)


def cases(size: Size) -> Iterator[Case]:
    """Ours on two models, then NumPy on GBM; both draw their own paths."""
    horizons = ["1D"] if size.name == "tiny" else ["1D", "7D"]
    block, n_steps = size.pick(16384, 4096, 1024), int(tasks.ends(horizons)[-1])
    ladders = {kind: _ladder(kind, horizons, block, "general") for kind in ("gbm", "heston")}
    plain = _ladder("gbm", horizons, block, "static")  # the books as NumPy takes them
    blocks = size.paths(1, 1, 1)
    for kind, ladder in ladders.items():
        work = tasks.LADDER * block * blocks * n_steps
        yield Case(f"stresslab, {kind}", _ours(ladder, blocks, block), work, "book-steps", cold=True)
    few = size.pick(2048, 1024, 1024)
    truth = _hits(plain, run_blocks(plain, 0, 1, block)) / block
    for paths in NUMPY_BLOCKS[-2:] if size.name == "tiny" else NUMPY_BLOCKS:
        for threads in sorted({1, machine.cores()}):
            if few // paths < threads:
                continue
            run = _numpy(plain, few, paths, threads)
            name = f"NumPy, gbm, blocks of {paths}, {threads} threads"
            check = _against(truth, block, few)
            yield Case(name, run, tasks.LADDER * few * n_steps, "book-steps", "NumPy", check)


def run(size: Size) -> Section:
    """Time them."""
    comparisons = [Comparison(f"stresslab, {kind}", "NumPy", 8.0) for kind in ("gbm", "heston")]
    return measure(TITLE, size, list(cases(size)), comparisons)


def _ladder(kind: str, horizons: list[str], block: int, evaluation: Evaluation) -> Ladder:
    study = tasks.study(kind, ["long", "short"], tasks.LADDER // 2, horizons, block, block)
    (ladder,) = make_plan(study, evaluation=evaluation).ladders
    return ladder


def _ours(ladder: Ladder, blocks: int, block: int) -> Callable[[], Any]:
    return lambda: run_blocks(ladder, 0, blocks, block)


def _numpy(ladder: Ladder, n_paths: int, block: int, threads: int) -> Callable[[], np.ndarray]:
    sides, given, bins = ladder.shape.sides, ladder.arguments, ladder.horizon_bins
    return lambda: numpy_accounts.run(1, n_paths, block, threads, sides, given, bins)


def _hits(ladder: Ladder, summary: dict[str, np.ndarray]) -> np.ndarray:
    """Liquidations and losses by each horizon, shape (book, event, horizon), from a block's summary."""
    by_bin = np.cumsum(summary["event_count"].sum(axis=-1), axis=2)[:, :, ladder.horizon_bins]
    return by_bin[:, [0, 2]]  # the study's events are liquidation, bankruptcy, loss_50


def _against(truth: np.ndarray, n_truth: int, n_paths: int) -> Callable[[np.ndarray], float]:
    """Largest distance between NumPy's hits and the probabilities that stresslab found, in standard errors of both."""

    def check(hits: np.ndarray) -> float:
        pooled = (hits + truth * n_truth) / (n_paths + n_truth)
        spread = np.sqrt(pooled * (1 - pooled) * (1 / n_paths + 1 / n_truth))
        fit = np.minimum(pooled, 1 - pooled) * n_paths >= 25
        return float(np.max(np.abs(hits / n_paths - truth)[fit] / spread[fit], initial=0.0))

    return check
