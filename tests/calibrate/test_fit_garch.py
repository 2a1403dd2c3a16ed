"""The GARCH family fitted: round trips, agreement with arch, the state filtered, warnings and refusals."""

from functools import cache, partial

import numpy as np
import pytest
from arch import arch_model
from calibrate.price_histories import hourly

from stresslab.calibrate import FILTERS, FITS, garch_family
from stresslab.calibrate.arch_estimate import VOLATILITIES, estimate
from stresslab.calibrate.variance_recursion import conditional_variances
from stresslab.errors import InputError
from stresslab.models import EGARCH, FIGARCH, GARCH, GJR, MODELS
from stresslab.paths import simulate

N = 12_000  # hours
SHAPE = {"bar": "1h", "mean": "zero_log"}
TRUE = {
    "garch": GARCH(omega=1.5e-6, alpha=0.09, beta=0.87, innovation="student_t", nu=6.0, **SHAPE),
    "gjr": GJR(omega=1.5e-6, alpha=0.04, gamma=0.1, beta=0.87, **SHAPE),
    "egarch": EGARCH(omega=-0.3, alpha=0.2, gamma=-0.08, beta=0.97, innovation="student_t", nu=6.0, **SHAPE),
    "figarch": FIGARCH(omega=2e-6, phi=0.2, d=0.4, beta=0.45, h0=4e-5, **SHAPE),
}
LAWS = {kind: model.innovation for kind, model in TRUE.items()}


@cache
def history(kind, seed=1):
    """One simulated path of N hours."""
    price = simulate(TRUE[kind], n_paths=8, horizon=f"{N}h", step="1h", seed=seed).price.values[0].astype(float)
    return hourly(np.diff(np.log(price)))


@cache
def fitted(kind):
    return garch_family.fit(kind, history(kind), innovation=LAWS[kind])


def numbers(model):
    names = ("omega", "alpha", "gamma", "phi", "d", "beta", "nu")
    return {name: value for name, value in model if name in names and value is not None}


@pytest.mark.parametrize("kind", TRUE)
def test_round_trip(kind):
    """12,000 hours of seed 1: each parameter within 3.5 of its own standard errors, which are small enough to tell."""
    fit = fitted(kind)
    distances = {
        name: (fit.parameters[name] - value) / fit.standard_errors[name] for name, value in numbers(TRUE[kind]).items()
    }
    assert max(map(abs, distances.values())) < 3.5, distances
    # the twin: twice or half the strongest weight is many errors away
    name = {"garch": "alpha", "gjr": "gamma", "egarch": "alpha", "figarch": "d"}[kind]
    value = numbers(TRUE[kind])[name]
    assert abs(fit.parameters[name] - 2 * value) > 3.5 * fit.standard_errors[name]


@pytest.mark.parametrize("kind", TRUE)
def test_likelihood_is_arch_s(kind):
    """Of the decimal returns: what arch's own model gives at the parameters that were found."""
    fit, values = fitted(kind), history(kind).values
    p, scale = fit.parameters, 1000.0
    theirs = arch_model(
        values * scale,
        mean="Zero",
        dist={"normal": "normal", "student_t": "t"}[LAWS[kind]],
        p=1,
        q=1,
        rescale=False,
        **VOLATILITIES[kind],
    )
    given = {name: p[name] for name in ("omega", "alpha", "gamma", "phi", "d", "beta", "nu") if name in p}
    given["omega"] = p["omega"] + 2 * (1 - p["beta"]) * np.log(scale) if kind == "egarch" else p["omega"] * scale**2
    fixed = theirs.fix(list(given.values()))
    assert fit.log_likelihood == pytest.approx(fixed.loglikelihood + N * np.log(scale), abs=1e-4)
    own = conditional_variances(MODELS[kind](**{**p, "kind": kind}), values)
    np.testing.assert_allclose(own[:-1], fixed.conditional_volatility**2 / scale**2, rtol=1e-9)
    ahead = fixed.forecast(horizon=1, reindex=False).variance.iloc[-1, 0] / scale**2
    assert own[-1] == pytest.approx(ahead, rel=1e-9)


@pytest.mark.parametrize("kind", TRUE)
def test_state_is_the_forecast_and_can_be_filtered(kind):
    fit = fitted(kind)
    model = MODELS[kind](**{**fit.parameters, "kind": kind})
    exact = conditional_variances(model, history(kind).values)[-1]
    assert model.first_variance == pytest.approx(exact, rel=0.02 if kind == "figarch" else 1e-6)
    again = model.model_copy(update=FILTERS[kind](model, history(kind)))
    assert again.first_variance == pytest.approx(model.first_variance, rel=1e-6)
    shorter = hourly(history(kind).values[:-500])
    assert model.model_copy(update=FILTERS[kind](model, shorter)).first_variance != again.first_variance


def test_law_by_bic():
    """Student's t where it is true; normal where that is; skewed where residuals lean."""
    assert FITS["garch"](history("garch")).parameters["innovation"] == "student_t"
    assert FITS["gjr"](history("gjr")).parameters["innovation"] == "normal"
    shape = {"innovation": "skewed_t", "nu": 6.0, "skew": -0.3}
    leaning = GARCH(omega=1.5e-6, alpha=0.09, beta=0.87, **shape, **SHAPE)
    price = simulate(leaning, n_paths=8, horizon=f"{N}h", step="1h", seed=2).price.values[0].astype(float)
    fit = FITS["garch"](hourly(np.diff(np.log(price))))
    assert fit.parameters["innovation"] == "skewed_t"
    assert fit.parameters["skew"] == pytest.approx(-0.3, abs=4 * fit.standard_errors["skew"])
    assert fit.diagnostics.kolmogorov_smirnov < 0.02 and abs(fit.diagnostics.skewness) < 0.1


def test_constant_mean():
    """A drift of 3 a year: found, and the model is arch's in every respect."""
    drifting = hourly(history("garch").values + 3.0 / 8760)
    fit = garch_family.fit("garch", drifting, innovation="student_t", mean="constant")
    assert fit.parameters["mean"] == "zero_log"
    assert fit.parameters["mu"] == pytest.approx(3.0, abs=3.5 * fit.standard_errors["mu"])
    assert fit.standard_errors["mu"] < 0.6
    model = GARCH(**fit.parameters)
    assert FILTERS["garch"](model, drifting)["h0"] == pytest.approx(fit.parameters["h0"], rel=1e-6)


def test_units_do_not_matter():
    """The same returns in per cent: the same weights, omega times 10^4."""
    values = history("gjr").values
    decimal, per_cent = (estimate(k * values, "gjr", "normal").parameters for k in (1.0, 100.0))
    assert per_cent["omega"] == pytest.approx(1e4 * decimal["omega"], rel=1e-3)
    assert per_cent["beta"] == pytest.approx(decimal["beta"], abs=1e-4)
    decimal, per_cent = (estimate(k * history("egarch").values, "egarch", "normal") for k in (1.0, 100.0))
    shift = (1 - decimal.parameters["beta"]) * np.log(1e4)
    assert per_cent.parameters["omega"] == pytest.approx(decimal.parameters["omega"] + shift, abs=2e-3)
    errors = np.sqrt(np.diag(decimal.covariance)), np.sqrt(np.diag(per_cent.covariance))
    assert errors[0][1:] == pytest.approx(errors[1][1:], rel=0.02)


def test_the_written_file_is_a_model():
    document = fitted("gjr").document("simulated")
    found = GJR.model_validate(document["parameters"] | {"kind": "gjr"})
    assert found.bar == "1h" and found.h0 is not None and found.mean == "martingale"
    assert document["fitted"]["state"] == ["h0"]


def integrated():
    """Variance without a level: a random walk of its logarithm."""
    rng = np.random.default_rng(3)
    return hourly(1e-3 * np.exp(np.cumsum(0.03 * rng.standard_normal(4000))) * rng.standard_normal(4000))


def test_warnings():
    assert any("persistence sits at 1" in words for words in FITS["garch"](integrated()).warnings)
    rng = np.random.default_rng(4)
    calm = garch_family.fit("garch", hourly(1e-3 * rng.standard_normal(3000)), innovation="student_t")
    assert any("nu is indistinguishable from infinity" in words for words in calm.warnings)


@pytest.mark.parametrize("kind", TRUE)
def test_refusals(kind):
    with pytest.raises(InputError, match="at least 250 returns"):
        FITS[kind](hourly(history("gjr").values[:100]))
    with pytest.raises(InputError, match="does not move"):
        FITS[kind](hourly(np.zeros(1000)))
    daily = TRUE[kind].model_copy(update={"bar": "1D"})
    with pytest.raises(InputError, match="length of the model's.*It is 1D"):
        FILTERS[kind](daily, history("gjr"))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["garch", "gjr"])
def test_standard_errors_are_the_spread_of_estimates(kind):
    """32 paths of 12,000 hours (seed 7): spread over stated error is 1, known to 1 / sqrt(62) = 13 %."""
    price = simulate(TRUE[kind], n_paths=32, horizon=f"{N}h", step="1h", seed=7).price.values.astype(float)
    fit = partial(garch_family.fit, kind, innovation=LAWS[kind])
    fits = [fit(hourly(values)) for values in np.diff(np.log(price), axis=1)]
    for name in numbers(TRUE[kind]):
        spread = np.std([one.parameters[name] for one in fits], ddof=1)
        stated = np.mean([one.standard_errors[name] for one in fits])
        assert abs(stated / spread - 1) < 3 * 0.13, name
