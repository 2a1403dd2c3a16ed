"""SVJJ against its Riccati equations, the moments of its variance, and its closed forms at shorter and longer steps."""

from functools import cache

import numpy as np
import pytest
from helpers.closed_forms import DAY
from helpers.statistics import assert_mean, assert_proportion, assert_rejected, assert_variance
from helpers.watch import watch
from pydantic import ValidationError
from scipy import integrate

from stresslab.models import SVJJ, Bates
from stresslab.numerics import fourier_call, fourier_cdf

CRASH = SVJJ(
    v0=0.49,
    kappa=3.0,
    theta=0.49,
    xi=2.0,
    rho=-0.6,
    jump_intensity=5.0,
    jump_mean=-0.09,
    jump_std=0.06,
    variance_jump_mean=0.4,
    jump_correlation=-0.1,
    mu=0.3,
)
RISING = CRASH.model_copy(update={"kappa": 0.1, "rho": 0.5, "xi": 1.0, "theta": 0.1, "jump_correlation": 0.1})
# 2 kappa variance_jump_mean = xi^2, where a denominator of the closed form is 0 at u = 0
EVEN = CRASH.model_copy(update={"kappa": 5.0, "xi": 2.0, "variance_jump_mean": 0.4})
N, T = 1 << 17, 7 * DAY


@cache
def paths(model=CRASH, step="6h", seed=1):
    """Log price and variance after 7 days, float64, n = 2^17."""
    found = watch(model, horizons=["7D"], step=step, n_paths=N, seed=seed)
    return found.end[0].astype(float), found.variance[0].astype(float)


def variance_moments(m, t):
    """E' = kappa (theta - E) + lambda g, Var' = -2 kappa Var + xi^2 E + 2 lambda g^2, integrated."""

    def slope(_, y):
        rise = m.jump_intensity * m.variance_jump_mean
        return [
            m.kappa * (m.theta - y[0]) + rise,
            m.xi**2 * y[0] - 2 * m.kappa * y[1] + 2 * rise * m.variance_jump_mean,
        ]

    return integrate.solve_ivp(slope, (0, t), [m.v0, 0.0], rtol=1e-11, atol=1e-13).y[:, -1]


@pytest.mark.parametrize("u", [0j, 1e-6 + 0j, 0.5, 3.0, 20.0 - 0.5j, -0.5j, 1 - 1j, -1j, 80.0])
@pytest.mark.parametrize("t", [DAY, 30 * DAY, 10.0])
@pytest.mark.parametrize("model", [CRASH, RISING, EVEN], ids=["crash", "rising", "even"])
def test_characteristic_function_by_its_equations(model, u, t):
    iu, m = 1j * u, model.variance_jump_mean
    price = np.exp(iu * model.jump_mean - u * u * model.jump_std**2 / 2)

    def slope(_, y):
        d = y[1]
        jump = price / (1 - iu * model.jump_correlation * m - m * d) - 1
        rise = model.xi**2 / 2 * d * d - (model.kappa - model.rho * model.xi * iu) * d - (u * u + iu) / 2
        drift = iu * (model.mu - model.jump_intensity * model.jump_growth)
        return [model.kappa * model.theta * d + drift + model.jump_intensity * jump, rise]

    c, d = integrate.solve_ivp(slope, (0, t), [0j, 0j], rtol=1e-10, atol=1e-12).y[:, -1]
    found = complex(model.characteristic_function(np.asarray(u, complex), t))
    assert found == pytest.approx(np.exp(c + d * model.v0), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("step", ["6h", "12h"])
def test_variance_moments(step):
    """The scheme keeps mean and variance of v, jumps included, whatever the step; a quarter more is refused."""
    _, v = paths(step=step)
    mean, variance = variance_moments(CRASH, T)
    assert_mean(v, mean)
    assert_variance(v, variance)
    wrong = variance_moments(CRASH.model_copy(update={"variance_jump_mean": 0.4 * 1.25}), T)
    assert_rejected(assert_mean, v, wrong[0])


def test_price_grows_at_mu():
    for step in ("6h", "12h"):
        x, _ = paths(step=step)
        assert_mean(np.exp(x), np.exp(0.3 * T))
    assert_rejected(assert_mean, np.exp(x - CRASH.jump_intensity * 0.02 * T), np.exp(0.3 * T))


@pytest.mark.parametrize("strike", [0.75, 1.0, 1.15])
def test_law_of_the_price(strike):
    """2^17 paths in steps of 6 hours; the scheme may add 1e-4 of spot, 0.5 % of a probability."""
    x, _ = paths()

    def law(u):
        return CRASH.characteristic_function(u, T)

    assert_mean(np.maximum(np.exp(x) - strike, 0), fourier_call(law, strike), slack=1e-4)
    share = fourier_cdf(law, np.log(strike))
    assert_proportion(int((x <= np.log(strike)).sum()), N, share, slack=0.005 * share)


def test_jumps_in_variance_are_seen():
    """Without them the tail at 0.75 is thinner than what is simulated."""
    calm = CRASH.model_copy(update={"variance_jump_mean": 0.0})
    share = fourier_cdf(lambda u: calm.characteristic_function(u, T), np.log(0.75))
    x, _ = paths()
    assert_rejected(assert_proportion, int((x <= np.log(0.75)).sum()), N, share, slack=0.005 * share)


def test_without_jumps_in_variance_it_is_bates():
    calm = CRASH.model_copy(update={"variance_jump_mean": 0.0})
    fields = {name: value for name, value in calm if name not in ("kind", "variance_jump_mean", "jump_correlation")}
    u = np.array([0.5, 3.0, 20.0 - 0.5j])
    np.testing.assert_allclose(
        calm.characteristic_function(u, T), Bates(**fields).characteristic_function(u, T), rtol=1e-12
    )


@pytest.mark.slow
def test_bias_falls_with_the_step():
    """Often jumping variance, n = 2^19: the share below 0.8 is no further off at 3 hours than at the longest step."""
    model = CRASH.model_copy(update={"jump_intensity": 30.0, "kappa": 20.0})
    share = fourier_cdf(lambda u: model.characteristic_function(u, T), np.log(0.8))
    found = []
    for step in ("168h", "84h", "3h"):
        hits = [np.mean(paths(model, step, seed)[0] <= np.log(0.8)) for seed in range(4)]
        found.append(abs(np.mean(hits) - share))
    error = np.sqrt(share * (1 - share) / (4 * N))
    assert found[-1] < 4 * error + 0.003 * share
    assert found[-1] <= found[0] + 2 * np.sqrt(2) * error


def test_an_infinite_price_is_refused():
    with pytest.raises(ValidationError, match="E\\[price\\] is infinite"):
        SVJJ(**{**dict(CRASH), "jump_correlation": 2.5})
