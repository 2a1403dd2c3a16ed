"""Every number of a study put to extreme values, one at a time."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
from helpers.examples import EXAMPLES

from stresslab.config import study_from_dict
from stresslab.errors import InputError
from stresslab.execution import run_plan
from stresslab.grid.plan import Plan, make_plan
from stresslab.grid.serial import Serial
from stresslab.models import MODELS

FAR = (1e300, 1e30, 1e-300, 5e-324)  # beyond what a file may hold, where a number must be positive
NEAR = (1e9, 1e3, 1e-9, 1e-15)  # at the bounds of a model's numbers and inside them
MOST_RUN = 20_000  # steps: what check passes and asks for more is not run by a test

Path = tuple[str | int, ...]

_COMMON = {
    "study": "s",
    "as_of": "2025-01-01T00:00:00Z",
    "seed": 7,
    "market": {"asset": "BTC", "spot": 93576.0, "model": "m", "step": "1h", "horizons": ["12h", "1D"]},
    "sampling": {"paths": 256, "block": 256},
    "outputs": {"survival_points": 2},
}
_HESTON = {"m": {"kind": "heston", "v0": 0.3, "kappa": 10.0, "theta": 0.4, "xi": 3.0, "rho": -0.4}}
_MERTON = {"m": {"kind": "merton", "sigma": 0.5, "jump_intensity": 20.0, "jump_mean": -0.01, "jump_std": 0.04}}
_BOOK = {"rulebook": "binance_usdm/BTCUSDT", "side": "long", "collateral": 10_000.0, "leverage": 10.0}
_CONSTANT = {"kind": "constant", "rate": 1e-4}


def _process(**own: float) -> dict[str, Any]:
    return {"kind": "mean_reverting", "mean": 1e-4, "volatility": 1e-3, "speed": 100.0, **own}


STUDIES: dict[str, dict[str, Any]] = {
    "processes": {
        **_COMMON,
        "models": _HESTON,
        "book": {**_BOOK, "slippage_bps": 5.0},
        "funding": _process(rate=1e-4, cap=0.01, floor=-0.01),
        "basis": _process(basis=1e-3, correlation=0.1),
    },
    "in flight": {
        **_COMMON,
        "models": _HESTON,
        "book": {
            "rulebook": "binance_usdm/BTCUSDT",
            "side": "short",
            "collateral": 10_000.0,
            "quantity": 0.5,
            "entry_price": 90_000.0,
            "margin": 9_000.0,
        },
        "funding": _CONSTANT,
    },
    "shock": {
        **_COMMON,
        "market": {**_COMMON["market"], "shock": "x"},  # type: ignore[dict-item]
        "models": _MERTON,
        "book": {**_BOOK, "side": "short"},
        "funding": _CONSTANT,
        "shocks": {
            "x": [
                {"kind": "gap", "fraction": -0.1, "at": {"rate": 2.0}},
                {"kind": "gap", "log_size": 0.1, "at": "4h"},
                {"kind": "volatility", "factor": 2.0, "half_life": "5h"},
                {"kind": "jump_intensity", "factor": 3.0},
                {"kind": "funding", "rate": 1e-3},
            ]
        },
    },
    "venue": {
        **_COMMON,
        "models": _HESTON,
        "book": {
            **_BOOK,
            "reserve": 5_000.0,
            "policies": [
                {"kind": "stop_loss", "distance": 0.05, "order": "limit", "limit": 0.01},
                {"kind": "take_profit", "distance": 0.2},
            ],
        },
        "funding": _CONSTANT,
        "venue": {
            "calm_volatility": 0.5,
            "outage": {"per_year": 50.0, "lasts": "4h", "power": 0.5},
            "stale_oracle": {"per_year": 50.0, "lasts": "1h", "power": 0.5},
            "band": {"up": 0.1, "down": 0.1},
            "latency": {"delay": "1s", "power": 0.5},
            "default": {"per_year": 0.1, "power": 1.0, "recovery": 0.2},
            "depth": {"depth": 1e7, "coefficient": 0.005, "power": 0.5, "floor": 0.02, "most": 0.5},
            "waterfall": {"open_interest": 1e10, "volume": 1e10, "fund": 1e9},
            "basis": {"half_life": "1h", "volatility": 0.05, "power": 0.5, "now": 1e-3, "pull": 0.1},
        },
    },
}


def of_model(kind: str) -> tuple[dict[str, Any], list[Path]]:
    """A study of one model, and the places of the model's numbers, those that are left out included."""
    written = EXAMPLES[kind].model_dump(mode="json", exclude_none=True)
    left_out = [name for name in MODELS[kind].model_fields if name not in written and _is_number(kind, name)]
    places = [*_floats({name: one for name, one in written.items() if name != "history"}), *((n,) for n in left_out)]
    study = {**_COMMON, "models": {"m": written}, "book": {**_BOOK, "side": "short"}}
    return study, [("models", "m", *place) for place in places]


def of_study(name: str) -> tuple[dict[str, Any], list[Path]]:
    """A study, and the places of its numbers outside its models."""
    study = STUDIES[name]
    return study, [place for place in _floats(study) if place[0] != "models"]


def _is_number(kind: str, name: str) -> bool:
    return "float" in str(MODELS[kind].model_fields[name].annotation)


def _floats(value: Any, place: Path = ()) -> Iterator[Path]:
    if isinstance(value, float):
        yield place
    elif isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _floats(inner, (*place, key))


def changed(study: dict[str, Any], place: Path, value: float) -> dict[str, Any]:
    copied = json.loads(json.dumps(study))
    inside = copied
    for key in place[:-1]:
        inside = inside[key]
    inside[place[-1]] = value
    return copied


def planned(study: dict[str, Any], place: Path, value: float) -> Plan | None:
    """The plan of the study with this value; None where it is refused, in words and with its place."""
    try:
        return make_plan(study_from_dict(changed(study, place, value)))
    except InputError as error:
        said = str(error)
        assert said.startswith("study: "), said
        assert len(said) < 3000
        assert error.key, said
        return None


def check_runs(plan: Plan) -> None:
    """One block of 256 paths ends in finite numbers."""
    if plan.markets[0].n_steps > MOST_RUN:
        return
    dataset = run_plan(plan, Serial())
    assert (dataset.status == "ok").all(), dataset.status_reason.values
    for name in ("probability", "lower", "upper", "mean_pnl", "mean_fees", "shortfall_mean"):
        assert np.isfinite(dataset[name]).all(), name
