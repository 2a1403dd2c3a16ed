"""What 64 leverages cost beside one: path generation is paid for once."""

from collections.abc import Callable, Iterator
from typing import Any

import stresslab
from benchmarks import tasks
from benchmarks.harness import Case, Comparison, Section, Size, measure
from stresslab.grid.block import run_blocks
from stresslab.grid.plan import make_plan

TITLE = "64 leverages on one side against 1; 30D of 15 min steps, horizons 1D 7D 30D, funding every 8 h"


# cause, gap fill, shortfall, money; and one loss level, which is another 64 levels to watch
WAYS = {"full ladder": tasks.EVENTS[:2], "full ladder and loss_50": tasks.EVENTS}


def cases(size: Size) -> Iterator[Case]:
    """Per model: first passage alone, and the full ladder with cause, gap fill, shortfall and money; 64 and 1 wide."""
    horizons = ["1D"] if size.name == "tiny" else ["1D", "7D", "30D"]
    block, blocks = size.pick(16384, 16384, 1024), size.paths(4, 1, 1)
    work = block * blocks * int(tasks.ends(horizons)[-1])
    for kind in _models(size):
        for width in (tasks.LADDER, 1):
            yield Case(f"{kind} first passage, {width} wide", _passage(kind, width, horizons, block * blocks), work)
        for way, events in WAYS.items():
            for width in (tasks.LADDER, 1):
                run_it = _full(kind, width, horizons, block, blocks, events)
                yield Case(f"{kind} {way}, {width} wide", run_it, work, cold=width > 1 and way == "full ladder")


def run(size: Size) -> Section:
    """Time them."""
    comparisons = [
        Comparison(f"{kind} {way}, {tasks.LADDER} wide", f"{kind} {way}, 1 wide", target, at_most=True)
        for kind in _models(size)
        for way, target in (("first passage", 1.3), ("full ladder", 2.0), ("full ladder and loss_50", None))
    ]
    return measure(TITLE, size, list(cases(size)), comparisons)


def _models(size: Size) -> list[str]:
    return ["gbm"] if size.name == "tiny" else ["gbm", "merton"]


def _passage(kind: str, width: int, horizons: list[str], n_paths: int) -> Callable[[], Any]:
    model, barriers = tasks.model(kind), tasks.barriers(width)
    return lambda: stresslab.first_passage(
        model, barriers=barriers, horizons=horizons, step=tasks.STEP, n_paths=n_paths, seed=1
    )


def _full(
    kind: str, width: int, horizons: list[str], block: int, blocks: int, events: tuple[str, ...]
) -> Callable[[], Any]:
    study = tasks.study(kind, ["long"], width, horizons, block * blocks, block, events)
    (ladder,) = make_plan(study, evaluation="static").ladders
    return lambda: run_blocks(ladder, 0, blocks, block)
