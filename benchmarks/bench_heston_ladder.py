"""Heston by the quadratic-exponential scheme, bridged, with a ladder of 64 barriers: against QuantLib's paths alone."""

from collections.abc import Iterator

import numpy as np

import stresslab
from benchmarks import tasks
from benchmarks.harness import Case, Comparison, Section, Size, measure
from benchmarks.optional import baseline

TITLE = "Heston QE-M, 15 min steps, minimum between steps, ruin by 1D 7D 30D for 64 barriers"


def cases(size: Size) -> Iterator[Case]:
    """Ours, then QuantLib's where it is installed."""
    horizons = ["1D"] if size.name == "tiny" else ["1D", "7D", "30D"]
    n_paths, n_steps, heston = size.paths(32768, 8192, 2048), int(tasks.ends(horizons)[-1]), tasks.model("heston")

    def passage() -> np.ndarray:
        found = stresslab.first_passage(
            heston, barriers=tasks.barriers(), horizons=horizons, step=tasks.STEP, n_paths=n_paths, seed=1
        )
        return found["hits"].to_numpy()

    yield Case("stresslab", passage, n_paths * n_steps, cold=True)
    if quantlib_paths := baseline("quantlib_paths", "QuantLib"):
        few = size.pick(512, 128, 16)
        draw = quantlib_paths.heston(heston, n_steps, n_steps * tasks.DT)
        yield Case("QuantLib path generator, path only", lambda: draw(few), few * n_steps)


def run(size: Size) -> Section:
    """Time both."""
    return measure(
        TITLE, size, list(cases(size)), [Comparison("stresslab", "QuantLib path generator, path only", 15.0)]
    )
