"""What a calibration hands on: its rules, its criteria, its file, and a covariance that survives being rounded."""

import numpy as np
import pytest
import yaml
from calibrate.price_histories import YEAR, heston_returns, hourly

from stresslab.calibrate import FILTERS, FITS, Smile
from stresslab.calibrate.covariances import NONE, rounded_covariance
from stresslab.calibrate.fit import make_fit
from stresslab.config.uncertainty import Covariance, Draws
from stresslab.errors import InputError
from stresslab.models import MODELS

RETURNS = hourly(0.01 * np.random.default_rng(1).standard_normal(500))
HESTON = {"v0": 0.3, "kappa": 6.0, "theta": 0.5, "xi": 2.0, "rho": -0.4}
ERRORS = {"v0": 0.03, "kappa": 0.9, "theta": 0.05, "xi": 0.3, "rho": 0.12}
REGIMES = {
    "sigmas": (0.3, 0.9),
    "generator": ((-5.0, 5.0), (20.0, -20.0)),
    "initial_state": (0.25, 0.75),
}
REGIME_ERRORS = {"sigmas.0": 0.01, "sigmas.1": 0.05, "generator.0.1": 1.0, "generator.1.0": 4.0}


def fit(kind="heston", parameters=HESTON, errors=ERRORS, **more):
    return make_fit(kind, RETURNS, parameters, errors, "By hand.", **more)


def test_criteria():
    found = fit(log_likelihood=-1234.5)
    assert (found.free_parameters, found.observations) == (5, 500)
    assert found.aic == pytest.approx(2 * 5 + 2469) and found.bic == pytest.approx(5 * np.log(500) + 2469)
    assert fit().aic is None and fit().bic is None
    assert fit(state=("v0",)).free_parameters == 4  # a state of the night is no free parameter
    assert fit(log_likelihood=0.0, free_parameters=7).aic == 14
    written = found.document("Nowhere")["fitted"]
    assert (written["aic"], written["bic"]) == (2479.0, round(found.bic, 2))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"errors": {name: 0.1 for name in HESTON if name != "xi"}},
            "heston = .*'xi'.*: every number has",
        ),
        ({"errors": ERRORS | {"lambda": 0.1}}, "every number has a standard error"),
        ({"state": ("h0",)}, "every number has a standard error"),
        ({"covariance": np.eye(4)}, r"= \(4, 4\): the covariance is that of the standard errors"),
        ({"covariance": np.eye(5)}, "roots of the covariance's diagonal"),
        ({"draws": np.ones((30, 4))}, "a draw has one number for each standard error"),
    ],
)
def test_what_does_not_fit_together_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        fit(**change)


def test_states_and_fixed_numbers_need_no_error():
    found = fit(errors={"kappa": 1.0, "theta": 0.1, "xi": 0.3}, state=("v0",), fixed=("rho",))
    written = found.document("Nowhere")["fitted"]
    assert written["state"] == ["v0"] and written["fixed"] == ["rho"] and found.free_parameters == 3


def test_nested_parameters_are_named_by_their_places():
    found = fit("regime_switching", REGIMES, REGIME_ERRORS, state=("initial_state",), fixed=("generator",))
    text = found.yaml("Nowhere")
    assert "sigmas: [0.3, 0.9]" in text and "generator: [[-5.0, 5.0], [20.0, -20.0]]" in text
    content = yaml.safe_load(text)
    assert content["fitted"]["standard_errors"] == REGIME_ERRORS
    assert content["parameters"]["generator"] == [[-5.0, 5.0], [20.0, -20.0]]
    with pytest.raises(InputError, match="'sigmas.1'"):
        fit("regime_switching", REGIMES, {"sigmas.0": 0.01}, state=("initial_state",), fixed=("generator",))


def covariance(correlation=0.0):
    matrix = np.full((5, 5), correlation) + (1 - correlation) * np.eye(5)
    deviations = np.array(list(ERRORS.values()))
    return matrix * np.outer(deviations, deviations)


@pytest.mark.parametrize("correlation", [0.0, 0.7, 0.999999, 1.0])
def test_a_covariance_is_written_and_read_as_one(correlation):
    found = fit(covariance=covariance(correlation))
    written = yaml.safe_load(found.yaml("Nowhere"))["fitted"]["covariance"]
    read = Covariance.model_validate({"names": tuple(written["names"]), "matrix": tuple(map(tuple, written["matrix"]))})
    np.testing.assert_allclose(read.matrix, covariance(correlation), rtol=2e-3)


def test_rounding_alone_would_lose_definiteness():
    """A singular matrix of 12 numbers, seed 2: rounded as it is its lowest eigenvalue is negative."""
    rng = np.random.default_rng(2)
    factors = rng.standard_normal((12, 3)) * 10.0 ** rng.integers(-6, 3, 12)[:, None]
    matrix = factors @ factors.T
    scale = np.sqrt(np.outer(np.diag(matrix), np.diag(matrix)))
    plain = np.array([[float(f"{x:.4g}") for x in row] for row in matrix])
    assert np.linalg.eigvalsh(plain / scale).min() < 0
    found = rounded_covariance(matrix)
    assert np.linalg.eigvalsh(found / scale).min() >= 0
    np.testing.assert_allclose(found / scale, matrix / scale, atol=2e-3)
    with pytest.raises(InputError, match="not positive semidefinite"):
        rounded_covariance(np.array([[1.0, 1.2], [1.2, 1.0]]))


def test_a_covariance_that_is_none_is_left_out_with_a_warning():
    """What finite differences spoil a little is put right; what is no number, or far from definite, is not there."""
    broken = covariance()
    broken[1, 1] = np.nan
    assert fit(covariance=broken).covariance is None and fit(covariance=broken).warnings == (NONE,)
    wrong = covariance()
    wrong[0, 1] = wrong[1, 0] = 1.2 * ERRORS["v0"] * ERRORS["kappa"]
    assert fit(covariance=wrong, warnings=("first",)).warnings == ("first", NONE)
    slightly = covariance(1.0)
    slightly[0, 1] = slightly[1, 0] = 1.0002 * slightly[0, 1]
    found = fit(covariance=slightly)
    assert np.linalg.eigvalsh(found.covariance).min() > -1e-12 and found.warnings == ()
    np.testing.assert_allclose(found.covariance, slightly, rtol=1e-3)
    slightly[2] = slightly[:, 2] = 0.0  # a number that is held stays without variance, and the matrix can be written
    held = dict(zip(ERRORS, np.sqrt(np.diag(slightly)).tolist(), strict=True))
    repaired = fit(errors=held, covariance=slightly)
    assert not repaired.covariance[2].any() and not repaired.covariance[:, 2].any()
    assert repaired.document("Nowhere")["fitted"]["covariance"]["matrix"][2] == (0.0,) * len(ERRORS)
    assert "covariance" not in fit(covariance=broken).document("Nowhere")["fitted"]


def test_draws_are_written_and_read():
    rows = np.random.default_rng(3).normal(1.0, 0.1, (25, 5))
    written = yaml.safe_load(fit(draws=rows).yaml("Nowhere"))["fitted"]["draws"]
    read = Draws.model_validate({"names": tuple(written["names"]), "values": tuple(map(tuple, written["values"]))})
    np.testing.assert_allclose(read.values, rows, rtol=1e-3)


def test_smiles_and_warnings_are_written():
    smile = Smile(1_700_000_000, 100.0, np.array([90.0, 110.0]), np.array([0.5, 0.6]), np.array([0.51, 0.58]))
    found = fit(smiles=(smile,), warnings=("kappa sits on its bound",))
    written = yaml.safe_load(found.yaml("Nowhere", {"numpy": "2"}))["fitted"]
    assert written["warnings"] == ["kappa sits on its bound"] and written["versions"] == {"numpy": "2"}
    assert written["rmse"] == pytest.approx(np.sqrt((0.01**2 + 0.02**2) / 2), rel=1e-2)
    assert written["smiles"][0]["quotes"] == 2 and f"{written['smiles'][0]['expiry']:%Y}" == "2023"


def values():
    """Three years of Heston with some jumps, seed 4: something for each of the three fits."""
    rng = np.random.default_rng(4)
    smooth = heston_returns(rng, 3 * YEAR, 1, kappa=40.0, theta=0.4, xi=5.0, rho=-0.5)[0][:, 0]
    jumps = rng.uniform(size=len(smooth)) < 0.003
    return smooth + jumps * 0.06 * rng.standard_normal(len(smooth))


@pytest.mark.parametrize("kind", ["gbm", "merton", "heston"])
def test_fits_from_prices_say_how_sure_they_are(kind):
    """Errors are the roots of the covariance, residuals are those of the returns, volatility is given for each."""
    returns = hourly(values())
    found = FITS[kind](returns)
    np.testing.assert_allclose(np.sqrt(np.diag(found.covariance)), list(found.standard_errors.values()), rtol=1e-9)
    assert found.residuals.shape == found.volatility.shape == returns.values.shape
    assert found.diagnostics.residuals == len(returns.values) and 0.8 < found.diagnostics.deviation < 1.2
    if kind in FILTERS:  # the filter is the fit's own, on the same prices
        assert FILTERS[kind](MODELS[kind](**found.parameters), returns)["v0"] == pytest.approx(
            found.parameters["v0"], rel=1e-9
        )


def test_a_parameter_that_is_held_leaves_the_covariance_what_it_is():
    """A row of zeros has an eigenvalue of 0; of these 200 matrices it comes out a little below 0 for some fifty."""
    rng = np.random.default_rng(7)
    for _ in range(200):
        root = rng.standard_normal((9, 9)) * 10.0 ** rng.integers(-3, 3, 9)[:, None]
        matrix = root @ root.T
        held = rng.choice(9, 3, replace=False)
        matrix[held] = matrix[:, held] = 0.0
        found = rounded_covariance(matrix)
        scale = np.sqrt(np.outer(np.diag(matrix), np.diag(matrix)))
        assert np.abs(found - matrix).max(where=scale > 0, initial=0.0) <= 0.02 * scale.max()
        assert not found[held].any()
