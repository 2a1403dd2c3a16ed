"""The GARCH family, bars of an hour at steps of an hour: against arch's own simulation of the same model.

Theirs is `simulate`, which makes one path bar by bar, and beside it without a target the simulated forecast, which
makes many paths at once. Ours also carries the running minimum between the bars.
"""

from collections.abc import Callable, Iterator

import numpy as np
from arch import arch_model

import stresslab
from benchmarks.harness import Case, Comparison, Section, Size, measure
from stresslab.models import EGARCH, FIGARCH, GARCH, GJR
from stresslab.models.bar import BarModel

TITLE = "GARCH family, path-bars of an hour, against arch"
SHAPE = {"bar": "1h", "innovation": "student_t", "nu": 5.0, "mean": "zero_log"}
# in per cent, as arch likes it; omega of ours is decimal
MODELS: dict[str, tuple[BarModel, dict[str, object], list[float]]] = {
    "garch": (
        GARCH(omega=1e-6, alpha=0.08, beta=0.9, **SHAPE),
        {"vol": "GARCH", "o": 0},
        [0.01, 0.08, 0.9, 5.0],
    ),
    "gjr": (
        GJR(omega=1e-6, alpha=0.04, gamma=0.08, beta=0.9, **SHAPE),
        {"vol": "GARCH", "o": 1},
        [0.01, 0.04, 0.08, 0.9, 5.0],
    ),
    "egarch": (
        EGARCH(omega=0.002 - 0.02 * np.log(1e4), alpha=0.15, gamma=-0.05, beta=0.98, **SHAPE),
        {"vol": "EGARCH", "o": 1},
        [0.002, 0.15, -0.05, 0.98, 5.0],
    ),
    "figarch": (
        FIGARCH(omega=1e-6, phi=0.2, d=0.4, beta=0.5, h0=4e-5, **SHAPE),
        {"vol": "FIGARCH", "o": 0},
        [0.01, 0.2, 0.4, 0.5, 5.0],
    ),
}


def theirs(settings: dict[str, object], parameters: list[float], n_bars: int) -> Callable[[], object]:
    """One path of arch's `simulate`."""
    model = arch_model(None, mean="Zero", dist="t", p=1, q=1, rescale=False, **settings)
    return lambda: model.simulate(parameters, n_bars, burn=0)


def forecast(settings: dict[str, object], parameters: list[float], bars: int, n_paths: int) -> Callable[[], object]:
    """Many paths of arch's forecast by simulation."""
    values = np.random.default_rng(1).standard_normal(2000)
    fixed = arch_model(values, mean="Zero", dist="t", p=1, q=1, rescale=False, **settings).fix(parameters)
    return lambda: fixed.forecast(horizon=bars, method="simulation", simulations=n_paths, reindex=False)


def cases(size: Size) -> Iterator[Case]:
    """Ours, theirs one path at a time, theirs many at once."""
    n_paths, bars = size.paths(131_072, 32_768, 2048), 24 if size.name == "tiny" else 168
    for kind, (model, settings, parameters) in MODELS.items():

        def passage(model: BarModel = model) -> object:
            return stresslab.first_passage(
                model, barriers=[0.9], horizons=[f"{bars}h"], step="1h", n_paths=n_paths, seed=1
            )

        yield Case(kind, passage, n_paths * bars, "path-bars", cold=True)
        n_bars = size.pick(20_000, 5_000, 200)
        yield Case(f"arch {kind}, simulate", theirs(settings, parameters, n_bars), n_bars, "path-bars")
        many = size.pick(10_000, 2_000, 20) // (5 if kind == "figarch" else 1)  # a thousand lags for each bar
        yield Case(f"arch {kind}, forecast", forecast(settings, parameters, bars, many), many * bars, "path-bars")


def run(size: Size) -> Section:
    """Time them."""
    comparisons = [Comparison(kind, f"arch {kind}, simulate", 20.0) for kind in MODELS]
    comparisons += [Comparison(kind, f"arch {kind}, forecast", None) for kind in MODELS]
    return measure(TITLE, size, list(cases(size)), comparisons)
