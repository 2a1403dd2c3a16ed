import numpy as np
import pytest
from calibrate.price_histories import YEAR, hourly, merton_returns
from scipy.optimize import approx_fprime

from stresslab.calibrate import merton
from stresslab.errors import InputError

TRUE = {"sigma": 0.6, "jump_intensity": 60.0, "jump_mean": -0.01, "jump_std": 0.05}


@pytest.fixture(scope="module")
def history():
    """n = 87,600 hours (10 years), seed 2."""
    return hourly(merton_returns(np.random.default_rng(2), 10 * YEAR, **TRUE))


def distances(fit, truth):
    return {name: (fit.parameters[name] - value) / fit.standard_errors[name] for name, value in truth.items()}


@pytest.mark.parametrize("threshold", [pytest.param(0.0, marks=pytest.mark.slow), 6.0])
def test_round_trip(history, threshold):
    """All of the likelihood, and the part beyond 6 deviations; standard errors as the fit states them, bounded here."""
    fit = merton.fit(history, threshold)
    assert max(map(abs, distances(fit, TRUE).values())) < 3
    relative = {name: fit.standard_errors[name] / abs(TRUE[name]) for name in TRUE}
    assert relative["sigma"] < 0.02 and relative["jump_std"] < 0.06 and relative["jump_intensity"] < 0.2
    # the twins: each parameter wrong by a few of its errors is noticed
    for name, wrong in {"sigma": 1.08, "jump_intensity": 2.0, "jump_std": 1.3, "jump_mean": -1.5}.items():
        assert abs(distances(fit, {name: TRUE[name] * wrong})[name]) > 3


def test_total_variance_is_that_of_the_prices(history):
    p = merton.fit(history).parameters
    total = p["sigma"] ** 2 + p["jump_intensity"] * (p["jump_mean"] ** 2 + p["jump_std"] ** 2)
    assert total == pytest.approx(np.mean(history.values**2) * YEAR, rel=1e-12)


def test_maximum_is_a_maximum(history):
    sample = merton.Censored(history.values, 0.04, history.dt)
    total = np.log(np.mean(history.values**2) * YEAR)
    point = merton.best_point(sample, total).point
    slope = approx_fprime(point, sample.log_likelihood, 1e-5)[1:]
    assert np.max(np.abs(slope)) < 0.05  # a step of one standard error (0.1 here) would change log L by 0.005
    assert sample.log_likelihood(point) == pytest.approx(sample.contributions(point).sum(), rel=1e-10)
    for step in 0.05 * np.eye(4)[1:]:
        assert sample.log_likelihood(point) > max(
            sample.log_likelihood(point + step), sample.log_likelihood(point - step)
        )


def test_prices_without_jumps_are_refused():
    calm = hourly(0.6 / np.sqrt(YEAR) * np.random.default_rng(4).standard_normal(20_000))
    with pytest.raises(InputError, match="0: at least 30 returns beyond 6 standard deviations"):
        merton.fit(calm)


@pytest.mark.slow
def test_standard_errors_are_the_spread_of_estimates():
    """40 histories of 4 years (seed 5): spread over stated error is 1, known to 1 / sqrt(80) = 11 %."""
    rng = np.random.default_rng(5)
    fits = [merton.fit(hourly(merton_returns(rng, 4 * YEAR, **TRUE))) for _ in range(40)]
    for name in TRUE:
        spread = np.std([fit.parameters[name] for fit in fits], ddof=1)
        stated = np.mean([fit.standard_errors[name] for fit in fits])
        assert abs(stated / spread - 1) < 3 * 0.11
