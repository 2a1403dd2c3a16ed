"""A recorded bar played step by step.

    with high and low:  the log price runs straight from the close before to the first extreme, on to the second and to
                        the close: low first where the bar closed at or above its open, else high first
    closes only:        a Brownian bridge with the bar's variance, pinned at the recorded close

A bar is n steps. In the first case a step is three pieces without variance, so that the lowest and highest price of the
bar are those that were recorded, whatever n is; their order is a rule, not a fact. A gap between a close and the next
open is run through, not jumped over.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab.models.base import Diffusion, Layout
from stresslab.models.history import History
from stresslab.random import normal


class Legs(NamedTuple):
    """Moves between the corners of each recorded bar, float32 (bar,)."""

    to_first: np.ndarray
    to_second: np.ndarray
    to_close: np.ndarray


class Closes(NamedTuple):
    """Of each bar its log return, and the variance of the bridge to it, float32 (bar,)."""

    move: np.ndarray
    variance: np.ndarray


Tables = Legs | Closes


def tables(
    history: History, mean: float = 0.0, variance: np.ndarray | None = None, deviation: np.ndarray | None = None
) -> Tables:
    """The bars of a history in units of `deviation`, with `mean` taken from their closes then; `variance` of each bar
    where only closes are known.
    """
    rows = history.rows if deviation is None else history.rows / deviation[:, None]
    if not history.has_range:
        spread = rows[:, 0] ** 2 if variance is None else variance
        return Closes((rows[:, 0] - mean).astype(np.float32), spread.astype(np.float32))
    start, high, low, close = rows.T
    rising = close >= start
    first, second = np.where(rising, low, high), np.where(rising, high, low)
    return Legs(*(leg.astype(np.float32) for leg in (first, second - first, close - mean - second)))


def layout(history: History, others: int = 0) -> Layout:
    """What a step of a recorded bar consumes, besides `others` words."""
    if history.has_range:
        return Layout(normals=0, others=others, diffusions=3)
    return Layout(normals=1, others=others)


def pieces(
    played: Tables, bar: Array, scale: Any, drift: Any, at: Array, n: Array, left: Array, words: tuple[Array, ...]
) -> tuple[tuple[Diffusion, ...], Array]:
    """The pieces of step `at` (0 .. n - 1) of a bar, and what is left of the bar's move after it.

    `bar` and `scale` are of shape (asset, path), `drift` is added to the move of a step.
    """
    if isinstance(played, Closes):
        here = jnp.where(at == 0, scale * _at(played.move, bar), left)
        steps = (n - at).astype(jnp.float32)
        variance = scale * scale * _at(played.variance, bar) / n.astype(jnp.float32)
        spread = jnp.sqrt(variance * ((steps - np.float32(1)) / steps))
        move = here / steps + spread * normal(words[0])
        return (Diffusion(move + drift, variance),), here - move
    legs = [scale * _at(leg, bar) for leg in played]
    third = drift * np.float32(1 / 3)
    reached = [(np.uint32(3) * at + np.uint32(k)).astype(jnp.float32) / n.astype(jnp.float32) for k in range(4)]
    found = []
    for since, until in zip(reached, reached[1:], strict=False):
        parts = [leg * (_within(until - np.float32(k)) - _within(since - np.float32(k))) for k, leg in enumerate(legs)]
        found.append(Diffusion(parts[0] + parts[1] + parts[2] + third, np.float32(0)))
    return tuple(found), left


def _within(x: Array) -> Array:
    return jnp.clip(x, np.float32(0), np.float32(1))


def _at(table: np.ndarray, bar: Array) -> Array:
    return jnp.take(table, bar, mode="clip")
