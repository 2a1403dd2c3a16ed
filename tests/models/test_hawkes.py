"""Hawkes jumps against the moments of their number, the Riccati equation, and a process that ran out of slots."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.closed_forms import DAY
from helpers.statistics import assert_mean, assert_proportion, assert_rejected, assert_variance
from helpers.watch import watch
from pydantic import ValidationError

from stresslab import random
from stresslab.models import Hawkes, Merton
from stresslab.models.base import Jump
from stresslab.numerics import fourier_cdf

MODEL = Hawkes(
    sigma=0.5,
    base_intensity=20.0,
    excitation=120.0,
    decay=200.0,
    jump_mean=-0.01,
    jump_std=0.03,
    initial_intensity=30.0,
    mu=0.3,
)
BURST = MODEL.model_copy(update={"excitation": 600.0, "decay": 800.0, "initial_intensity": 400.0})
N, T = 1 << 17, 7 * DAY


@cache
def counted(model, t, n_steps, slots=None, n=1 << 17):
    """Number of jumps, intensity and what the clock is behind by, after n_steps steps; seed 6."""
    dt, path = t / n_steps, np.arange(n, dtype=np.uint32)[None]
    coefficients, layout = model.coefficients(dt), model.layout(dt)
    if slots is not None:
        coefficients = coefficients._replace(slots=np.zeros(slots, np.float32))
    n_words = 4 * (layout.jumps if slots is None else slots) + 1

    @jax.jit
    def run(state):
        def step(number, carry):
            state, count = carry
            words = random.words(random.key(6), path, number.astype(jnp.uint32), n_words)
            state, pieces = model.step(coefficients, state, words)
            return state, count + sum(
                (piece.move != 0).astype(jnp.int32) for piece in pieces if isinstance(piece, Jump)
            )

        return jax.lax.fori_loop(0, n_steps, step, (state, jnp.zeros((1, n), jnp.int32)))

    state, count = run(jax.tree.map(jnp.asarray, model.init(n)))
    return (np.asarray(one)[0].astype(float) for one in (count, state.memory.intensity, state.memory.behind))


@pytest.mark.parametrize("model, t", [(MODEL, 7 * DAY), (BURST, DAY)], ids=["week", "burst"])
def test_number_of_jumps(model, t):
    """Mean, variance and the share without any, n = 2^17, 48 steps, seed 6; independent jumps are refused."""
    count, intensity, behind = counted(model, t, 48)
    mean, variance = model.count_moments(t)
    assert_mean(count, mean)
    assert_variance(count, variance)
    assert_proportion(int((count == 0).sum()), len(count), model.no_jump_probability(t))
    assert_rejected(assert_variance, count, mean)
    assert_rejected(assert_mean, count, 1.05 * mean)
    k = model.decay - model.excitation
    expected = model.mean_intensity + (model.start - model.mean_intensity) * np.exp(-k * t)
    assert_mean(intensity, expected)
    assert (behind > 0).mean() < 1e-4


def test_no_jump_is_lost():
    """One slot where often several jumps fall: the clock waits, and what is due comes in the next steps."""
    count, _, behind = counted(BURST, DAY, 400, slots=1)
    assert (behind > 0).mean() > 1e-3
    late = behind.mean() * DAY / 400 * BURST.mean_intensity * 10  # expected in what is left, at most
    assert_mean(count, BURST.count_moments(DAY)[0], slack=late)
    assert_proportion(int((count == 0).sum()), len(count), BURST.no_jump_probability(DAY), slack=late)


def test_moments_of_the_count_are_those_of_the_transform():
    """E[u^N] by the Riccati equation with jumps of one size and no diffusion to speak of: derivatives at 0."""
    t, tiny = 7 * DAY, 1e-3
    only = MODEL.model_copy(update={"sigma": 1e-9, "jump_mean": 1.0, "jump_std": 0.0, "compensated": False, "mu": 0.0})
    plus, minus = (complex(only.characteristic_function(np.asarray(s * tiny + 0j), t)) for s in (1, -1))
    mean, variance = MODEL.count_moments(t)
    assert (plus - minus).imag / (2 * tiny) == pytest.approx(mean, rel=1e-4)
    assert -(plus + minus - 2).real / tiny**2 - mean**2 == pytest.approx(variance, rel=1e-4)


@cache
def log_prices(model):
    """After 7 days in steps of 2 hours, float64, n = 2^17, seed 2."""
    return watch(model, horizons=["7D"], step="2h", n_paths=N, seed=2).end[0].astype(float)


@pytest.mark.parametrize("compensated", [True, False])
def test_law_of_the_price(compensated):
    model = MODEL.model_copy(update={"compensated": compensated})
    x = log_prices(model)
    for level in (0.85, 1.0):
        share = fourier_cdf(lambda u: model.characteristic_function(u, T), np.log(level), 300.0)
        assert_proportion(int((x <= np.log(level)).sum()), N, share)
    growth = complex(model.characteristic_function(np.asarray(-1j), T)).real
    assert_mean(np.exp(x), growth)
    assert (growth == pytest.approx(np.exp(0.3 * T), rel=1e-9)) == compensated
    if not compensated:
        assert_rejected(assert_mean, np.exp(x), np.exp(0.3 * T))


def test_without_excitation_it_is_merton():
    calm = MODEL.model_copy(update={"excitation": 0.0, "initial_intensity": None})
    merton = Merton(sigma=0.5, jump_intensity=20.0, jump_mean=-0.01, jump_std=0.03, mu=0.3)
    u = np.array([0.5, 3.0, 20.0 - 0.5j, -1j])
    np.testing.assert_allclose(calm.characteristic_function(u, T), merton.characteristic_function(u, T), rtol=1e-8)
    assert calm.count_moments(T) == pytest.approx((20 * T, 20 * T))


def test_start():
    assert MODEL.model_copy(update={"initial_intensity": None}).start == MODEL.mean_intensity == pytest.approx(50)
    assert MODEL.start == 30


@pytest.mark.parametrize(
    "wrong, words",
    [
        ({"excitation": 200.0}, "excitation must be below decay"),
        ({"initial_intensity": 19.0}, "at least base_intensity"),
        ({"base_intensity": 0.0}, "base_intensity"),
        ({"compensated": 1.0}, "compensated"),
    ],
)
def test_refused(wrong, words):
    with pytest.raises(ValidationError, match=words):
        Hawkes(**{**dict(MODEL), **wrong})
