"""Twenty options and a perpetual under portfolio margin, against the same scenarios in NumPy without tables."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks import option_book, tasks
from benchmarks.harness import Case, Comparison, Figure, Section, Size, measure
from stresslab.grid.block import run_blocks
from stresslab.grid.ladder import Ladder
from stresslab.grid.plan import make_plan

TITLE = "20 options and a perpetual in coin, Deribit's portfolio margin, 15 min steps"
KINDS = ("gbm", "heston")
TARGET = 1.0  # million path-steps per second on 2 cores


def cases(size: Size) -> Iterator[Case]:
    """Ours on two models over a week, then NumPy on GBM over a day; both draw their own paths."""
    horizons = ["1D"] if size.name == "tiny" else ["1D", "7D"]
    block, day = size.pick(16384, 8192, 1024), int(tasks.ends(["1D"])[0])
    n_steps = int(tasks.ends(horizons)[-1])
    ladders = {kind: _ladder(kind, horizons, block) for kind in KINDS[: size.pick(2, 2, 1)]}
    for kind, ladder in ladders.items():
        yield Case(f"stresslab, {kind}", _ours(ladder, block), block * n_steps, cold=True)
    hits = run_blocks(ladders["gbm"], 0, 1, block)["event_count"].sum(axis=-1)[0, 0]
    truth = float(hits[: ladders["gbm"].horizon_bins[0] + 1].sum()) / block
    few = size.pick(512, 256, 64)
    numbers = ladders["gbm"].arguments.numbers.accounts[0]  # type: ignore[union-attr]
    start = numbers.legs[-1].options.start[0] * numbers.legs[-1].size[0]
    cash = float((numbers.balance[0] - start) * ladders["gbm"].scale[0])
    yield Case("NumPy, gbm", lambda: option_book.run(1, few, day, cash), few * day, check=_against(truth, block, few))


def run(size: Size) -> Section:
    """Time them."""
    comparisons = [Comparison(f"stresslab, {kind}", "NumPy, gbm", None) for kind in KINDS]
    section = measure(TITLE, size, list(cases(size)), comparisons)
    for timing in section.timings:
        if timing.case.name.startswith("stresslab"):
            rates = [rate / 1e6 for rate in timing.rates]
            section.figures.append(Figure(f"{timing.case.name}: million path-steps/s", rates, "", TARGET))
    return section


def _ladder(kind: str, horizons: list[str], block: int) -> Ladder:
    (ladder,) = make_plan(option_book.study(kind, horizons, block, block)).ladders
    return ladder


def _ours(ladder: Ladder, block: int) -> Callable[[], Any]:
    return lambda: run_blocks(ladder, 0, 1, block)


def _against(truth: float, n_truth: int, n_paths: int) -> Callable[[int], float]:
    """Distance between NumPy's hits in a day and stresslab's probability, in standard errors of both."""

    def check(hits: int) -> float:
        pooled = (hits + truth * n_truth) / (n_paths + n_truth)
        spread = np.sqrt(max(pooled * (1 - pooled), 1 / n_truth) * (1 / n_paths + 1 / n_truth))
        return float(abs(hits / n_paths - truth) / spread)

    return check
