"""A state of the venue that begins by chance and lasts for a time, drawn or fixed: down, stale.

An alternating renewal process in continuous time, looked at where steps begin: what is found there holds for the whole
step. It begins at the hazard of the step while it is not on, and lasts a fixed time or an exponential one. A spell
between two beginnings of steps is not seen; on average the time spent in it is right. Share of time on, constant rate h
and exponential durations of mean m: h m / (1 + h m) (1 - e^(-(h + 1/m) t)).
"""

from typing import Any, Literal, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab import random
from stresslab.accounts.conditions.hazard import Hazard, rate

Lasting = Literal["fixed", "exponential"]


class SpellNumbers(NamedTuple):
    """How often, and for how long."""

    hazard: Hazard
    steps: Any  # duration, or its mean, in steps; need not be whole


class Spell(NamedTuple):
    """Where it stands, (1, path)."""

    is_on: Array  # in this step
    left: Array  # steps that it lasts from the beginning of the next step on; 0 where it is not on then


def numbers(hazard: Hazard, seconds: float, step_seconds: float) -> SpellNumbers:
    """From a duration, or its mean, in seconds."""
    return SpellNumbers(hazard, np.float64(seconds / step_seconds))


def n_words(lasting: Lasting) -> int:
    """Words that a step takes."""
    return 2 if lasting == "exponential" else 1


def begin(like: Array) -> Spell:
    """Not on at as_of."""
    return Spell(jnp.zeros(like.shape, bool), jnp.zeros_like(like))


def advance(lasting: Lasting, numbers: SpellNumbers, before: Spell, words: tuple[Array, ...], variance: Array) -> Spell:
    """The spell in the step that begins now, and where it stands when that is over."""
    free_from = jnp.minimum(before.left, np.float32(1))
    expected = rate(numbers.hazard, variance)
    drawn = random.uniform(words[0])
    begins = drawn < -jnp.expm1(-expected * (np.float32(1) - free_from))
    at = free_from - jnp.log1p(-jnp.where(begins, drawn, np.float32(0))) / jnp.maximum(expected, np.float32(1e-30))
    lasts = numbers.steps * random.exponential(words[1]) if lasting == "exponential" else numbers.steps
    begun = jnp.where(begins, jnp.maximum(at + lasts - np.float32(1), np.float32(0)), np.float32(0))
    is_on = before.left > np.float32(0)
    return Spell(is_on, jnp.where(before.left >= np.float32(1), before.left - np.float32(1), begun))
