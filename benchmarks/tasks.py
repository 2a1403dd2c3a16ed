"""What is computed: a ladder of barriers over a month, and the study with a ladder of leverages."""

from collections.abc import Sequence
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np

from stresslab.config import study_from_dict
from stresslab.config.schema import Study
from stresslab.files.yaml_reader import read_yaml
from stresslab.models import GBM, MODELS
from stresslab.shipped import config_root
from stresslab.units import parse_duration, years

STEP = "15min"
DT = years(parse_duration(STEP))
LADDER = 64


def ends(horizons: list[str]) -> np.ndarray:
    """The steps at which the horizons end."""
    return np.array([parse_duration(horizon) // parse_duration(STEP) for horizon in horizons])


def leverages(number: int = LADDER) -> list[float]:
    """From 1.2 to 70; a ladder of one is the middle one."""
    if number == 1:
        return [10.0]
    return [round(float(leverage), 3) for leverage in np.geomspace(1.2, 70, number)]


def barriers(number: int = LADDER) -> list[float]:
    """Where the margin of each leverage is gone."""
    return [1 - 1 / leverage for leverage in leverages(number)]


def model(kind: str) -> Any:
    """The model that is shipped for BTC."""
    fitted = read_yaml(config_root() / "models" / f"btc_{kind}.yaml")
    return MODELS[kind](**fitted["parameters"])


def examples() -> dict[str, Any]:
    """One model of each kind: those of the tests' contract, which cover the registry."""
    path = Path(__file__).resolve().parents[1] / "tests" / "helpers" / "examples.py"
    spec = spec_from_file_location("examples", path)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return dict(module.EXAMPLES)


EVENTS = ("liquidation", "bankruptcy", "loss_50")


def study(
    kind: str,
    sides: list[str],
    n_leverages: int,
    horizons: list[str],
    paths: int,
    block: int,
    events: tuple[str, ...] = EVENTS,
    policies: Sequence[dict[str, Any]] = (),
) -> Study:
    """`n_leverages` leverages on each side in one market cell, with funding every 8 hours."""
    sweep: dict[str, Any] = {"book.leverage": leverages(n_leverages)}
    return study_from_dict(
        {
            "study": "benchmark",
            "as_of": "2025-01-01T00:00:00Z",
            "seed": 1,
            "market": {"asset": "BTC", "spot": 93576.0, "model": kind, "step": STEP, "horizons": horizons},
            "models": {kind: {"kind": kind, **model(kind).model_dump(exclude={"kind"})}},
            "funding": {"kind": "constant", "rate": 1.0e-4, "interval": "8h"},
            "book": {
                "rulebook": "binance_usdm/BTCUSDT",
                "margin_mode": "isolated",
                "side": sides[0],
                "collateral": 10000.0,
                **({"policies": list(policies)} if policies else {}),
            },
            "sweep": sweep if len(sides) == 1 else {"book.side": sides, **sweep},
            "sampling": {"paths": paths, "block": block},
            "outputs": {"events": list(events)},
        }
    )


def worst_deviation(gbm: GBM, hits: np.ndarray, n_paths: int, horizons: list[str]) -> float:
    """Largest distance between hits of shape (barrier, horizon) and the closed form, in standard errors.

    Only where some 25 hits and 25 misses are expected: there the binomial law is close enough to the normal.
    """
    times = ends(horizons) * DT
    exact = np.array([[gbm.first_passage_probability(level, t) for t in times] for level in barriers(len(hits))])
    spread = np.sqrt(exact * (1 - exact) * n_paths)
    fit = np.minimum(exact, 1 - exact) * n_paths >= 25
    return float(np.max(np.abs(np.asarray(hits) - exact * n_paths)[fit] / spread[fit], initial=0.0))
