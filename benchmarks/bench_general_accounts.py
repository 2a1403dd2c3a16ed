"""64 accounts with policies in the general engine, against the same accounts without."""

from collections.abc import Callable, Iterator
from typing import Any

from benchmarks import tasks
from benchmarks.harness import Case, Comparison, Section, Size, measure
from stresslab.grid.block import run_blocks
from stresslab.grid.plan import make_plan

TITLE = "64 managed accounts (32 leverages, long and short) with funding, 7D of 15 min steps"
PLAIN = "no policy"
STOP = {"kind": "stop_loss", "distance": 0.05}
MANAGED: dict[str, list[dict[str, Any]]] = {
    "stop": [STOP],
    "stop and trailing stop": [STOP, {"kind": "trailing_stop", "distance": 0.05}],
    "stop and take-profit": [STOP, {"kind": "take_profit", "distance": 0.05}],
    "stop and constant leverage": [STOP, {"kind": "constant_leverage", "interval": "1h"}],
}
MODELS = ("gbm", "heston")


def cases(size: Size) -> Iterator[Case]:
    """Plain accounts, then the same books managed, on two models."""
    horizons = ["1D"] if size.name == "tiny" else ["1D", "7D"]
    block, n_steps = size.pick(16384, 4096, 1024), int(tasks.ends(horizons)[-1])
    work = tasks.LADDER * block * n_steps
    for kind in MODELS[:1] if size.name == "tiny" else MODELS:
        yield Case(f"{PLAIN}, {kind}", _run(kind, horizons, block, []), work, "book-steps")
        for name, policies in MANAGED.items():
            run = _run(kind, horizons, block, policies)
            yield Case(f"{name}, {kind}", run, work, "book-steps")


def run(size: Size) -> Section:
    """Time them. Stops have a target; of other policies the ratio is shown."""
    comparisons = [
        Comparison(f"{name}, {kind}", f"{PLAIN}, {kind}", 2.0 if policies == [STOP] else None, at_most=True)
        for kind in MODELS
        for name, policies in MANAGED.items()
    ]
    return measure(TITLE, size, list(cases(size)), comparisons)


def _run(kind: str, horizons: list[str], block: int, policies: list[dict[str, Any]]) -> Callable[[], Any]:
    study = tasks.study(kind, ["long", "short"], tasks.LADDER // 2, horizons, block, block, policies=policies)
    (ladder,) = make_plan(study, evaluation="general").ladders
    return lambda: run_blocks(ladder, 0, 1, block)
