"""Geometric Brownian motion against its closed forms. Statistical tests: n = 2^17 paths unless said otherwise."""

from functools import cache

import jax
import numpy as np
import pytest
from helpers.closed_forms import DAY, black_call, normal_of, touch_probability
from helpers.statistics import assert_mean, assert_rejected, assert_variance
from helpers.watch import watch
from scipy import stats

from stresslab import random
from stresslab.models import GBM
from stresslab.numerics import fourier_call, fourier_cdf

MODEL = GBM(sigma=0.8, mu=0.5)
N = 1 << 17


@cache
def returns(model, seed=1):
    """Log returns over 7 days in steps of 6 hours, float64."""
    return watch(model, horizons=["7D"], step="6h", n_paths=N, seed=seed).end[0].astype(float)


def test_one_step_is_the_formula():
    """A float64 twin with exact normals, 4096 words of seed 3: rounding of float32 only."""
    dt = 1 / 8760
    path = np.arange(4096, dtype=np.uint32)[None]
    words = random.words(random.key(3), path, np.uint32(0), 1)
    _, (piece,) = jax.jit(GBM.step)(MODEL.coefficients(dt), MODEL.init(4096), words)
    expected = (0.5 - 0.8**2 / 2) * dt + 0.8 * np.sqrt(dt) * normal_of(words[0])
    np.testing.assert_allclose(piece.move, expected, rtol=1e-6, atol=2e-9)
    assert float(piece.variance) == pytest.approx(0.8**2 * dt, rel=1e-7)


def test_law_of_the_return():
    """Standard errors: mean 3.1e-4, variance 4.8e-5. 2 % more volatility is refused, and a drift without -sigma^2/2."""
    t = 7 * DAY
    x = returns(MODEL)
    assert_mean(x, (0.5 - 0.32) * t)
    assert_variance(x, 0.64 * t)
    assert stats.kstest(x, "norm", args=((0.5 - 0.32) * t, 0.8 * np.sqrt(t))).pvalue > 1e-6
    wrong = returns(GBM(sigma=0.8 * 1.02, mu=0.5))
    assert_rejected(assert_variance, wrong, 0.64 * t)
    assert_rejected(assert_mean, x, 0.5 * t)


@pytest.mark.parametrize("mu", [0.0, 0.5, -2.0])
def test_price_grows_at_mu(mu):
    """E[S] = exp(mu t): standard error 3.1e-4; without the -sigma^2/2 the price would grow by another 0.6 %."""
    x = returns(GBM(sigma=0.8, mu=mu), seed=2)
    assert_mean(np.exp(x), np.exp(mu * 7 * DAY))
    assert_rejected(assert_mean, np.exp(x + 0.32 * 7 * DAY), np.exp(mu * 7 * DAY))


def test_steps_do_not_matter():
    """The scheme is exact: one step of 7 days has the law of 28 of 6 hours (mean and variance, seed 4)."""
    x = watch(MODEL, horizons=["7D"], step="7D", n_paths=N, seed=4).end[0].astype(float)
    assert_mean(x, (0.5 - 0.32) * 7 * DAY)
    assert_variance(x, 0.64 * 7 * DAY)


@pytest.mark.parametrize("strike", [0.7, 1.0, 1.4])
def test_call_price(strike):
    """By the characteristic function to 1e-10, and from 2^17 paths."""
    expected = black_call(1, strike, 0.8, 7 * DAY, 0.5)
    assert fourier_call(lambda u: MODEL.characteristic_function(u, 7 * DAY), strike) == pytest.approx(
        expected, abs=1e-10
    )
    payoff = np.maximum(np.exp(returns(MODEL)) - strike, 0)
    assert_mean(payoff, expected)


def test_digital():
    found = fourier_cdf(lambda u: MODEL.characteristic_function(u, 1.0), np.log(0.6))
    assert found == pytest.approx(stats.norm.cdf((np.log(0.6) - 0.18) / 0.8), abs=1e-10)


@pytest.mark.parametrize("barrier", [0.5, 0.9, 0.99, 1.005, 1.2, 3.0])
@pytest.mark.parametrize("t", [1 / 8760, DAY, 30 * DAY, 1.0])
@pytest.mark.parametrize("mu", [0.0, 1.0, -1.0])
def test_first_passage_formula(barrier, t, mu):
    """Against the inverse-Gaussian density by quadrature."""
    expected = touch_probability(barrier, 0.8, t, mu)
    assert GBM(sigma=0.8, mu=mu).first_passage_probability(barrier, t) == pytest.approx(expected, rel=1e-8, abs=1e-14)


def test_first_passage_formula_keeps_its_digits_far_out():
    """1e-70 and less: products of a huge and a tiny number would be 0 or nan."""
    model = GBM(sigma=0.5, mu=-3.0)
    values = [model.first_passage_probability(barrier, 1 / 8760) for barrier in (0.95, 0.9, 0.85)]
    assert all(0 < value < 1e-20 for value in values)
    assert values == sorted(values, reverse=True)
    assert model.first_passage_probability(1e6, 1.0) == pytest.approx(0, abs=1e-100)
