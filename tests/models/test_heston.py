"""Heston against its closed forms, a naive twin of one step, its limit of a constant variance, and its own step.

Statistical tests: n = 2^17 paths over 30 days in steps of 6 hours, unless said otherwise.
"""

from functools import cache

import jax
import numpy as np
import pytest
from helpers.closed_forms import DAY, black_call, normal_of
from helpers.statistics import assert_mean, assert_proportion, assert_rejected, assert_variance
from helpers.watch import watch
from scipy import integrate
from scipy.special import ndtr

from stresslab import random
from stresslab.models import GBM, Heston
from stresslab.models.base import State
from stresslab.numerics import fourier_call, fourier_cdf
from stresslab.passage import first_passage

HOT = Heston(v0=1.0, kappa=10.0, theta=0.6, xi=4.0, rho=-0.3, mu=0.3)  # 2 kappa theta / xi^2 = 0.75
WILD = Heston(v0=0.49, kappa=2.0, theta=0.49, xi=2.5, rho=-0.7)  # 0.31: the variance often touches 0
MILD = Heston(v0=0.64, kappa=5.0, theta=0.64, xi=2.0, rho=-0.5)  # 1.6
RISING = Heston(v0=0.1, kappa=0.1, theta=0.1, xi=1.0, rho=0.5)  # kappa < rho xi: the variance of large prices explodes
MODELS = {"hot": HOT, "wild": WILD, "mild": MILD}
N, T = 1 << 17, 30 * DAY


@cache
def paths(model, seed=1, step="6h"):
    """Log price and variance after 30 days, float64."""
    found = watch(model, horizons=["30D"], step=step, n_paths=N, seed=seed)
    return found.end[0].astype(float), found.variance[0].astype(float)


def flipped(model):
    return model.model_copy(update={"rho": -model.rho})


def naive_step(model, v, words, dt):
    """Andersen (2008), the QE-M scheme as it stands in the paper, one path, float64: log return and new variance."""
    kappa, theta, xi, rho = model.kappa, model.theta, model.xi, model.rho
    fall = np.exp(-kappa * dt)
    m = theta + (v - theta) * fall
    s2 = v * xi**2 * fall / kappa * (1 - fall) + theta * xi**2 / (2 * kappa) * (1 - fall) ** 2
    psi = s2 / m**2
    slope = kappa * rho / xi - 0.5
    k1, k2 = dt / 2 * slope - rho / xi, dt / 2 * slope + rho / xi
    k3 = k4 = dt / 2 * (1 - rho**2)
    big_a = k2 + k4 / 2
    if psi <= 1.5:
        b2 = 2 / psi - 1 + np.sqrt(2 / psi) * np.sqrt(2 / psi - 1)
        a = m / (1 + b2)
        after = a * (np.sqrt(b2) + normal_of(words[1])) ** 2
        moment = np.exp(big_a * b2 * a / (1 - 2 * big_a * a)) / np.sqrt(1 - 2 * big_a * a)
    else:
        p = (psi - 1) / (psi + 1)
        beta = (1 - p) / m
        survival = ndtr(-normal_of(words[1]))
        after = np.log((1 - p) / survival) / beta if survival < 1 - p else 0.0
        moment = p + beta * (1 - p) / (beta - big_a)
    k0 = -np.log(moment) - (k1 + k3 / 2) * v
    move = model.mu * dt + k0 + k1 * v + k2 * after + np.sqrt(k3 * v + k4 * after) * normal_of(words[0])
    return move, after


@pytest.mark.parametrize("dt", [1 / (365 * 96), 1 / 365])
@pytest.mark.parametrize("name", MODELS)
def test_one_step_is_that_of_the_paper(name, dt):
    """1024 paths of seed 3 from variances of 0 to 4: both schemes, and the bridge's variance is all of it.

    The absolute error is float32's of the terms with rho / xi, which are of the size of the variance.
    """
    model, n = MODELS[name], 1024
    before = np.concatenate([[0], np.geomspace(1e-7, 4, n - 1)]).astype(np.float32)[None]
    words = random.words(random.key(3), np.arange(n, dtype=np.uint32)[None], np.uint32(0), 2)
    state = State(np.zeros((1, n), np.float32), before)
    after, (piece,) = jax.jit(Heston.step)(model.coefficients(dt), state, words)
    pairs = zip(before[0].astype(float), zip(*(np.asarray(word)[0] for word in words), strict=True), strict=True)
    expected = np.array([naive_step(model, v, word, dt) for v, word in pairs])
    np.testing.assert_allclose(after.variance[0], expected[:, 1], rtol=3e-5, atol=1e-8)
    np.testing.assert_allclose(piece.move[0], expected[:, 0], rtol=2e-5, atol=3e-7)
    np.testing.assert_allclose(piece.variance[0], dt / 2 * (before[0] + after.variance[0]), rtol=1e-6)
    mean, spread = model.theta + (before - model.theta) * np.exp(-model.kappa * dt), model.coefficients(dt)
    psi = (spread.spread_slope * before + spread.spread_base) / mean**2
    assert (psi < 1.5).any()
    assert (psi > 1.5).any() == (name == "wild")


@pytest.mark.parametrize("name", MODELS)
def test_variance_moments(name):
    """E[v] and Var[v] after 30 days: the scheme keeps both, whatever the step. Seed 1, errors 0.2 % and 0.8 %."""
    model = MODELS[name]
    mean, variance = model.variance_moments(T)
    _, v = paths(model)
    assert_mean(v, mean)
    assert_variance(v, variance)
    wrong = model.model_copy(update={"v0": model.v0 * 1.02, "theta": model.theta * 1.02, "xi": model.xi * 1.02})
    assert_rejected(assert_mean, paths(wrong)[1], mean)


def test_variance_moments_by_their_equations():
    """dE/dt = kappa (theta - E), dVar/dt = xi^2 E - 2 kappa Var, integrated."""
    for model in MODELS.values():

        def slope(_, y, m=model):
            return [m.kappa * (m.theta - y[0]), m.xi**2 * y[0] - 2 * m.kappa * y[1]]

        expected = integrate.solve_ivp(slope, (0, 0.4), [model.v0, 0.0], rtol=1e-11, atol=1e-13).y[:, -1]
        assert model.variance_moments(0.4) == pytest.approx(tuple(expected), rel=1e-8)


@pytest.mark.parametrize("u", [0.5, 3.0, 20.0 - 0.5j, -0.5j, 1 - 1j, -1j])
@pytest.mark.parametrize("t", [DAY, T, 10.0])
@pytest.mark.parametrize("model", [*MODELS.values(), RISING], ids=[*MODELS, "rising"])
def test_characteristic_function_by_its_equations(model, u, t):
    """Riccati equations integrated numerically: no wrong branch of the logarithm at any maturity, no 0 / 0 at -i."""
    iu = 1j * u

    def slope(_, y):
        d = y[1]
        rise = model.xi**2 / 2 * d * d - (model.kappa - model.rho * model.xi * iu) * d - (u * u + iu) / 2
        return [model.kappa * model.theta * d, rise]

    c, d = integrate.solve_ivp(slope, (0, t), [0j, 0j], rtol=1e-10, atol=1e-12).y[:, -1]
    expected = np.exp(c + d * model.v0 + iu * model.mu * t)
    assert complex(model.characteristic_function(np.asarray(u, complex), t)) == pytest.approx(
        expected, rel=1e-6, abs=1e-9
    )


@pytest.mark.parametrize("name", MODELS)
def test_price_grows_at_mu(name):
    """E[S] = exp(mu t) at any step: the martingale correction. Standard error 6e-4; seed 2."""
    model = MODELS[name]
    for step in ("6h", "1D"):
        x, _ = paths(model, seed=2, step=step)
        assert_mean(np.exp(x), np.exp(model.mu * T))
    assert_rejected(assert_mean, np.exp(x + 0.02 * model.theta), np.exp(model.mu * T))


@pytest.mark.parametrize("strike", [0.7, 0.9, 1.0, 1.1, 1.3])
@pytest.mark.parametrize("name", MODELS)
def test_call_price(name, strike):
    """Characteristic function against 2^17 paths; the scheme may add 1e-4 of spot, a tenth of a volatility point."""
    model = MODELS[name]
    expected = fourier_call(lambda u: model.characteristic_function(u, T), strike)
    x, _ = paths(model)
    assert_mean(np.maximum(np.exp(x) - strike, 0), expected, slack=1e-4)


@pytest.mark.parametrize("name", MODELS)
def test_the_sign_of_the_correlation_is_seen(name):
    """Share of paths below 0.75 of spot: standard error 0.1 %; with rho flipped it is far off."""
    model = MODELS[name]
    expected = fourier_cdf(lambda u: model.characteristic_function(u, T), np.log(0.75))

    def check(one):
        assert_proportion(int((paths(one)[0] <= np.log(0.75)).sum()), N, expected, slack=0.005 * expected)

    check(model)
    assert_rejected(check, flipped(model))


def test_without_volatility_of_variance_it_is_geometric_brownian_motion():
    """xi = 0.001 and v0 = theta: the same words give the same paths, to the little that the variance still moves."""
    calm = Heston(v0=0.64, kappa=5.0, theta=0.64, xi=0.001, rho=0.0, mu=0.3)
    ours, v = paths(calm, seed=3)
    theirs, _ = paths(GBM(sigma=0.8, mu=0.3), seed=3)
    assert np.max(np.abs(ours - theirs)) < 1e-3
    assert np.max(np.abs(v / 0.64 - 1)) < 3e-3
    assert np.corrcoef(ours, theirs)[0, 1] > 0.999999
    found = fourier_call(lambda u: calm.characteristic_function(u, T), 1.05)
    assert found == pytest.approx(black_call(1, 1.05, 0.8, T, 0.3), abs=1e-6)


@pytest.mark.parametrize("xi", [0.1, 0.003])
def test_little_volatility_of_variance_with_correlation(xi):
    """rho = -0.9: rho / xi multiplies small float32 differences; the price is still a martingale."""
    calm = Heston(v0=0.64, kappa=5.0, theta=0.64, xi=xi, rho=-0.9)
    x, _ = paths(calm, seed=4)
    assert_mean(np.exp(x), 1)
    assert_variance(x, 0.64 * T * (1 + 0.9 * xi * T / 2))  # to first order in xi


def test_first_passage_converges_with_the_step():
    """P(touching 1.15 in 7 days) = 0.097709 by a partial differential equation, n = 2^18, seed 5, standard error 0.6 %.

    The bridge takes the integrated variance as known, which is wrong by 3 % at steps of a day and by 0.3 % at 2 hours.
    """
    n, expected = 1 << 18, 0.09770906

    def check(step):
        named = {"barriers": [1.15, 0.5], "horizons": ["7D"], "n_paths": n, "seed": 5}
        hits = int(first_passage(WILD, step=step, **named).hits.sel(barrier=1.15, horizon="7D"))
        assert_proportion(hits, n, expected, z=4, slack=0.005 * expected)

    check("2h")
    assert_rejected(check, "1D")


def test_longest_step():
    """A small part of the relaxation time; shorter where prices and variance rise together, so that E[exp] exists."""
    assert HOT.longest_step == pytest.approx(0.003)
    rising = HOT.model_copy(update={"rho": 0.9, "kappa": 0.01})
    assert rising.longest_step == pytest.approx(0.3 / 3.6)
    assert HOT.substeps(DAY) == 1
    assert HOT.substeps(7 * DAY) == 7
