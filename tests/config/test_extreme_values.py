"""Numbers of any size: refused in words, or the study runs and what comes out is finite.

A warning of Python, NumPy or JAX is an error in these tests. One block of 256 paths, seed 7.
"""

import re
from typing import Any

import pytest
from helpers import extremes
from helpers.extremes import FAR, NEAR, STUDIES

from stresslab import first_passage
from stresslab.config import study_from_dict
from stresslab.errors import InputError
from stresslab.models import MODELS, Merton
from stresslab.models.scheme_clock import MOST_STEPS

QUICK = ("gbm", "merton")  # models that the fast suite runs
BOTH = [sign * value for value in (*FAR, *NEAR) for sign in (1, -1)]


@pytest.mark.parametrize("kind", sorted(MODELS))
def test_a_number_far_beyond_is_refused_or_taken(kind: str) -> None:
    """Loading alone; what must be positive is refused at every one of these sizes."""
    study, places = extremes.of_model(kind)
    for place in places:
        for value in FAR:
            try:
                study_from_dict(extremes.changed(study, place, value))
            except InputError as error:
                assert str(place[2]) in str(error)
            else:
                assert value < 1, f"{place} takes {value}"


@pytest.mark.parametrize("kind", [*QUICK, *(pytest.param(k, marks=pytest.mark.slow) for k in MODELS if k not in QUICK)])
def test_a_model_is_refused_or_runs(kind: str) -> None:
    study, places = extremes.of_model(kind)
    refused = 0
    for place in places:
        for value in BOTH:
            plan = extremes.planned(study, place, value)
            refused += plan is None
            if plan is not None:
                extremes.check_runs(plan)
    assert 0 < refused < len(places) * len(BOTH)


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_is_refused_or_planned(name: str) -> None:
    study, places = extremes.of_study(name)
    assert extremes.planned(study, places[0], 93_576.0) is not None
    found = [extremes.planned(study, place, value) for place in places for value in (*FAR, 1e18, 1e-15)]
    assert None in found


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_a_study_is_refused_or_runs(name: str) -> None:
    study, places = extremes.of_study(name)
    for place in places:
        for value in (*BOTH, 1e18):
            plan = extremes.planned(study, place, value)
            if plan is not None:
                extremes.check_runs(plan)


CLOCKS: list[tuple[str, str, float]] = [
    ("merton", "jump_intensity", 9e8),
    ("kou", "jump_intensity", 9e8),
    ("bates", "jump_intensity", 9e8),
    ("svjj", "jump_intensity", 9e8),
    ("heston", "kappa", 9e8),
    ("sabr", "nu", 1e5),
    ("hawkes", "initial_intensity", 9e8),
    ("rough_heston", "kappa", 9e8),
]


@pytest.mark.parametrize("kind, field, value", CLOCKS)
def test_a_clock_is_refused_with_a_value_that_would_do(kind: str, field: str, value: float) -> None:
    study, _ = extremes.of_model(kind)
    study["market"] = {**study["market"], "horizons": ["1D", "7D"]}
    place = ("models", "m", field)
    with pytest.raises(InputError, match=f"more than {MOST_STEPS:,}") as refusal:
        study_from_dict(extremes.changed(study, place, value))
    assert refusal.value.key == f"models.m.{field}"
    most = re.search(rf"Write {field}: (\S+) or less", str(refusal.value))
    assert most
    assert float(most[1]) < value
    study_from_dict(extremes.changed(study, place, float(most[1])))


def test_a_clock_that_a_shock_asks_for_is_refused_at_the_shock() -> None:
    study = {**STUDIES["shock"], "sweep": {"market.shock": ["none", "x"]}}
    with pytest.raises(InputError, match="more than") as refusal:
        study_from_dict(extremes.changed(study, ("shocks", "x", 3, "factor"), 1e8))
    assert refusal.value.key in ("shocks.x[3].factor", "sweep.market.shock")


def test_a_clock_of_a_joint_model_is_refused_at_the_asset_s_model() -> None:
    study: dict[str, Any] = {**STUDIES["shock"], "shocks": {}}
    study["market"] = {**study["market"], "model": "both", "shock": "none"}
    merton = study["models"]["m"]
    joint = {"kind": "joint", "assets": {"BTC": "m", "ETH": "e"}, "correlation": 0.5}
    study["models"] = {"m": merton, "e": {**merton, "jump_intensity": 9e8}, "both": joint}
    del study["shocks"]
    with pytest.raises(InputError, match="more than") as refusal:
        study_from_dict(study)
    assert refusal.value.key == "models.e.jump_intensity"


@pytest.mark.parametrize("give", ["swept", "set"])
def test_what_is_swept_or_set_is_held_to_the_same(give: str) -> None:
    study, _ = extremes.of_model("merton")
    path = "models.m.jump_intensity"
    if give == "swept":
        study["sweep"] = {path: [10.0, 9e8]}
        with pytest.raises(InputError, match="more than"):
            study_from_dict(study)
        return
    from_file = extremes.changed(study, ("models", "m", "jump_intensity"), 9e8)
    with pytest.raises(InputError, match="more than"):
        study_from_dict(from_file)


def test_first_passage_is_bounded_too() -> None:
    model = Merton(sigma=0.5, jump_intensity=9e8, jump_mean=0.0, jump_std=0.1)
    with pytest.raises(InputError, match="jump_intensity: makes the scheme take"):
        first_passage(model, barriers=[0.9], horizons=["7D"], step="1h", n_paths=8, seed=1)


def test_growth_and_sizes_are_refused_with_the_parameter() -> None:
    study, _ = extremes.of_model("merton")
    for field, value, wanted in (
        ("mu", 1e4, "mu is a rate per year"),
        ("jump_mean", 50.0, "Jump sizes are in log price"),
        ("jump_std", 50.0, "Jump sizes are in log price"),
    ):
        with pytest.raises(InputError, match=wanted) as refusal:
            study_from_dict(extremes.changed(study, ("models", "m", field), value))
        assert refusal.value.key == f"models.m.{field}"


def test_a_variance_that_hardly_moves_is_refused_where_its_scheme_ends() -> None:
    """The least xi that is named is taken, and gives finite numbers."""
    study, _ = extremes.of_model("heston")
    with pytest.raises(InputError, match="the scheme needs xi >=") as refusal:
        study_from_dict(extremes.changed(study, ("models", "m", "xi"), 1e-12))
    least = re.search(r"needs xi >= (\S+)\.", str(refusal.value))
    assert least
    plan = extremes.planned(study, ("models", "m", "xi"), 1.1 * float(least[1]))
    assert plan is not None
    extremes.check_runs(plan)
