"""Geometric Brownian motion and a static ladder of 64 barriers at three horizons, against JAX, Numba and
QuantLib without stresslab.
"""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np

import stresslab
from benchmarks import jax_random, tasks
from benchmarks.harness import Case, Comparison, Section, Size, measure
from benchmarks.optional import baseline

TITLE = "GBM, 15 min steps, minimum between steps, ruin by 1D 7D 30D for 64 barriers"
SEED = 1
NUMBA, NUMBA_COUNTED = "Numba", "Numba on stresslab's random numbers"
NUMBA_LANES = (512, 1024, 2048)
JAX_BLOCKS = (1, 2, 8, 32)  # of all paths


def cases(size: Size) -> Iterator[Case]:
    """Ours, then the baselines that are installed."""
    horizons = ["1D"] if size.name == "tiny" else ["1D", "7D", "30D"]
    n_paths = size.paths(65536, 16384, 4096)
    yield _ours(n_paths, horizons)
    yield from _jax_random(n_paths, horizons, JAX_BLOCKS[:2] if size.name == "tiny" else JAX_BLOCKS)
    if numba_gbm := baseline("numba_gbm", "numba"):
        lanes = NUMBA_LANES[:1] if size.name == "tiny" else NUMBA_LANES
        yield from _numba(numba_gbm, size.pick(65536, 16384, 4096), horizons, lanes)
    if quantlib_paths := baseline("quantlib_paths", "QuantLib"):
        yield from _quantlib(quantlib_paths, size.pick(1024, 256, 16), int(tasks.ends(horizons)[-1]))


def run(size: Size) -> Section:
    """Time them, and say how wide Numba's vectors are."""
    comparisons = [
        Comparison("stresslab", "jax.random", 4.0),
        Comparison("stresslab", "jax.random, spread like ours", None),
        Comparison("stresslab", "QuantLib BlackScholesProcess, path only", 30.0),
        Comparison("stresslab", "QuantLib GeometricBrownianMotionProcess, path only", 30.0),
        Comparison("stresslab", NUMBA, 1.5),
        Comparison("stresslab", NUMBA_COUNTED, None),
    ]
    section = measure(TITLE, size, list(cases(size)), comparisons)
    if numba_gbm := baseline("numba_gbm", "numba"):
        section.notes.append(
            f"Numba's inner loop: {numba_gbm.vector_bits()}-bit vectors, {numba_gbm.threads()} threads"
        )
    return section


def _ours(n_paths: int, horizons: list[str]) -> Case:
    def passage() -> np.ndarray:
        found = stresslab.first_passage(
            tasks.model("gbm"),
            barriers=tasks.barriers(),
            horizons=horizons,
            step=tasks.STEP,
            n_paths=n_paths,
            seed=SEED,
        )
        return found["hits"].to_numpy()

    work = n_paths * int(tasks.ends(horizons)[-1])
    return Case("stresslab", passage, work, check=_checked(n_paths, horizons), cold=True)


def _jax_random(n_paths: int, horizons: list[str], numbers: tuple[int, ...]) -> Iterator[Case]:
    """Block sizes, each on one device (two cores of it are XLA's business) and spread over all devices as stresslab
    does.
    """
    gbm, ends = tasks.model("gbm"), tasks.ends(horizons)
    segments = tuple(int(steps) for steps in np.diff(ends, prepend=0))
    levels = np.log(tasks.barriers()).astype(np.float32)
    given = (levels, *gbm.coefficients(tasks.DT))
    ways: tuple[tuple[str, Callable[..., Any]], ...] = (
        ("jax.random", jax_random.one_device),
        ("jax.random, spread like ours", jax_random.all_devices),
    )
    for group, hits in ways:
        for blocks in numbers:
            block = n_paths // blocks
            if hits is jax_random.all_devices and blocks % len(jax.devices()):
                continue
            keys = jax.random.split(jax.random.key(SEED), blocks)

            def simulate(hits: Callable[..., Any] = hits, keys: Any = keys, block: int = block) -> Any:
                return hits(keys, *given, n_paths=block, segments=segments)

            check = _checked(n_paths, horizons)
            yield Case(
                f"{group}, blocks of {block}", simulate, n_paths * int(ends[-1]), group=group, check=check, cold=True
            )


def _numba(numba_gbm: Any, n_paths: int, horizons: list[str], widths: tuple[int, ...]) -> Iterator[Case]:
    """With a generator of its own, as a Numba user would; and with stresslab's words, path by path."""
    ends = tasks.ends(horizons)
    segments = np.diff(ends, prepend=0)
    drift, deviation, variance = tasks.model("gbm").coefficients(tasks.DT)
    levels = np.log(tasks.barriers()).astype(np.float32)
    for counted, group in ((False, NUMBA), (True, NUMBA_COUNTED)):
        for lanes in widths:

            def simulate(counted: bool = counted, lanes: int = lanes) -> np.ndarray:
                given = segments, drift, deviation, np.float32(2) * variance
                _, low = numba_gbm.minima(counted, SEED, n_paths, lanes, *given)
                low.sort(axis=1)
                return np.stack([np.searchsorted(row, levels, side="right") for row in low], axis=1)

            check = _checked(n_paths, horizons)
            yield Case(
                f"{group}, blocks of {lanes}", simulate, n_paths * int(ends[-1]), "path-steps", group, check, True
            )


def _quantlib(quantlib_paths: Any, n_paths: int, n_steps: int) -> Iterator[Case]:
    ways = {
        "BlackScholesProcess": quantlib_paths.black_scholes,
        "GeometricBrownianMotionProcess": quantlib_paths.geometric,
    }
    for name, way in ways.items():
        draw = way(tasks.model("gbm"), n_steps, n_steps * tasks.DT)
        yield Case(f"QuantLib {name}, path only", lambda draw=draw: draw(n_paths), n_paths * n_steps)


def _checked(n_paths: int, horizons: list[str]) -> Callable[[Any], float]:
    return lambda hits: tasks.worst_deviation(tasks.model("gbm"), np.asarray(hits), n_paths, horizons)
