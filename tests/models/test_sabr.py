"""SABR against GBM, the closed forms of constant elasticity of variance, Hagan's formula and itself at another spot.

Statistical tests: n = 2^17 paths unless said otherwise.
"""

from functools import cache

import jax
import numpy as np
import pytest
from helpers.closed_forms import DAY, black_call, normal_of
from helpers.statistics import assert_mean, assert_proportion, assert_rejected
from helpers.watch import watch
from pydantic import ValidationError
from scipy import stats
from scipy.special import gammaincc

from stresslab import random
from stresslab.models import GBM, SABR
from stresslab.passage import first_passage
from stresslab.paths import simulate

N = 1 << 17
LOGNORMAL = SABR(alpha=0.8, beta=1.0, rho=-0.4, nu=1.5, mu=0.3)


@cache
def returns(model, horizon="30D", step="6h", seed=1):
    return watch(model, horizons=[horizon], step=step, n_paths=N, seed=seed).end[0].astype(float)


def cev_call(alpha, beta, strike, t):
    """Cox (1975): spot 1, absorbed at 0."""
    c = 1 - beta
    scale = 1 / (c * alpha) ** 2 / t
    x, y = strike ** (2 * c) * scale, scale
    return stats.ncx2.sf(x, 2 + 1 / c, y) - strike * stats.ncx2.cdf(y, 1 / c, x)


def cev_absorbed(alpha, beta, t):
    c = 1 - beta
    return gammaincc(1 / (2 * c), 1 / (2 * (c * alpha) ** 2 * t))


def naive_step(model, alpha, words, dt):
    """beta = 1, one path, float64."""
    after = alpha * np.exp(model.nu * np.sqrt(dt) * normal_of(words[1]) - model.nu**2 * dt / 2)
    integrated = dt * (alpha**2 + after**2) / 2
    own = np.sqrt((1 - model.rho**2) * integrated) * normal_of(words[0])
    return model.mu * dt - integrated / 2 + model.rho * (after - alpha) / model.nu + own, after**2, integrated


def test_one_step_is_the_formula():
    """1024 words of seed 3, volatilities from 0.01 to 4: rounding of float32 only."""
    dt, n = 1 / 8760, 1024
    alpha = np.geomspace(0.01, 4, n)
    words = random.words(random.key(3), np.arange(n, dtype=np.uint32)[None], np.uint32(0), 2)
    state = LOGNORMAL.init(n)._replace(variance=(alpha**2).astype(np.float32)[None])
    after, (piece,) = jax.jit(SABR.step)(LOGNORMAL.coefficients(dt), state, words)
    move, variance, integrated = naive_step(LOGNORMAL, alpha, [np.asarray(word)[0] for word in words], dt)
    np.testing.assert_allclose(after.variance[0], variance, rtol=2e-6)
    np.testing.assert_allclose(piece.variance[0], integrated, rtol=2e-6)
    np.testing.assert_allclose(piece.move[0], move, rtol=2e-5, atol=1e-8)


def test_without_volatility_of_volatility_it_is_geometric_brownian_motion():
    calm = SABR(alpha=0.8, beta=1.0, rho=0.0, nu=1e-4, mu=0.3)
    np.testing.assert_allclose(returns(calm), returns(GBM(sigma=0.8, mu=0.3)), atol=2e-4)


def test_beta_close_to_one_is_lognormal():
    """The same words: the two schemes differ by the elasticity of 0.001 only."""
    close = LOGNORMAL.model_copy(update={"beta": 0.999})
    assert np.abs(returns(close) - returns(LOGNORMAL)).max() < 0.01


@pytest.mark.parametrize("model", [LOGNORMAL, SABR(alpha=0.8, beta=0.5, rho=-0.4, nu=1.5, mu=0.3)], ids=["1", "0.5"])
def test_price_grows_at_mu(model):
    """E[S] = exp(mu t): standard error 7e-4; a missing -alpha^2/2 would add 2.6 %."""
    x = returns(model, seed=2)
    assert_mean(np.exp(x), np.exp(model.mu * 30 * DAY))
    assert_rejected(assert_mean, np.exp(x + 0.005), np.exp(model.mu * 30 * DAY))


def test_volatility_is_lognormal():
    """log alpha after 30 days: mean and variance, standard errors 0.1 % and 0.4 %; 2 % more nu is refused."""
    variance = watch(LOGNORMAL, horizons=["30D"], step="6h", n_paths=N, seed=3).variance[0].astype(float)
    z = (np.log(variance / 0.64) / 2 + 1.5**2 * 15 * DAY) / (1.5 * np.sqrt(30 * DAY))
    assert_mean(z, 0)
    assert_mean(z**2, 1)
    assert_rejected(assert_mean, (1.02 * z) ** 2, 1)


@pytest.mark.parametrize("strike", [0.6, 1.0, 1.5])
@pytest.mark.parametrize("beta", [0.2, 0.5, 0.9])
def test_constant_elasticity_of_variance(beta, strike):
    """nu = 0.001, a year at alpha = 0.6, against the noncentral chi-square law; the scheme may add 2e-4 of spot."""
    x = returns(SABR(alpha=0.6, beta=beta, rho=0.0, nu=0.001), "365D", "5D", seed=4)
    expected = cev_call(0.6, beta, strike, 1.0)
    assert_mean(np.maximum(np.exp(x) - strike, 0), expected, slack=2e-4)
    assert_rejected(assert_mean, np.maximum(np.exp(1.05 * x) - strike, 0), expected, slack=2e-4)


@pytest.mark.parametrize("beta", [0.2, 0.5])
def test_absorption(beta):
    """The share of prices that have reached 0 after two years: the scheme may be off by 3 % of it. Seed 5."""
    x = returns(SABR(alpha=0.9, beta=beta, rho=0.0, nu=0.001), "730D", "5D", seed=5)
    gone, expected = int((x < -60).sum()), cev_absorbed(0.9, beta, 2.0)
    assert_proportion(gone, N, expected, slack=0.03 * expected)
    wrong = cev_absorbed(0.9 * 1.1, beta, 2.0)
    assert_rejected(assert_proportion, gone, N, wrong, slack=0.03 * wrong)


def test_an_absorbed_price_stays():
    """Monthly prices of 4096 paths: once at 1e-30 they do not move, are finite, and have no variance."""
    model = SABR(alpha=1.5, beta=0.5, rho=-0.6, nu=0.8, mu=0.4)
    found = simulate(model, n_paths=4096, horizon="1800D", step="30D", seed=6)
    price, variance = found.price.values, found.variance.values
    gone = price < 1e-20
    assert 0.2 < gone[:, -1].mean() < 0.95
    assert np.all(np.isfinite(price)) and np.all(np.isfinite(variance))
    assert np.all(variance[gone] == 0) and np.all(variance[~gone] > 0)
    later = gone[:, :-1]
    assert np.all(price[:, 1:][later] == price[:, :-1][later])


def test_spot_scales_alpha():
    """A price of 100 with alpha in its units is the price relative to spot with alpha 100^(beta - 1) as large."""
    there = SABR(alpha=8.0, beta=0.5, rho=-0.3, nu=1.0)
    here = SABR(alpha=0.8, beta=0.5, rho=-0.3, nu=1.0)
    given = {"barriers": [0.8], "horizons": ["7D"], "step": "6h", "n_paths": 1 << 12, "seed": 1}
    assert first_passage(there, spot=100.0, **given).hits.item() == first_passage(here, **given).hits.item()
    assert first_passage(there, **given).hits.item() != first_passage(here, **given).hits.item()
    assert there.at_spot(100.0).alpha == pytest.approx(0.8)
    assert LOGNORMAL.at_spot(84_000.0) == LOGNORMAL


@pytest.mark.parametrize("strike", [0.8, 1.0, 1.2])
def test_hagan_near_the_money(strike):
    """nu^2 t = 0.02, 7 days: the formula and 2^17 paths agree to four standard errors and 0.2 points of volatility."""
    model, t = SABR(alpha=0.8, beta=0.5, rho=-0.4, nu=1.0), 7 * DAY
    payoff = np.maximum(np.exp(returns(model, "7D", "6h", seed=7)) - strike, 0)
    volatility = float(model.hagan_volatility(1.0, strike, t))
    vega = (black_call(1, strike, volatility + 1e-4, t) - black_call(1, strike, volatility - 1e-4, t)) / 2e-4
    assert_mean(payoff, black_call(1, strike, volatility, t), z=4, slack=0.002 * vega)


def test_bridge_takes_the_local_variance():
    """rho = 0, beta = 1: reflection given the variance, P(min <= b) = E[1(S <= B) (1 + S / B)]; seed 8."""
    model = LOGNORMAL.model_copy(update={"rho": 0.0, "mu": 0.0})
    found = watch(model, horizons=["30D"], step="1D", n_paths=N, seed=8)
    end, level = np.exp(found.end[0].astype(float)), 0.75
    difference = (found.low[0] <= np.log(level)) - (end <= level) * (1 + end / level)
    assert_mean(difference, 0)
    assert_rejected(assert_mean, (found.end_low[0] <= np.log(level)) - (end <= level) * (1 + end / level), 0)


def test_longest_step():
    """A hundredth of 1 / nu^2; with beta < 1 also a fiftieth of 1 / alpha^2."""
    assert LOGNORMAL.longest_step == pytest.approx(0.01 / 1.5**2)
    assert SABR(alpha=4.0, beta=0.5, rho=0.0, nu=0.5).longest_step == pytest.approx(0.02 / 16)


@pytest.mark.parametrize("name, wrong", [("alpha", 0.0), ("nu", 0.0), ("beta", -0.1), ("beta", 1.1), ("rho", -1.0)])
def test_bounds(name, wrong):
    with pytest.raises(ValidationError, match=name):
        SABR(**{"alpha": 0.8, "beta": 0.5, "rho": -0.4, "nu": 1.5, name: wrong})
