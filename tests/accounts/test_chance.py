"""Hazards against closed forms, on words of their own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stresslab.accounts.conditions import Outage, VenueDefault
from stresslab.accounts.conditions.hazard import Hazard, of_year
from stresslab.accounts.conditions.spells import SpellNumbers
from stresslab.accounts.conditions.venue_default import DefaultNumbers

PATHS, STEPS = 40_000, 60
RATE = 0.03  # per step


def lived(condition, numbers, variance=1.0, seed=11):
    """The share of paths on which it is on, at the beginning of each step."""
    rng = np.random.default_rng(seed)
    words = rng.integers(0, 2**32, (STEPS, condition.words, 1, PATHS), dtype=np.uint32)
    price, level = jnp.ones((1, PATHS), jnp.float32), jnp.full((1, 1), variance, jnp.float32)
    own = jax.tree.map(np.float32, numbers)

    def step(memory, drawn):
        memory = condition.step(own, memory, tuple(drawn), price, level, jnp.int32(0))
        return memory, jnp.mean(~condition.effect(own, memory).can_act)

    return np.asarray(jax.lax.scan(step, condition.start(own, price), words)[1], float)


def assert_shares(found, expected, z=5.0):
    """At every step; the shares of one step are binomial, n = 40,000."""
    error = np.sqrt(np.maximum(expected * (1 - expected), 1 / PATHS) / PATHS)
    assert np.all(np.abs(found - expected) <= z * error)


def assert_not_shares(found, expected):
    with pytest.raises(AssertionError):
        assert_shares(found, expected)


def hazard(rate=RATE, power=0.0):
    return Hazard(rate, power, 1.0)


def test_default_comes_by_the_exponential_law():
    """P(by the beginning of step k) = 1 - e^(-h (k + 1)); the twin has 5 % more."""
    found = lived(VenueDefault(), DefaultNumbers(hazard(), 0.5))
    k = np.arange(1, STEPS + 1)
    assert_shares(found, 1 - np.exp(-RATE * k))
    assert_not_shares(found, 1 - np.exp(-1.05 * RATE * k))


def test_the_rate_follows_a_power_of_the_variance():
    """Four times the variance to the power of 1/2 doubles the rate."""
    found = lived(VenueDefault(), DefaultNumbers(hazard(RATE / 2, 0.5), 0.5), variance=4.0)
    k = np.arange(1, STEPS + 1)
    assert_shares(found, 1 - np.exp(-RATE * k))
    assert_not_shares(found, 1 - np.exp(-1.05 * RATE * k))


def test_a_small_rate_is_not_rounded_away():
    """1e-5 per step, 4 million draws: 40 expected, standard error 6.3; the twin has twice the rate."""
    words = np.random.default_rng(3).integers(0, 2**32, 4_000_000, dtype=np.uint32)
    condition, price = VenueDefault(), jnp.ones((1, words.size), jnp.float32)
    numbers = jax.tree.map(np.float32, DefaultNumbers(hazard(1e-5), 0.5))
    memory = condition.step(
        numbers, condition.start(numbers, price), (words[None],), price, jnp.ones((1, 1), jnp.float32), jnp.int32(0)
    )
    hits = int(np.asarray(memory.now).sum())
    assert abs(hits - 40) <= 5 * np.sqrt(40)
    assert abs(hits - 80) > 5 * np.sqrt(40)


def test_outages_of_exponential_length_are_a_chain_of_two_states():
    """Down at t: h m / (1 + h m) (1 - e^(-(h + 1/m) t)), m = 4.5 steps. Two spells in a step are not seen: (h dt)^2."""
    mean = 4.5
    found = lived(Outage("exponential"), SpellNumbers(hazard(), mean))
    t = np.arange(STEPS)
    share = RATE * mean / (1 + RATE * mean)
    assert_shares(found, share * (1 - np.exp(-(RATE + 1 / mean) * t)))
    assert_not_shares(found, 1.06 * share * (1 - np.exp(-(RATE + 1 / mean) * t)))


def test_outages_of_fixed_length_are_a_counter_of_the_second_kind():
    """Up at t: sum over k of e^(-h s) (h s)^k / k!, s = t - k d > 0: k outages are over and none has begun since."""
    length = 4.5
    found = lived(Outage("fixed"), SpellNumbers(hazard(), length))
    assert_shares(found, down(RATE, length))
    assert_not_shares(found, down(1.05 * RATE, length))


def down(rate, length):
    up = np.zeros(STEPS)
    factorial = 1.0
    for k in range(STEPS):
        factorial *= max(k, 1)
        left = np.arange(STEPS) - k * length
        if not (left >= 0).any():
            break
        up += np.where(left >= 0, np.exp(-rate * left) * (rate * np.maximum(left, 0)) ** k / factorial, 0)
    return 1 - up


def test_outages_shorter_than_a_step_take_their_share_of_the_time():
    """Length 0.3 steps: down at the beginning of a step with h d of it, to first order; h = 0.03 leaves 1e-4."""
    found = lived(Outage("fixed"), SpellNumbers(hazard(), 0.3)).mean()
    error = np.sqrt(0.009 / PATHS / (STEPS - 1))
    assert abs(found * STEPS / (STEPS - 1) - 0.009) < 5 * error + 1e-4
    assert abs(found * STEPS / (STEPS - 1) - 0.010) > 5 * error + 1e-4


def test_a_rate_per_year_in_steps():
    assert of_year(8760.0, 0.5, 0.64, 1 / 8760) == pytest.approx((1.0, 0.5, 0.64))
