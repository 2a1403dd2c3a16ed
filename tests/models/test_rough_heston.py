"""Rough Heston against its characteristic function, its limit that is Heston, and reflection given the variance.

Statistical tests: n = 2^17 paths over 30 days in steps of 6 hours, the longest that the scheme takes, unless said
otherwise.
"""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.closed_forms import DAY, black_call
from helpers.statistics import assert_mean, assert_proportion, assert_rejected, assert_variance
from helpers.watch import watch
from pydantic import ValidationError
from scipy import integrate
from scipy.optimize import brentq

from stresslab.models import Heston, RoughHeston, kernel_lift
from stresslab.models.fractional_riccati import integrals

MODEL = RoughHeston(hurst=0.1, v0=0.36, kappa=1.0, theta=0.36, xi=1.2, rho=-0.5, mu=0.3)
HIGH = RoughHeston(hurst=0.1, v0=0.72, kappa=5.0, theta=0.36, xi=1.2, rho=-0.5)
N, T = 1 << 17, 30 * DAY
U = np.linspace(0, 120, 2401)


@cache
def paths(model, seed=1, step="6h"):
    """Log price, variance and lowest log price after 30 days, float64."""
    found = watch(model, horizons=["30D"], step=step, n_paths=N, seed=seed)
    return tuple(field[0].astype(float) for field in (found.end, found.variance, found.low))


@cache
def transform(model):
    """The characteristic function of 30 days along the lines on which calls and digitals are integrated."""
    return model.characteristic_function(U - 0.5j, T), model.characteristic_function(U[1:], T)


def call(model, strike):
    """Lewis (2001), equation 3.11."""
    x = model.mu * T - np.log(strike)
    along = transform(model)[0] * np.exp(1j * (U - 0.5j) * -model.mu * T)
    inner = integrate.simpson((np.exp(1j * U * x) * along).real / (U * U + 0.25), x=U)
    return float(np.exp(model.mu * T) - np.sqrt(np.exp(model.mu * T) * strike) / np.pi * inner)


def volatility_point(price, strike, mu):
    """What 0.1 point of implied volatility is worth."""
    sigma = brentq(lambda s: black_call(1, strike, s, T, mu) - price, 1e-3, 5)
    return black_call(1, strike, sigma + 0.0005, T, mu) - black_call(1, strike, sigma - 0.0005, T, mu)


@pytest.mark.parametrize("t", [DAY, 0.3, 2.0])
def test_without_roughness_it_is_hestons_characteristic_function(t):
    """hurst = 1/2: to 2e-5 over 200 frequencies, second order in the Riccati equation's steps."""
    fields = dict(v0=0.36, kappa=2.0, theta=0.5, xi=1.2, rho=-0.5, mu=0.1)
    rough, plain = RoughHeston(hurst=0.5, **fields), Heston(**fields)
    u = np.linspace(0, 200, 200) - 0.5j
    np.testing.assert_allclose(rough.characteristic_function(u, t), plain.characteristic_function(u, t), atol=2e-5)
    wrong = plain.model_copy(update={"rho": -0.51})
    assert np.abs(wrong.characteristic_function(u, t) - plain.characteristic_function(u, t)).max() > 1e-4


def test_the_riccati_equation_converges():
    """Second order in its steps, from 32 on; at frequencies where an explicit scheme would explode too."""
    u = np.array([0.5, 5.0, 50.0, 2000.0]) - 0.5j
    p, q, r = (-u * u - 1j * u) / 2, -1j * u * 0.6 - 1.0, 0.72
    fine = np.array(integrals(p, q, r, 0.6, 0.1, 1024))
    errors = [np.abs(np.array(integrals(p, q, r, 0.6, 0.1, steps)) / fine - 1).max() for steps in (32, 64, 128)]
    assert errors[0] / errors[1] > 3
    assert errors[1] / errors[2] > 3
    assert errors[2] < 2e-4


def test_mean_of_the_integrated_variance():
    """-2 d log phi / du i at u -> 0 with rho = 0: int_0^t E[v] ds, E[v] = theta + (v0 - theta) E_a(-kappa t^a)."""
    small, t = 1e-3, 0.4
    model = HIGH.model_copy(update={"rho": 0.0})
    log = np.log(model.characteristic_function(np.array([small]), t))[0]
    expected, _ = integrate.quad(
        lambda s: 0.36 + 0.36 * float(kernel_lift.relaxation(np.array([s]), 0.6, 5.0)[0]), 0, t, limit=200
    )
    assert -2 * log.imag / small == pytest.approx(expected, rel=4e-5)


@pytest.mark.parametrize("model", [MODEL, HIGH], ids=["flat", "high"])
def test_law_of_the_variance(model):
    """E[v_t] and Var[v_t] = xi^2 int K(t-s)^2 E[v_s] ds; standard errors 0.5 % and 2 %, the lift's own 0.3 %."""
    _, v, _ = paths(model)

    def mean(s):
        return model.theta + (model.v0 - model.theta) * kernel_lift.relaxation(s, 0.6, model.kappa)

    y = (np.arange(4000) + 0.5) / 4000 * T**0.2  # t - s to the power 2 hurst, in which K^2 ds is smooth
    lags = y**5
    square = kernel_lift.kernel(lags, 0.6, model.kappa) ** 2 * 5 * y**4
    variance = model.xi**2 * (square * mean(T - lags)).sum() * T**0.2 / 4000
    assert_mean(v, float(mean(np.array([T]))[0]), slack=0.001)
    assert_variance(v / np.sqrt(variance), 1.0)
    assert_rejected(assert_mean, 1.03 * v, float(mean(np.array([T]))[0]), slack=0.001)


def test_price_grows_at_mu():
    """E[S] = exp(mu t) at steps of a day cut in four and of an hour: standard error 5e-4; 0.3 % more is refused."""
    for step in ("1D", "2h"):
        x, *_ = paths(MODEL, 2, step)
        assert_mean(np.exp(x), np.exp(0.3 * T))
    assert_rejected(assert_mean, np.exp(x + 0.003), np.exp(0.3 * T))


@pytest.mark.parametrize("strike", [0.8, 0.9, 1.0, 1.1, 1.3])
@pytest.mark.parametrize("model", [MODEL, HIGH], ids=["flat", "high"])
def test_call_price(model, strike):
    """Characteristic function against paths: the scheme may add a tenth of a point of volatility."""
    expected = call(model, strike)
    slack = volatility_point(expected, strike, model.mu)
    x, *_ = paths(model)
    assert_mean(np.maximum(np.exp(x) - strike, 0), expected, z=4, slack=slack)


def test_the_sign_of_the_correlation_is_seen():
    """The call at 1.3 with rho flipped is far off."""
    expected = call(MODEL, 1.3)
    x, *_ = paths(MODEL.model_copy(update={"rho": 0.5}))
    slack = volatility_point(expected, 1.3, 0.3)
    assert_rejected(assert_mean, np.maximum(np.exp(x) - 1.3, 0), expected, z=4, slack=slack)


def test_without_roughness_it_is_heston():
    """hurst = 1/2: calls by Heston's characteristic function; 3 % more volatility of variance is refused."""
    fields = dict(v0=0.36, kappa=2.0, theta=0.5, rho=-0.5)
    plain = Heston(xi=2.0, **fields)
    x, v, _ = paths(RoughHeston(hurst=0.5, xi=2.0, **fields), 4)
    mean, variance = plain.variance_moments(T)
    assert_mean(v, mean)
    assert_variance(v, variance)
    for strike in (0.8, 1.0, 1.2):
        expected = call(plain, strike)
        slack = volatility_point(expected, strike, 0.0)
        assert_mean(np.maximum(np.exp(x) - strike, 0), expected, z=4, slack=slack)
    assert_rejected(assert_variance, 1.03 * v, variance)


def test_first_passage_without_correlation():
    """rho = 0: P(min <= b) = P(S <= B) + E[S; S <= B] / B by reflection given the variance, both by Fourier inversion.

    0.5 % is what the scheme may be off; standard error 0.5 %, seed 5. What the ends of steps see is refused.
    """
    model, level = MODEL.model_copy(update={"rho": 0.0, "mu": 0.0}), 0.75
    u, x = U[1:], np.log(level)

    def below(phi):
        return 0.5 - integrate.simpson((np.exp(-1j * u * x) * phi / (1j * u)).real, x=u) / np.pi

    under_price = model.characteristic_function(u - 1j, T)
    expected = below(model.characteristic_function(u, T)) + below(under_price) / level
    # Simpson's rule begins one step after 0: that step by the integrand's value there
    first = [(np.exp(-1j * u[:1] * x) * phi[:1] / (1j * u[:1])).real[0] * u[0] / np.pi
             for phi in (model.characteristic_function(u, T), under_price)]  # fmt: skip
    expected -= first[0] + first[1] / level
    found = watch(model, horizons=["30D"], step="6h", n_paths=N, seed=5)
    slack = 0.005 * expected
    assert_proportion(int((found.low[0] <= x).sum()), N, expected, z=4, slack=slack)
    assert_rejected(assert_proportion, int((found.end_low[0] <= x).sum()), N, expected, z=4, slack=slack)


@pytest.mark.slow
@pytest.mark.parametrize("strike", [0.8, 1.0, 1.3])
def test_bias_falls_with_the_step(strike):
    """16 streams, standard error 0.02 points: at steps of a day, cut by hand, and of 6 hours, against the truth."""
    expected, t = call(MODEL, strike), volatility_point(call(MODEL, strike), strike, MODEL.mu)
    points = []
    for step in ("6h", "90min"):
        ends = [watch(MODEL, horizons=["30D"], step=step, n_paths=N, seed=9, stream=s).end[0] for s in range(16)]
        payoff = np.maximum(np.exp(np.concatenate(ends).astype(float)) - strike, 0)
        points.append((abs(payoff.mean() - expected) / t, payoff.std() / np.sqrt(payoff.size) / t))
    assert points[1][0] <= 1 + 4 * points[1][1]
    assert points[1][0] <= points[0][0] + 2 * np.hypot(points[0][1], points[1][1])


def test_noise_reaches_the_variance_by_the_kernel():
    """One step's increment, all else quiet: E[v] afterwards falls as K does, averaged over the step; lift and all."""
    dt, c = 1 / 2190, MODEL.coefficients(1 / 2190)
    quiet = jax.tree.map(jnp.asarray, MODEL.init(1))
    state = quiet._replace(memory=quiet.memory._replace(increment=jnp.full((1, 1), 0.1, jnp.float32)))
    silence = tuple(jnp.zeros((1, 1), jnp.float32) for _ in range(3))
    increment = 0.1 / (MODEL.xi * kernel_lift.of_step(0.6, 1.0, dt, np.ones(1)).beta)
    factors = c.decay * np.asarray(state.memory.factors) + c.by_increment * 0.1
    for lag in (1, 3, 10, 100):
        lags = (lag + np.linspace(0, 1, 2001)) * dt
        expected = MODEL.xi * increment * integrate.simpson(kernel_lift.kernel(lags, 0.6, 1.0), x=lags) / dt
        found = float((factors * c.decay.astype(float) ** lag).sum())
        assert found == pytest.approx(expected, rel=0.01)
    after, _ = jax.jit(RoughHeston.step)(c, state, silence)
    np.testing.assert_allclose(after.memory.factors, factors, rtol=1e-5)


@pytest.mark.parametrize("name, wrong", [("hurst", 0.0), ("hurst", 0.6), ("v0", 0.0), ("kappa", -0.1), ("xi", 0.0)])
def test_bounds(name, wrong):
    with pytest.raises(ValidationError, match=name):
        RoughHeston(**{**dict(MODEL), name: wrong})
