"""Merton's jump diffusion against its closed forms, its limit without jumps, and a naive twin of one step."""

from functools import cache

import jax
import numpy as np
import pytest
from helpers.closed_forms import DAY, black_call, normal_of, uniform_of
from helpers.naive_loop import walk
from helpers.statistics import assert_mean, assert_proportion, assert_rejected, assert_variance
from scipy import stats

from stresslab import random
from stresslab.models import GBM, Merton
from stresslab.models.base import Diffusion
from stresslab.numerics import fourier_call, fourier_cdf
from stresslab.paths import simulate

MODEL = Merton(sigma=0.5, jump_intensity=25.0, jump_mean=-0.05, jump_std=0.08, mu=0.3)
N = 1 << 15
T = 7 * DAY
MANY_JUMPS = 0.0124 / 25  # the longest step of this model, years: three slots


@cache
def returns(model, seed=1):
    """Log returns over 7 days in steps of 12 hours, cut in three, n = 2^15, float64."""
    price = simulate(model, n_paths=N, horizon="7D", step="12h", seed=seed).price.values
    return np.log(price[:, -1].astype(float))


def without_compensator(model):
    """A growth rate that takes back what the compensator took off: the drift that a careless model has."""
    return model.model_copy(update={"mu": model.mu - model.sigma**2 / 2 - model.log_drift + model.mu})


def one_step(n, dt, seed=5):
    path = np.arange(n, dtype=np.uint32)[None]
    words = random.words(random.key(seed), path, np.uint32(0), MODEL.layout(dt).n_words)
    _, pieces = jax.jit(Merton.step)(MODEL.coefficients(dt), MODEL.init(n), words)
    return [np.asarray(word)[0] for word in words], pieces


def naive_step(model, words, dt):
    """One path, scalars, float64: draw the number of jumps, their times, and walk from one to the next."""
    slots = (len(words) - 2) // 3
    between, sizes = words[: slots + 1], words[slots + 1 : 2 * slots + 1]
    count_uniform, time_words = uniform_of(words[2 * slots + 1]), words[2 * slots + 2 :]
    count = sum(count_uniform < stats.poisson.sf(slot, model.jump_intensity * dt) for slot in range(slots))
    times = sorted(float(uniform_of(word)) for word in time_words[:count]) + [1.0] * (slots - count)
    compensated = np.expm1(model.jump_mean + model.jump_std**2 / 2)
    drift = model.mu - model.sigma**2 / 2 - model.jump_intensity * compensated
    moves, since = [], 0.0
    for slot, until in enumerate([*times, 1.0]):
        span = (until - since) * dt
        moves.append(drift * span + model.sigma * np.sqrt(span) * float(normal_of(between[slot])))
        if slot < slots:
            jump = model.jump_mean + model.jump_std * float(normal_of(sizes[slot]))
            moves.append(jump if slot < count else 0.0)
        since = until
    return moves


def test_one_step_is_the_naive_one():
    """2^20 words of seed 5, of which 500 with no, one and more jumps: float32 rounding of the spans only."""
    words, pieces = one_step(1 << 20, MANY_JUMPS)
    count = sum(np.asarray(piece.move)[0] != 0 for piece in pieces if not isinstance(piece, Diffusion))
    chosen = np.concatenate(
        [np.flatnonzero(count == 0)[:200], np.flatnonzero(count == 1)[:200], np.flatnonzero(count >= 2)[:100]]
    )
    assert count.max() >= 2
    for path in chosen:
        expected = naive_step(MODEL, [word[path] for word in words], MANY_JUMPS)
        found = [float(np.broadcast_to(piece.move, (1, 1 << 20))[0, path]) for piece in pieces]
        np.testing.assert_allclose(found, expected, rtol=2e-5, atol=4e-6)


def test_number_and_times_of_jumps():
    """n = 2^20 steps with 0.0124 jumps expected, seed 5: counts 1e-4 in standard error; times uniform."""
    n = 1 << 20
    _, pieces = one_step(n, MANY_JUMPS)
    jumps = np.stack([np.asarray(piece.move)[0] for piece in pieces if not isinstance(piece, Diffusion)])
    count = (jumps != 0).sum(axis=0)
    for number in (0, 1, 2):
        assert_proportion(int((count == number).sum()), n, stats.poisson.pmf(number, 0.0124))
    assert_rejected(assert_proportion, int((count == 1).sum()), n, stats.poisson.pmf(1, 0.0124 * 1.05))
    assert np.all(np.diff((jumps != 0).astype(int), axis=0) <= 0)  # the first slots are filled first
    spans = np.stack([np.broadcast_to(piece.variance, (1, n))[0] for piece in pieces if isinstance(piece, Diffusion)])
    spans = spans.astype(float) / (0.25 * MANY_JUMPS)
    np.testing.assert_allclose(spans.sum(axis=0), 1, rtol=1e-6)
    first = spans[0]
    assert stats.kstest(first[count == 1], "uniform").pvalue > 1e-6
    assert stats.kstest(first[count == 2], "beta", args=(1, 2)).pvalue > 1e-6  # the earlier one of two
    np.testing.assert_allclose(first[count == 0], 1)
    assert_mean(jumps[0][count >= 1], MODEL.jump_mean)
    assert_variance(jumps[0][count >= 1], MODEL.jump_std**2)


def test_without_jumps_it_is_geometric_brownian_motion():
    """The same words give the same 1024 paths of 14 steps."""
    none = Merton(sigma=0.5, jump_intensity=0.0, jump_mean=-0.05, jump_std=0.08, mu=0.3)
    ours, theirs = (walk(model, DAY / 2, 14, 1024, seed=3).log_price for model in (none, GBM(sigma=0.5, mu=0.3)))
    np.testing.assert_allclose(ours, theirs, atol=1e-6)
    assert complex(none.characteristic_function(2 + 1j, T)) == pytest.approx(
        complex(GBM(sigma=0.5, mu=0.3).characteristic_function(2 + 1j, T))
    )


def test_jumps_of_one_size():
    """jump_std = 0: the return is a normal plus a whole number of jumps; its law at a level by the Poisson series."""
    fixed = MODEL.model_copy(update={"jump_std": 0.0})
    level, terms = -0.1, np.arange(30)
    spread = 0.5 * np.sqrt(T)
    each = stats.norm.cdf((level - fixed.log_drift * T + 0.05 * terms) / spread)
    expected = (stats.poisson.pmf(terms, 25 * T) * each).sum()
    assert fourier_cdf(lambda u: fixed.characteristic_function(u, T), level) == pytest.approx(expected, abs=1e-10)
    assert_proportion(int((returns(fixed) <= level).sum()), N, expected)


def test_moments_of_the_return():
    """Mean, variance and third moment of the log return, seed 1; n = 2^15: standard errors 5.4e-4, 1.2e-4 and 1e-4."""
    x = returns(MODEL)
    mean = MODEL.log_drift * T + 25 * T * -0.05
    variance = (0.25 + 25 * (0.05**2 + 0.08**2)) * T
    third = 25 * (-(0.05**3) - 3 * 0.05 * 0.08**2) * T
    assert_mean(x, mean)
    assert_variance(x, variance)
    assert_mean((x - mean) ** 3, third)
    assert_rejected(assert_mean, (x - mean) ** 3, 0)


def test_price_grows_at_mu():
    """E[S] = exp(mu t), standard error 5e-4; the twin without the compensator grows 2.1 % slower and is refused."""
    assert_mean(np.exp(returns(MODEL)), np.exp(0.3 * T))
    careless = without_compensator(MODEL)
    assert careless.log_drift == pytest.approx(0.3 - 0.125)
    assert_rejected(assert_mean, np.exp(returns(careless)), np.exp(0.3 * T))


def test_two_percent_more_volatility_is_refused():
    """Of the diffusion and of the jumps, n = 2^15, seed 1."""
    variance = (0.25 + 25 * (0.05**2 + 0.08**2)) * T
    wrong = MODEL.model_copy(update={"sigma": 0.5 * 1.04, "jump_std": 0.08 * 1.04})
    assert_rejected(assert_variance, returns(wrong), variance)


@pytest.mark.parametrize("strike", [0.7, 0.9, 1.0, 1.2])
def test_call_price(strike):
    """Poisson series of Black prices (Merton 1976, eq. 16), the characteristic function, and 2^15 paths."""
    growth = np.expm1(-0.05 + 0.08**2 / 2)
    expected = 0.0
    for jumps, weight in enumerate(stats.poisson.pmf(np.arange(40), 25 * T)):
        variance = 0.25 * T + jumps * 0.08**2
        forward = np.exp((0.3 - 25 * growth) * T + jumps * np.log1p(growth))
        expected += weight * black_call(forward, strike, np.sqrt(variance), 1.0)
    found = fourier_call(lambda u: MODEL.characteristic_function(u, T), strike)
    assert found == pytest.approx(expected, abs=1e-10)
    assert_mean(np.maximum(np.exp(returns(MODEL)) - strike, 0), expected)


def test_slots():
    """A step of any length is cut so that three slots hold its jumps but once in 10^9."""
    assert Merton(sigma=0.5, jump_intensity=0.0, jump_mean=0.0, jump_std=0.1).longest_step == np.inf
    for dt, slots in ((1e-6, 1), (1 / (365 * 96), 2), (MANY_JUMPS, 3)):
        assert MODEL.layout(dt).jumps == slots
        assert stats.poisson.sf(slots, 25 * dt) < 1e-9
