import jax
import jax.numpy as jnp
import numpy as np
import pytest
from calibrate.jump_histories import kou_returns
from calibrate.price_histories import YEAR, hourly
from scipy.optimize import approx_fprime

from stresslab.calibrate import censored, kou
from stresslab.calibrate.exponential_mixture import Jumps, above, below, log_density
from stresslab.errors import InputError
from stresslab.models import Kou
from stresslab.numerics import fourier_cdf

TRUE = {"sigma": 0.6, "jump_intensity": 60.0, "up_probability": 0.4, "eta_up": 30.0, "eta_down": 20.0}
DAY = 1 / 365


@pytest.fixture(scope="module")
def history():
    """n = 87,600 hours (10 years), seed 2."""
    return hourly(kou_returns(np.random.default_rng(2), 10 * YEAR, **TRUE))


@pytest.fixture(scope="module")
def fitted(history):
    return kou.fit(history)


def distance(fit, name, value):
    return (fit.parameters[name] - value) / fit.standard_errors[name]


def test_round_trip(fitted):
    """Within three of the standard errors that the fit states, which are bounded here; wrong values are noticed."""
    assert max(abs(distance(fitted, name, value)) for name, value in TRUE.items()) < 3
    relative = {name: fitted.standard_errors[name] / TRUE[name] for name in TRUE}
    assert relative["sigma"] < 0.02 and relative["jump_intensity"] < 0.2
    assert relative["eta_up"] < 0.2 and relative["eta_down"] < 0.2 and relative["up_probability"] < 0.2
    for name, wrong in {
        "sigma": 1.08,
        "jump_intensity": 2.0,
        "up_probability": 2.0,
        "eta_up": 2,
        "eta_down": 2,
    }.items():
        assert abs(distance(fitted, name, TRUE[name] * wrong)) > 3


def test_the_file_is_a_model(fitted):
    assert fitted.document("simulated")["kind"] == "kou"
    assert any("do not compare" in words for words in fitted.warnings)
    assert fitted.diagnostics.kolmogorov_smirnov < 0.01


def test_maximum_is_a_maximum(history):
    sample = censored.sample_of(history, 6.0)
    point = censored.best_point(kou.FAMILY, sample, kou.STARTS[:1], kou.BOUNDS).point
    slope = approx_fprime(point, lambda at: censored.log_likelihood(kou.FAMILY, sample, at), 1e-5)[1:]
    assert np.max(np.abs(slope)) < 0.05


@pytest.mark.parametrize("x", [-0.15, -0.05, 0.0, 0.08])
def test_law_is_that_of_the_model(x):
    """The characteristic function of stresslab.models.Kou, inverted; the slope of the tails is the density."""
    model, law = Kou(**{**TRUE, "jump_intensity": 20.0}), Jumps(**{"intensity": 20.0, **_short(TRUE)})
    truth = fourier_cdf(lambda u: model.characteristic_function(u, DAY), x)
    with jax.enable_x64(True):
        at, h = jnp.float64(x), 1e-5
        assert float(below(at, law, DAY)) == pytest.approx(truth, abs=1e-8)
        assert float(above(at, law, DAY)) == pytest.approx(1 - truth, abs=1e-8)
        slope = float(below(at + h, law, DAY) - below(at - h, law, DAY)) / (2 * h)
        assert float(jnp.exp(log_density(at, law, DAY))) == pytest.approx(slope, rel=1e-6)
        more = law._replace(intensity=20.2)
        assert abs(float(below(at, more, DAY)) - truth) > 1e-6  # the twin: 1 % more jumps


def _short(parameters):
    return {name: value for name, value in parameters.items() if name != "jump_intensity"}


def test_prices_without_jumps_are_refused():
    calm = hourly(0.6 / np.sqrt(YEAR) * np.random.default_rng(4).standard_normal(20_000))
    with pytest.raises(InputError, match="0: at least 30 returns beyond 6 standard deviations"):
        kou.fit(calm)


@pytest.mark.slow
def test_standard_errors_are_the_spread_of_estimates():
    """30 histories of 6 years (seed 5): spread over stated error is 1, known to 1 / sqrt(60) = 13 %."""
    rng = np.random.default_rng(5)
    fits = [kou.fit(hourly(kou_returns(rng, 6 * YEAR, **TRUE))) for _ in range(30)]
    for name in TRUE:
        spread = np.std([fit.parameters[name] for fit in fits], ddof=1)
        stated = np.mean([fit.standard_errors[name] for fit in fits])
        assert abs(stated / spread - 1) < 3 * 0.13
