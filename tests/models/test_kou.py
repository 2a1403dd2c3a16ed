"""Kou's jump diffusion against its closed forms, its limit without jumps, and the law of one jump."""

from functools import cache

import jax
import numpy as np
import pytest
from helpers.closed_forms import DAY
from helpers.naive_loop import walk
from helpers.statistics import assert_mean, assert_proportion, assert_rejected, assert_variance
from scipy import stats

from stresslab import random
from stresslab.models import GBM, Kou
from stresslab.models.base import Jump
from stresslab.models.kou import _size
from stresslab.numerics import fourier_call, fourier_cdf
from stresslab.paths import simulate

MODEL = Kou(sigma=0.5, jump_intensity=25.0, up_probability=0.4, eta_up=25.0, eta_down=15.0, mu=0.3)
N, T = 1 << 15, 7 * DAY


@cache
def returns(model, seed=1):
    """Log returns over 7 days in steps of 12 hours, cut in three, n = 2^15, float64."""
    price = simulate(model, n_paths=N, horizon="7D", step="12h", seed=seed).price.values
    return np.log(price[:, -1].astype(float))


@cache
def sizes(model, n=1 << 20):
    """The sizes that n words of seed 2 give."""
    word = random.words(random.key(2), np.arange(n, dtype=np.uint32)[None], np.uint32(0), 1)[0]
    return np.asarray(jax.jit(_size)(model.coefficients(1 / 8760), word))[0].astype(float)


def test_sizes_of_jumps():
    """n = 2^20 words: share up to 5e-4, each side exponential; 2 % more on either side is refused."""
    found = sizes(MODEL)
    up, down = found[found > 0], -found[found < 0]
    assert_proportion(len(up), len(found), 0.4)
    for side, rate in ((up, 25.0), (down, 15.0)):
        assert_mean(side, 1 / rate)
        assert_variance(side, 1 / rate**2)
        assert stats.kstest(side[:100_000], "expon", args=(0, 1 / rate)).pvalue > 1e-6
        assert_rejected(assert_mean, side, 1.02 / rate)


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_jumps_of_one_direction(p):
    found = sizes(MODEL.model_copy(update={"up_probability": p}), 1 << 16)
    assert np.all(found >= 0 if p else found <= 0)
    assert_mean(np.abs(found), 1 / (25.0 if p else 15.0))


def test_sizes_reach_far():
    """The outermost words are 22 mean sizes out: no step of float32 cuts the tail at 16."""
    words = np.array([[0, 2**32 - 1]], np.uint32)
    up, down = np.asarray(_size(MODEL.coefficients(1 / 8760), jax.numpy.asarray(words)))[0]
    assert up == pytest.approx((np.log(0.4) + 33 * np.log(2)) / 25, rel=1e-5)
    assert down == pytest.approx(-(np.log(0.6) + 33 * np.log(2)) / 15, rel=1e-5)


def test_without_jumps_it_is_geometric_brownian_motion():
    """The same words give the same 1024 paths of 14 steps."""
    none = MODEL.model_copy(update={"jump_intensity": 0.0})
    ours, theirs = (walk(model, DAY / 2, 14, 1024, seed=3).log_price for model in (none, GBM(sigma=0.5, mu=0.3)))
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_moments_of_the_return():
    """n = 2^15, seed 1: mean, variance and third moment, and the price's growth; without compensator it is refused."""
    x, p = returns(MODEL), 0.4
    mean = (MODEL.log_drift + 25 * (p / 25 - (1 - p) / 15)) * T
    assert_mean(x, mean)
    assert_variance(x, (0.25 + 25 * 2 * (p / 25**2 + (1 - p) / 15**2)) * T)
    third = 25 * 6 * (p / 25**3 - (1 - p) / 15**3) * T
    assert_mean((x - mean) ** 3, third)
    assert_rejected(assert_mean, (x - mean) ** 3, 0)
    assert_mean(np.exp(x), np.exp(0.3 * T))
    careless = MODEL.model_copy(update={"mu": 0.3 + 25 * MODEL.jump_growth})
    assert_rejected(assert_mean, np.exp(returns(careless)), np.exp(0.3 * T))


@pytest.mark.parametrize("level", [0.7, 0.9, 1.1])
def test_law_of_the_price(level):
    """Shares and calls against the inverted characteristic function, n = 2^15, seed 1."""
    x = returns(MODEL)
    share = fourier_cdf(lambda u: MODEL.characteristic_function(u, T), np.log(level))
    assert_proportion(int((x <= np.log(level)).sum()), N, share)
    call = fourier_call(lambda u: MODEL.characteristic_function(u, T), level)
    assert_mean(np.maximum(np.exp(x) - level, 0), call)


def test_too_many_jumps_is_refused():
    x, more = returns(MODEL), MODEL.model_copy(update={"jump_intensity": 35.0})
    share = fourier_cdf(lambda u: more.characteristic_function(u, T), np.log(0.9))
    assert_rejected(assert_proportion, int((x <= np.log(0.9)).sum()), N, share)


def test_a_step_has_its_slots():
    assert MODEL.substeps(DAY / 2) == 3
    _, pieces = Kou.step(MODEL.coefficients(1e-4), MODEL.init(4), _words(MODEL.layout(1e-4).n_words))
    assert sum(isinstance(piece, Jump) for piece in pieces) == MODEL.layout(1e-4).jumps
    assert Kou(**{**dict(MODEL), "jump_intensity": 0.0}).longest_step == np.inf


def _words(n):
    return random.words(random.key(1), np.arange(4, dtype=np.uint32)[None], np.uint32(0), n)
