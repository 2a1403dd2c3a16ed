"""Bars drawn in blocks of random length: the stationary bootstrap.

A bar follows the one before it in the record with probability 1 - 1/b, else a new block begins anywhere: lengths are
geometric with mean b, and after the last bar comes the first. Politis and Romano (1994), "The stationary bootstrap".
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab.random import uniform

WORDS = 2


class Draw(NamedTuple):
    """Of the bars of a record: how many there are, and the probability that a block ends."""

    bars: np.ndarray  # int32
    ends: np.float32


class Memory(NamedTuple):
    """Steps since the start, the bar that is played, and what is left of its move."""

    clock: Any
    bar: Any
    left: Any


def draw_of(n_bars: int, block: float) -> Draw:
    """The draw for a mean length of `block` bars."""
    return Draw(np.asarray(n_bars, np.int32), np.float32(1 / block))


def begin(n_paths: int) -> Memory:
    """Nothing drawn yet."""
    return Memory(np.uint32(0), np.zeros((1, n_paths), np.int32), np.zeros((1, n_paths), np.float32))


def bar_now(draw: Draw, memory: Memory, at: Array, words: tuple[Array, ...]) -> Array:
    """The bar that is played in this step; `words` are two, of which the first says whether a block begins."""
    n = draw.bars
    anywhere = jnp.minimum((uniform(words[1]) * n.astype(jnp.float32)).astype(jnp.int32), n - np.int32(1))
    following = jnp.where(memory.bar + np.int32(1) < n, memory.bar + np.int32(1), np.int32(0))
    fresh = (uniform(words[0]) < draw.ends) | (memory.clock == 0)
    return jnp.where(at == 0, jnp.where(fresh, anywhere, following), memory.bar)
