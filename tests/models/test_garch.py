"""GARCH and the clock of bars: a naive twin, first passage inside a bar, moments, refusals."""

from functools import cache

import jax
import numpy as np
import pytest
from helpers.closed_forms import normal_of, touch_probability
from helpers.naive_loop import walk
from helpers.statistics import assert_mean, assert_proportion, assert_rejected
from scipy import stats

from stresslab import random
from stresslab.errors import InputError
from stresslab.models import EGARCH, GARCH, GJR
from stresslab.passage import first_passage
from stresslab.paths import simulate

HOUR = 1 / 8760
MODEL = GARCH(omega=1e-6, alpha=0.1, beta=0.85, bar="1h", h0=1e-4, mu=0.5)
GJR_MODEL = GJR(omega=1e-6, alpha=0.03, gamma=0.15, beta=0.85, bar="1h", h0=1e-4, mu=0.5)
EGARCH_MODEL = EGARCH(omega=-0.4, alpha=0.2, gamma=-0.08, beta=0.96, bar="1h", h0=1e-4, mu=0.5)
N = 1 << 16


def next_variance(model, h, e):
    """The recursions as their papers write them, float64."""
    if isinstance(model, EGARCH):
        z = e / np.sqrt(h)
        size = np.abs(z) - np.sqrt(2 / np.pi)
        return np.exp(model.omega + model.alpha * size + model.gamma * z + model.beta * np.log(h))
    gamma = getattr(model, "gamma", 0.0)
    return model.omega + (model.alpha + gamma * (e < 0)) * e**2 + model.beta * h


def naive(model, steps, n_bars, n_paths, seed):
    """Bars of `steps` steps one after the other on the same normals, float64: log price and h of each bar."""
    path = np.arange(n_paths, dtype=np.uint32)[None]
    h, price, clock, found = np.full((1, n_paths), model.h0), np.zeros((1, n_paths)), 0, []
    convexity = 0.5 if model.mean == "martingale" else 0.0
    for _ in range(n_bars):
        e = np.zeros((1, n_paths))
        for _ in range(steps):
            # two words: the model's normal and the bridge
            word = random.words(random.key(seed), path, np.uint32(clock), 2)[0]
            e, clock = e + np.sqrt(h / steps) * normal_of(word), clock + 1
        price, h = price + model.mu * HOUR - convexity * h + e, next_variance(model, h, e)
        found.append((price[0], h[0]))
    return np.array(found)


@pytest.mark.parametrize("model", [MODEL, GJR_MODEL, EGARCH_MODEL], ids=lambda model: model.kind)
@pytest.mark.parametrize("steps", [1, 4])
def test_naive_twin(model, steps):
    """Twelve bars, 256 paths, seed 5: rounding of float32 only. Another weight is seen."""
    found = walk(model, HOUR / steps, 12 * steps, 256, 5)
    price, h = np.moveaxis(naive(model, steps, 12, 256, 5), 1, 0)
    np.testing.assert_allclose(found.log_price[steps::steps], price, atol=2e-7 * 12)
    np.testing.assert_allclose(found.variance[steps::steps] * HOUR, h, rtol=2e-4)
    wrong = naive(model.model_copy(update={"beta": model.beta * 1.002}), steps, 12, 256, 5)[:, 1]
    assert np.abs(found.variance[steps::steps] * HOUR / wrong - 1).max() > 2e-3


def test_zero_log_takes_nothing_off():
    flat = MODEL.model_copy(update={"mean": "zero_log"})
    found = walk(flat, HOUR, 5, 64, 5)
    np.testing.assert_allclose(found.log_price[1:], naive(flat, 1, 5, 64, 5)[:, 0], atol=1e-6)
    apart = walk(MODEL, HOUR, 5, 64, 5).log_price[5] - found.log_price[5]
    assert np.all(apart < -1e-4)  # half of five variances


@pytest.mark.parametrize("step", ["1h", "15min", "150s"])
@pytest.mark.parametrize("barrier", [0.98, 1.015])
def test_first_passage_inside_a_bar(step, barrier):
    """Normal innovations: Brownian motion with the variance of the bar, n = 2^16; 2 % more volatility is refused."""
    found = first_passage(MODEL, barriers=[barrier], horizons=["1h"], step=step, n_paths=N, seed=2)
    hits = int(found.hits.values[0, 0])
    sigma = np.sqrt(1e-4 / HOUR)
    assert_proportion(hits, N, touch_probability(barrier, sigma, HOUR, 0.5), z=4)
    assert_rejected(assert_proportion, hits, N, touch_probability(barrier, sigma * 1.05, HOUR, 0.5), z=4)


def test_first_passage_of_student_t_given_its_mixing():
    """A bar of Student's t is a mixture of Brownian motions: the touch probability integrated over W, n = 2^16."""
    model = GARCH(omega=1e-4, alpha=0.0, beta=0.0, bar="1h", innovation="student_t", nu=4.0, mean="zero_log")
    score = (np.arange(4000) + 0.5) / 4000
    mixing = 2 / stats.chi2.ppf(score, 4)
    expected = float(np.mean(2 * stats.norm.cdf(np.log(0.98) / np.sqrt(1e-4 * mixing))))  # reflection: no drift
    for step in ("1h", "15min"):
        hits = int(first_passage(model, barriers=[0.98], horizons=["1h"], step=step, n_paths=N, seed=2).hits[0, 0])
        assert_proportion(hits, N, expected, z=4)
        assert_rejected(assert_proportion, hits, N, expected * 1.1, z=4)


@pytest.mark.parametrize("model", [MODEL, GJR_MODEL], ids=lambda model: model.kind)
def test_forecast_variance(model):
    """Mean of h over a day, n = 2^14; standard errors under 1 %. Another persistence is refused."""
    variance = simulate(model, n_paths=1 << 14, horizon="1D", step="1h", seed=3).variance.values.astype(float) * HOUR
    forecast = model.forecast_variance(25)
    for bar in (1, 6, 24):
        assert_mean(variance[:, bar], forecast[bar])
    wrong = model.model_copy(update={"beta": model.beta + 0.01}).forecast_variance(25)
    assert_rejected(assert_mean, variance[:, 24], wrong[24])


def test_price_grows_at_mu():
    """Martingale convention, normal innovations: E[S] = exp(mu t), n = 2^16 over a day; zero_log drifts up by h/2."""
    price = simulate(MODEL, n_paths=N, horizon="1D", step="1h", seed=4).price.values[:, -1].astype(float)
    assert_mean(price, np.exp(0.5 / 365))
    flat = simulate(
        MODEL.model_copy(update={"mean": "zero_log", "mu": 0.0}), n_paths=N, horizon="1D", step="1h", seed=4
    )
    assert_rejected(assert_mean, flat.price.values[:, -1].astype(float), 1.0, z=2)


@cache
def stationary_noise():
    """Noise of 2,000 bars on 256 paths (seed 6), from the stationary state."""
    model = GARCH(omega=1e-6, alpha=0.08, beta=0.85, bar="1h", mean="zero_log")
    price = simulate(model, n_paths=256, horizon="2000h", step="1h", seed=6).price.values.astype(float)
    return model, np.diff(np.log(price), axis=1)[:, 200:]


def test_unconditional_variance_and_kurtosis():
    """By path: variance and fourth moment of e; their ratio is the kurtosis, 3.3."""
    model, noise = stationary_noise()
    variance = model.unconditional_variance()
    assert_mean((noise**2).mean(axis=1), variance)
    assert_rejected(assert_mean, (noise**2).mean(axis=1), variance * 1.1)
    assert_mean((noise**4).mean(axis=1), model.return_kurtosis() * variance**2)


def test_infinite_kurtosis():
    assert GARCH(omega=1e-6, alpha=0.5, beta=0.45).return_kurtosis() == np.inf
    assert GARCH(omega=1e-6, alpha=0.1, beta=0.8, innovation="student_t", nu=4.0).return_kurtosis() == np.inf


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: GARCH(omega=1e-6, alpha=0.2, beta=0.85), "would explode: alpha \\+ beta must not exceed 1"),
        (lambda: GARCH(omega=1e-6, alpha=0.125, beta=0.875), "no unconditional variance.*Give h0"),
        (lambda: GARCH(omega=0.0, alpha=0.1, beta=0.8), "omega"),
        (lambda: GARCH(omega=1e-6, alpha=0.1, beta=0.8, bar="1 day"), "a duration is"),
        (lambda: GJR(omega=1e-6, alpha=0.05, gamma=-0.06, beta=0.8), "alpha \\+ gamma must not be negative"),
        (lambda: GJR(omega=1e-6, alpha=0.05, gamma=0.3, beta=0.85), "would explode"),
        (lambda: EGARCH(omega=-0.4, alpha=0.2, gamma=0.0, beta=1.0), "beta"),
        (lambda: EGARCH(omega=-20.0, alpha=0.2, gamma=0.0, beta=0.98), "omega is that of a logarithm"),
    ],
)
def test_refusals(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_integrated_garch_needs_a_start_and_has_it():
    model = GARCH(omega=1e-6, alpha=0.125, beta=0.875, h0=1e-4)
    np.testing.assert_allclose(model.forecast_variance(3), [1e-4, 1.01e-4, 1.02e-4])


@pytest.mark.parametrize("step", ["7min", "45min", "90min"])
def test_steps_that_do_not_fit_the_bar(step):
    with pytest.raises(InputError, match="the step must divide the model's bar of 1h.*Take a step of 1h"):
        simulate(MODEL, n_paths=8, horizon="315h", step=step, seed=1)


def test_longer_steps_are_cut_into_bars():
    """A step of six bars ends where six steps of a bar end."""
    whole = simulate(MODEL, n_paths=64, horizon="12h", step="6h", seed=1).price.values
    bars = simulate(MODEL, n_paths=64, horizon="12h", step="1h", seed=1).price.values
    np.testing.assert_allclose(whole, bars[:, ::6], rtol=1e-6)


def test_skewed_downside_moves_the_persistence():
    """Falls are larger than rises under a negative skew, so gamma weighs more."""
    shape = {"omega": 1e-6, "alpha": 0.03, "gamma": 0.2, "beta": 0.8, "nu": 5.0}
    symmetric = GJR(**shape, innovation="student_t")
    leaning = GJR(**shape, innovation="skewed_t", skew=-0.3)
    assert symmetric.persistence == pytest.approx(0.93)
    assert leaning.persistence > 0.935


def test_egarch_forecast():
    """E[h] for normal innovations against 2^15 paths; exp of the mean of log h would be too low."""
    variance = simulate(EGARCH_MODEL, n_paths=1 << 15, horizon="1D", step="1h", seed=3).variance.values.astype(float)
    forecast = EGARCH_MODEL.forecast_variance(25)
    assert_mean(variance[:, 24] * HOUR, forecast[24])
    assert_rejected(assert_mean, variance[:, 24] * HOUR, forecast[24] * 0.97)
    with pytest.raises(InputError, match="normal innovations alone"):
        EGARCH(omega=-0.4, alpha=0.2, gamma=0.0, beta=0.96, innovation="student_t", nu=5.0).forecast_variance(3)


def test_aggregate_moments_need_a_symmetric_law():
    with pytest.raises(InputError, match="symmetric"):
        GARCH(omega=1e-6, alpha=0.1, beta=0.8, innovation="skewed_t", nu=5.0, skew=0.1).aggregate_moments(5)


def test_words_are_counted():
    """Layout and words of each law agree: one step with exactly as many words as it asks for."""
    for law, shape in (("normal", {}), ("student_t", {"nu": 4.0}), ("skewed_t", {"nu": 4.0, "skew": 0.2})):
        model = GARCH(omega=1e-6, alpha=0.1, beta=0.85, bar="1h", innovation=law, **shape)
        path = np.arange(16, dtype=np.uint32)[None]
        words = random.words(random.key(1), path, np.uint32(0), model.layout(HOUR).n_words)
        after, _ = jax.jit(GARCH.step)(model.coefficients(HOUR), model.init(16), words)
        assert int(after.memory.clock) == 1
