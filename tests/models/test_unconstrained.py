"""The space without bounds: there and back, slopes, bounds as the fields declare them, and names of nested numbers."""

import math

import pytest
from helpers.examples import EXAMPLES
from scipy.special import expit, logit

from stresslab.models import MODELS, RegimeSwitching
from stresslab.models.unconstrained import Bounds, bounds, number, replaced

SPACES = {
    "free": (Bounds(), (-3.0, 0.0, 2.5)),
    "positive": (Bounds(low=0.0), (1e-9, 0.4, 300.0)),
    "negative": (Bounds(high=0.0), (-300.0, -0.4, -1e-9)),
    "correlation": (Bounds(-1.0, 1.0), (-0.999, 0.0, 0.7)),
    "probability": (Bounds(0.0, 1.0), (1e-6, 0.5, 0.98)),
}


@pytest.mark.parametrize("name", SPACES)
def test_there_and_back_and_the_slope_between(name):
    space, points = SPACES[name]
    for x in points:
        assert space.inside(x)
        assert space.bound(space.free(x)) == pytest.approx(x, rel=1e-9, abs=1e-15)
        step = 1e-6 * min(abs(x - space.low), abs(space.high - x), 1.0)
        slope = (space.free(x + step) - space.free(x - step)) / (2 * step)
        assert space.slope(x) == pytest.approx(slope, rel=1e-4)


def test_the_spaces_are_those_that_one_expects():
    assert Bounds(0.0, 1.0).free(0.3) == pytest.approx(logit(0.3)) and Bounds(0.0, 1.0).bound(2.0) == expit(2.0)
    assert Bounds(-1.0, 1.0).free(-0.4) == pytest.approx(2 * math.atanh(-0.4))
    assert Bounds(low=0.0).free(0.3) == math.log(0.3)
    assert not Bounds(low=0.0).inside(0.0) and not Bounds(-1.0, 1.0).inside(1.0)
    assert Bounds(0.0, 1.0).bound(-1e4) == 0.0 and Bounds(0.0, 1.0).bound(1e4) == 1.0  # no overflow


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        ("heston", "kappa", (0.0, math.inf)),
        ("heston", "rho", (-1.0, 1.0)),
        ("heston", "mu", (-math.inf, math.inf)),
        ("merton", "jump_std", (0.0, math.inf)),
        ("merton", "jump_mean", (-math.inf, math.inf)),
        ("kou", "up_probability", (0.0, 1.0)),
        ("kou", "eta_up", (1.0, math.inf)),
        ("regime_switching", "sigmas.1", (0.0, math.inf)),
        ("regime_switching", "generator.0.1", (0.0, math.inf)),
        ("regime_switching", "jump_stds.0", (0.0, math.inf)),
    ],
)
def test_bounds_are_those_of_the_fields(kind, name, expected):
    assert bounds(MODELS[kind], name) == expected


@pytest.mark.parametrize("kind", EXAMPLES)
def test_every_number_of_every_model_lies_within_its_bounds(kind):
    for name, value in EXAMPLES[kind]:
        if isinstance(value, float):
            found = bounds(MODELS[kind], name)
            assert found.low <= value <= found.high, name


def test_nested_numbers_are_read_and_replaced():
    model = RegimeSwitching(sigmas=(0.3, 0.9), generator=((-5.0, 5.0), (20.0, -20.0)), initial_state=0)
    values = dict(model)
    assert number(values, "sigmas.1") == 0.9 and number(values, "generator.1.0") == 20.0
    found = replaced(values, {"sigmas.0": 0.4, "generator.1.0": 30.0})
    assert found["sigmas"] == (0.4, 0.9)
    assert found["generator"] == ((-5.0, 5.0), (30.0, -30.0))  # the diagonal follows
    assert values["sigmas"] == (0.3, 0.9)  # what was given is left alone
    RegimeSwitching.model_validate(found)
    with pytest.raises(IndexError):
        number(values, "sigmas.2")
