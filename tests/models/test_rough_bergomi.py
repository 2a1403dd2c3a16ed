"""Rough Bergomi against its Gaussian covariances, martingales, reflection given the variance, and published prices.

Statistical tests: n = 2^16 paths over 30 days in steps of 2 hours, the longest that the scheme takes, unless said
otherwise.
"""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.closed_forms import DAY, black_call
from helpers.statistics import assert_mean, assert_rejected
from helpers.watch import watch
from pydantic import ValidationError
from scipy.special import hyp2f1

from stresslab.models import GBM, RoughBergomi

HOUR = 1 / 8760
MODEL = RoughBergomi(hurst=0.1, eta=1.5, rho=-0.6, forward_variance=0.49, mu=0.3)
N, T = 1 << 16, 30 * DAY


@cache
def found(model, horizons=("15D", "30D"), step="2h", seed=1):
    return watch(model, horizons=list(horizons), step=step, n_paths=N, seed=seed)


def gaussian(model, horizons=("15D", "30D"), **given):
    """Y at the horizons from the variance, float64."""
    ends = np.array([float(h[:-1]) * (DAY if h[-1] == "D" else HOUR) for h in horizons])[:, None]
    log = np.log(found(model, horizons, **given).variance.astype(float) / model.forward_variance)
    return (log + model.eta**2 * ends ** (2 * model.hurst) / 2) / model.eta


def covariance(s, t, hurst):
    """E[Y_s Y_t] for s <= t, the hypergeometric form of 2H int (s-r)^(H-1/2) (t-r)^(H-1/2) dr."""
    a = hurst - 0.5
    return 2 * hurst / (1 + a) * s ** (1 + a) * t**a * hyp2f1(-a, 1, 2 + a, s / t)


def lifted_variance(model, dt, n_steps):
    """Var Y in the scheme, over t^(2H)."""
    c = model.coefficients(dt)
    ends = c.pair_ends.astype(float) @ -np.expm1(-np.outer(c.pair_rates.astype(float), (n_steps - 1) * dt))
    return (c.own[2] + ends) / (n_steps * dt) ** (2 * model.hurst)


@pytest.mark.parametrize("hurst", [0.05, 0.1, 0.3])
def test_error_of_the_lift(hurst):
    """Var Y_t from one step to three years: 0.5 % at steps of an hour, 1 % at 15 minutes and 3 % at a minute."""
    model = MODEL.model_copy(update={"hurst": hurst})
    for hours, worst in ((1, 0.005), (0.25, 0.01), (1 / 60, 0.03)):
        n_steps = np.unique(np.geomspace(1, 3 * 8760 / hours, 200).astype(int))
        assert np.abs(lifted_variance(model, hours * HOUR, n_steps) - 1).max() < worst
    wrong = model.model_copy(update={"hurst": hurst * 1.03})
    ratio = lifted_variance(wrong, HOUR, n_steps[1:100]) * (n_steps[1:100] * HOUR) ** (0.06 * hurst)
    assert np.abs(ratio - 1).max() > 0.01


def test_noise_reaches_the_variance_by_the_kernel():
    """A unit normal of one step's increment: Cov(Y, increment) at every later step is the kernel's integral to 1 %."""
    c, a = MODEL.coefficients(HOUR), 0.6
    quiet = jax.tree.map(jnp.asarray, MODEL.init(1))
    state = quiet._replace(memory=quiet.memory._replace(first=jnp.ones((1, 1), jnp.float32)))
    silence = tuple(jnp.zeros((1, 1), jnp.float32) for _ in range(3))
    step = jax.jit(RoughBergomi.step)
    for lag in range(1, 200):
        with_noise, _ = step(c, state, silence)
        without, _ = step(c, quiet, silence)
        response = np.log(with_noise.variance / without.variance).item() / MODEL.eta
        expected = np.sqrt(0.2) / a * ((lag + 1) ** a - lag**a) * HOUR**0.1
        assert response == pytest.approx(expected, rel=0.01)
        state, quiet = with_noise, without


def test_forward_variance():
    """E[V] at 15 and 30 days, standard error 0.8 %, and after a day of steps of 5 minutes; 5 % is refused."""
    for variance in found(MODEL).variance.astype(float):
        assert_mean(variance, 0.49)
        assert_rejected(assert_mean, 1.05 * variance, 0.49)
    short = watch(MODEL, horizons=["1D"], step="5min", n_paths=1 << 15, seed=3).variance[0].astype(float)
    assert_mean(short, 0.49)


@pytest.mark.parametrize("hurst, eta", [(0.07, 1.9), (0.1, 1.5), (0.3, 1.0)])
def test_law_of_the_log_variance(hurst, eta):
    """Normal with variance t^(2H) and the covariance of two times; standard error 0.6 %, the lift's own 0.5 %."""
    model = MODEL.model_copy(update={"hurst": hurst, "eta": eta})
    half, full = gaussian(model)
    for y, t in ((half, T / 2), (full, T)):
        assert_mean(y / t**hurst, 0)
        assert_mean(y**2 / t ** (2 * hurst), 1, slack=0.005)
        assert_mean(y**4 / t ** (4 * hurst), 3, slack=0.03)
    expected = covariance(T / 2, T, hurst) / T ** (2 * hurst)
    assert_mean(half * full / T ** (2 * hurst), expected, slack=0.005)
    assert_rejected(assert_mean, half * full / T ** (2 * hurst), expected + 0.03, slack=0.005)


def test_roughness():
    """E[(Y_{t+h} - Y_t)^2] at lags from 2 to 240 hours grows as h^(2H); exact values to 2 %, the slope to 0.01."""
    lags = np.array([2, 4, 12, 48, 240])
    horizons = ("360h", *(f"{360 + lag}h" for lag in lags))
    y = gaussian(MODEL, horizons, seed=4)
    t, h = 360 * HOUR, lags * HOUR
    squares = (y[1:] - y[0]) ** 2
    for sample, lag in zip(squares, h, strict=True):
        expected = t**0.2 + (t + lag) ** 0.2 - 2 * covariance(t, t + lag, 0.1)
        assert_mean(sample / expected, 1, slack=0.01)
    slope = np.polyfit(np.log(h), np.log(squares.mean(axis=1)), 1)[0]
    assert slope == pytest.approx(0.2, abs=0.02)


@pytest.mark.parametrize("rho", [-0.9, -0.6, 0.3])
def test_price_grows_at_mu(rho):
    """E[S] = exp(mu t): standard error 7e-4; 0.4 % more is refused."""
    model = MODEL.model_copy(update={"rho": rho})
    ends = found(model).end[1].astype(float)
    assert_mean(np.exp(ends), np.exp(0.3 * T))
    assert_rejected(assert_mean, np.exp(ends + 0.004), np.exp(0.3 * T))


def test_first_passage_without_correlation():
    """rho = 0: P(min <= b) = E[1(S <= B) (1 + S / B)] by reflection; what the ends of steps see is refused."""
    seen = found(MODEL.model_copy(update={"rho": 0.0, "mu": 0.0}))
    end, level = np.exp(seen.end[1].astype(float)), 0.75
    mirrored = (end <= level) * (1 + end / level)
    assert_mean((seen.low[1] <= np.log(level)) - mirrored, 0)
    assert_rejected(assert_mean, (seen.end_low[1] <= np.log(level)) - mirrored, 0)


def test_price_given_the_variance():
    """rho = 0: lognormal given the variance (Romano and Touzi 1997), so that P(S <= K) = E[S; S >= 1 / K], here 0.17.

    Standard error of the difference 0.003; rho = -0.6 is refused.
    """

    def check(rho):
        price = np.exp(found(MODEL.model_copy(update={"rho": rho, "mu": 0.0})).end[1].astype(float))
        assert_mean((price <= 0.8) - price * (price >= 1.25), 0)

    check(0.0)
    assert_rejected(check, -0.6)


def test_without_volatility_of_variance_it_is_geometric_brownian_motion():
    """eta = 0.001, rho = 0: the same words give the same paths, to float32 and the little that the variance moves."""
    calm = RoughBergomi(hurst=0.1, eta=0.001, rho=0.0, forward_variance=0.64, mu=0.3)
    ours = watch(calm, horizons=["7D"], step="1h", n_paths=1 << 13, seed=5).end[0]
    theirs = watch(GBM(sigma=0.8, mu=0.3), horizons=["7D"], step="1h", n_paths=1 << 13, seed=5).end[0]
    np.testing.assert_allclose(ours, theirs, atol=1e-3)


PUBLISHED = {(0.0, 0.0): 0.2173, (-0.9, -0.1787): 0.2961, (-0.9, 0.0): 0.2061}
CASES = [pytest.param(*case, marks=[pytest.mark.slow] * (case != (-0.9, -0.1787))) for case in PUBLISHED]


@pytest.mark.parametrize("rho, moneyness", CASES)
def test_implied_volatility(rho, moneyness):
    """McCrickerd and Pakkanen (2018), table 2, at 0.25 years, to 0.2 points; 3 points are refused."""
    model = RoughBergomi(hurst=0.07, eta=1.9, rho=rho, forward_variance=0.235**2)
    seen = watch(model, horizons=["2190h"], step="5h", n_paths=1 << 14, seed=6)
    strike, sigma = np.exp(moneyness), PUBLISHED[rho, moneyness]
    price = np.exp(seen.end[0].astype(float))
    payoff = np.maximum(strike - price, 0)
    vega = (black_call(1, strike, sigma + 1e-4, 0.25) - black_call(1, strike, sigma - 1e-4, 0.25)) / 2e-4
    expected = black_call(1, strike, sigma, 0.25) - 1 + strike
    assert_mean(payoff, expected, z=4, slack=0.002 * vega)
    assert_rejected(assert_mean, payoff, expected + 0.03 * vega, z=4, slack=0.002 * vega)


@pytest.mark.parametrize("name, wrong", [("hurst", 0.0), ("hurst", 0.5), ("eta", 0.0), ("forward_variance", 0.0)])
def test_bounds(name, wrong):
    with pytest.raises(ValidationError, match=name):
        RoughBergomi(**{**dict(MODEL), name: wrong})
