"""Each model beside GBM: paths, running extremes and one barrier."""

from collections.abc import Iterator
from typing import Any

import stresslab
from benchmarks import tasks
from benchmarks.harness import Case, Comparison, Section, Size, measure

TITLE = "models, path and running extremes, 7D of 15 min steps"


def cases(size: Size) -> Iterator[Case]:
    """One for each model that there is, with the parameters of the tests."""
    horizon = "1D" if size.name == "tiny" else "7D"
    n_paths, n_steps = size.paths(131072, 32768, 2048), int(tasks.ends([horizon])[-1])
    for kind, model in tasks.examples().items():

        def passage(model: Any = model) -> object:
            return stresslab.first_passage(
                model, barriers=[0.9], horizons=[horizon], step=tasks.STEP, n_paths=n_paths, seed=1
            )

        yield Case(kind, passage, n_paths * n_steps, cold=True)


def run(size: Size) -> Section:
    """Time them."""
    comparisons = [Comparison(kind, "gbm", None) for kind in tasks.examples() if kind != "gbm"]
    return measure(TITLE, size, list(cases(size)), comparisons)
