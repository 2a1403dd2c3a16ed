"""Poisson jumps inside a step of the scheme: how many there are, when they happen, and what lies between them.

The number of jumps in a step is Poisson(lambda dt), their times are uniform order statistics, and the diffusion is cut
at them, so that a bridge never runs across a jump. `MOST_SLOTS` hold them all but once in 10^9 steps; longer steps are
cut. Jump sizes are in log price, times are fractions of the step.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from scipy import stats

from stresslab.errors import require
from stresslab.models.base import Diffusion, Jump, Piece
from stresslab.numerics import poisson_slots
from stresslab.random import normal, uniform

MOST_SLOTS, MOST_JUMPS_EXPECTED = 3, 0.0124  # P(Poisson(0.0124) > 3) < 1e-9
MOST_JUMP_GROWTH = 20.0  # of log E[e^J]


class Arrivals(NamedTuple):
    """Which slots hold a jump, the first ones first, and when: 1 where there is none."""

    happens: list[Array]
    times: list[Any]

    @property
    def ends(self) -> list[Any]:
        """Where each span between jumps ends; the last one at the end of the step."""
        return [*self.times, np.float32(1)]


def longest_step(intensity: float) -> float:
    """In years: so few jumps that more than `MOST_SLOTS` of them are rarer than 1e-9."""
    return MOST_JUMPS_EXPECTED / intensity if intensity > 0 else math.inf


def slots(expected: float) -> int:
    """Slots for the jumps of a step in which so many are expected."""
    return poisson_slots(expected, MOST_SLOTS)


def at_least(expected: float) -> np.ndarray:
    """P(at least k jumps) for k = 1 .. slots, float32."""
    return stats.poisson.sf(np.arange(slots(expected)), expected).astype(np.float32)


def arrivals(at_least: np.ndarray, count_word: Array, time_words: Sequence[Array]) -> Arrivals:
    """Number and times of the jumps of a step, a word for each slot and one more."""
    count = uniform(count_word)
    happens = [count < probability for probability in at_least]
    times = [jnp.where(h, uniform(w), np.float32(1)) for h, w in zip(happens, time_words, strict=True)]
    return Arrivals(happens, _ascending(times))


def brownian(drift: np.float32, variance: np.float32, ends: Sequence[Any], words: Sequence[Array]) -> list[Diffusion]:
    """Brownian motion of so much drift and variance in a step, cut where `ends` say."""
    since: Any = np.float32(0)
    pieces = []
    for until, word in zip(ends, words, strict=True):
        span, part = until - since, variance * (until - since)
        pieces.append(Diffusion(drift * span + jnp.sqrt(part) * normal(word), part))
        since = until
    return pieces


def split(move: Array, variances: Array, words: Sequence[Array]) -> list[Diffusion]:
    """A move that is known cut into parts of these variances, shape (part, asset, path), by a Brownian bridge: a word
    for each cut.
    """

    def cut(rest: tuple[Array, Array], given: tuple[Array, Array]) -> tuple[tuple[Array, Array], Array]:
        part, word = given
        after = jnp.maximum(rest[1] - part, np.float32(0))
        share = part / jnp.maximum(part + after, np.float32(1e-30))
        here = share * rest[0] + jnp.sqrt(after * share) * normal(word)
        return (rest[0] - here, after), here

    # loops, though they are short: unrolled, XLA works out all that leads to the move anew for each piece
    (last, _), parts = lax.scan(cut, (move, variances.sum(axis=0)), (variances[:-1], jnp.stack(words)))
    return [Diffusion(here, variances[n]) for n, here in enumerate([*parts, last])]


def alternating(diffusions: Sequence[Diffusion], happens: Sequence[Array], sizes: Sequence[Array]) -> tuple[Piece, ...]:
    """Diffusion, jump, diffusion, ... in time order; a slot that is not used jumps by 0."""
    pieces: list[Piece] = [diffusions[0]]
    for diffusion, happened, size in zip(diffusions[1:], happens, sizes, strict=True):
        pieces += [Jump(jnp.where(happened, size, np.float32(0))), diffusion]
    return tuple(pieces)


def check_normal(mean: float, std: float, names: tuple[str, str] = ("jump_mean", "jump_std")) -> None:
    """InputError for normal jumps that multiply E[price] by an implausible factor."""
    name, got = (names[0], mean) if mean > std**2 / 2 else (names[1], std)
    rule = f"a jump multiplies E[price] by exp({mean + std**2 / 2:.3g}), the limit is exp({MOST_JUMP_GROWTH:g})"
    hint = f"Jump sizes are in log price: write {name} as a fraction, such as 0.05"
    require(mean + std**2 / 2 <= MOST_JUMP_GROWTH, rule, key=name, got=got, hint=hint)


def normal_growth(mean: float, std: float) -> float:
    """E[e^J] - 1 of normal jumps."""
    return float(np.expm1(mean + std**2 / 2))


def normal_transform(u: np.ndarray, mean: float, std: float) -> np.ndarray:
    """E[e^(iuJ)] of normal jumps."""
    return np.exp(1j * u * mean - u * u * std**2 / 2)


def _ascending(values: list[Array]) -> list[Array]:
    """Odd-even transposition: as many rounds as there are values."""
    for turn in range(len(values)):
        for low in range(turn % 2, len(values) - 1, 2):
            values[low], values[low + 1] = (
                jnp.minimum(values[low], values[low + 1]),
                jnp.maximum(values[low], values[low + 1]),
            )
    return values
