"""Regime switching against its matrix exponential, the laws of its chain, and its limits without switches."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.closed_forms import DAY
from helpers.statistics import assert_mean, assert_proportion, assert_rejected
from helpers.watch import watch
from pydantic import ValidationError
from scipy import stats
from scipy.linalg import expm

from stresslab import random
from stresslab.models import GBM, Merton, RegimeSwitching
from stresslab.models.base import Diffusion
from stresslab.numerics import fourier_call, fourier_cdf

PLAIN = RegimeSwitching(
    sigmas=(0.4, 0.8, 1.5),
    generator=((-14.0, 12.0, 2.0), (30.0, -50.0, 20.0), (10.0, 60.0, -70.0)),
    initial_state=(0.7, 0.2, 0.1),
    mus=(0.5, 0.0, -1.0),
    mu=0.3,
)
JUMPS = {"jump_intensities": (5.0, 20.0, 80.0), "jump_means": (0.0, -0.02, -0.03), "jump_stds": (0.03, 0.04, 0.05)}
JUMPY = PLAIN.model_copy(update=JUMPS | {"mus": None})
MODELS = {"plain": PLAIN, "jumps": JUMPY}
N, T = 1 << 17, 7 * DAY


@cache
def log_prices(model, seed=1):
    """After 7 days in steps of 4 hours, float64, n = 2^17."""
    return watch(model, horizons=["7D"], step="4h", n_paths=N, seed=seed).end[0].astype(float)


@cache
def chain(model, n_steps, dt=4 / 8760, n=1 << 16):
    """States of n paths after n_steps steps and at the start, seed 3."""
    path, coefficients = np.arange(n, dtype=np.uint32)[None], model.coefficients(dt)
    start = model.draw(coefficients, jax.tree.map(jnp.asarray, model.init(n)), random.key(3), path)

    @jax.jit
    def run(state):
        def step(number, state):
            words = random.words(random.key(3), path, number.astype(jnp.uint32), model.layout(dt).n_words)
            return model.step(coefficients, state, words)[0]

        return jax.lax.fori_loop(0, n_steps, step, state)

    return np.asarray(start.memory)[0], np.asarray(run(start).memory)[0]


def test_the_chain():
    """Shares of the states at the start and after 60 steps, given each first state: n = 2^16, seed 3."""
    first, last = chain(PLAIN, 60)
    for state, share in enumerate(PLAIN.initial_state):
        assert_proportion(int((first == state).sum()), len(first), share)
    transition = expm(np.array(PLAIN.generator) * 60 * 4 / 8760)
    for start in range(3):
        after = last[first == start]
        for end in range(3):
            assert_proportion(int((after == end).sum()), len(after), transition[start, end])
    assert_rejected(assert_proportion, int((last[first == 0] == 1).sum()), int((first == 0).sum()), transition[0, 2])


def test_switches_inside_a_step():
    """The variance that a step integrates is that of the chain's occupation: mean over paths, n = 2^18, seed 4."""
    n, dt = 1 << 18, 4 / 8760
    model = PLAIN.model_copy(update={"initial_state": 0})
    words = random.words(random.key(4), np.arange(n, dtype=np.uint32)[None], np.uint32(0), model.layout(dt).n_words)
    _, pieces = jax.jit(model.step)(model.coefficients(dt), model.init(n), words)
    assert all(isinstance(piece, Diffusion) for piece in pieces)
    total = np.sum([np.asarray(piece.variance, float) for piece in pieces], axis=0)[0]
    times = (np.arange(2000) + 0.5) / 2000 * dt
    squares = np.array(model.sigmas) ** 2
    expected = np.mean([(expm(np.array(model.generator) * t) @ squares)[0] for t in times]) * dt
    assert_mean(total, expected)
    assert_rejected(assert_mean, total, squares[0] * dt)


@pytest.mark.parametrize("name", MODELS)
def test_law_of_the_price(name):
    """Shares, calls and growth against the matrix exponential, n = 2^17, seed 1."""
    model, x = MODELS[name], log_prices(MODELS[name])

    def law(u):
        return model.characteristic_function(u, T)

    for level in (0.85, 1.0, 1.1):
        assert_proportion(int((x <= np.log(level)).sum()), N, fourier_cdf(law, np.log(level)))
        assert_mean(np.maximum(np.exp(x) - level, 0), fourier_call(law, level))
    assert_mean(np.exp(x), complex(law(np.asarray(-1j))).real)


def test_the_first_state_is_seen():
    """A path that starts in the wildest state is refused as one that starts in the calmest."""
    calm = PLAIN.model_copy(update={"initial_state": 0})
    share = fourier_cdf(lambda u: calm.characteristic_function(u, T), np.log(0.85))
    assert_rejected(assert_proportion, int((log_prices(PLAIN) <= np.log(0.85)).sum()), N, share)


def test_equal_states_are_one():
    """Two states of one volatility: geometric Brownian motion; of one jump law: Merton."""
    two = {"generator": ((-20.0, 20.0), (30.0, -30.0)), "initial_state": 1, "mu": 0.3}
    u = np.array([0.5, 3.0, 20.0 - 0.5j, -1j])
    plain = RegimeSwitching(sigmas=(0.6, 0.6), **two)
    np.testing.assert_allclose(
        plain.characteristic_function(u, T), GBM(sigma=0.6, mu=0.3).characteristic_function(u, T), rtol=1e-10
    )
    jumpy = RegimeSwitching(
        sigmas=(0.6, 0.6), jump_intensities=(25.0, 25.0), jump_means=(-0.05, -0.05), jump_stds=(0.08, 0.08), **two
    )
    merton = Merton(sigma=0.6, jump_intensity=25.0, jump_mean=-0.05, jump_std=0.08, mu=0.3)
    np.testing.assert_allclose(jumpy.characteristic_function(u, T), merton.characteristic_function(u, T), rtol=1e-10)


def test_a_state_that_is_never_left():
    still = RegimeSwitching(sigmas=(0.6,), generator=((0.0,),), initial_state=0)
    assert still.longest_step == np.inf
    first, last = chain(still, 4, n=64)
    assert np.all(first == 0) and np.all(last == 0)


def test_slots():
    assert JUMPY.longest_step == pytest.approx(0.095 / 150)
    for dt in (1e-6, 1 / 35040, JUMPY.longest_step):
        layout = JUMPY.layout(dt)
        assert stats.poisson.sf(layout.jumps, 150 * dt) < 1e-9
    assert PLAIN.layout(1e-4).jumps == 0  # a switch is no jump


WRONG = [
    ({"generator": ((-14.0, 12.0, 2.0), (30.0, -50.0, 20.0), (10.0, 50.0, -70.0))}, "row 2 sums to -10, not 0"),
    ({"generator": ((14.0, -12.0, -2.0), (30.0, -50.0, 20.0), (10.0, 60.0, -70.0))}, "from state 0 to 1 is -12, below"),
    ({"generator": ((-14.0, 14.0), (30.0, -30.0))}, "sigmas has 3 states, generator has 2"),
    ({"generator": ((-14.0, 14.0), (30.0, -30.0), (1.0, -1.0))}, "3 rows of 3 rates"),
    ({"sigmas": (0.4, 0.0, 1.5)}, "sigmas"),
    ({"initial_state": 3}, "one of the states 0 .. 2"),
    ({"initial_state": -1}, "one of the states 0 .. 2"),
    ({"initial_state": (0.7, 0.2)}, "3 probabilities"),
    ({"initial_state": (0.7, 0.2, 0.2)}, "sum to 1"),
    ({"mus": (0.1,)}, "mus has 1"),
    ({"jump_means": (0.0, 0.0, 0.0)}, "come together"),
]


@pytest.mark.parametrize("wrong, words", WRONG)
def test_refused(wrong, words):
    with pytest.raises(ValidationError, match=words):
        RegimeSwitching(**{**dict(PLAIN), **wrong})


def test_lists_are_as_good_as_tuples():
    """As YAML has them; five digits of a row need not sum to 0 exactly."""
    listed = RegimeSwitching(sigmas=[0.4, 1.5], generator=[[-12.0, 12.0001], [40, -40]], initial_state=[0.5, 0.5])
    assert listed.sigmas == (0.4, 1.5)
    assert np.all(listed.rates.sum(axis=1) == 0)
