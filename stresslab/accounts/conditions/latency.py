"""Latency: market and forced orders are filled some seconds later, and later still in a storm.

    delay   = min(longest, delay_0 (variance now / variance_0)^b)
    fill    = price exp(s z - s^2 / 2),  s = sqrt(variance now * delay)        E[fill] = price

One normal z for all assets and orders of a step, in words of its own: they do not move the path, and antithetic paths
share them. That the path later knows nothing of z is the approximation: the fill is noise around the price at the
trigger. Books of options are not moved by it. Figures are assumptions: order entry took seconds to minutes at venues
under load in March 2020 and October 2025.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab import random
from stresslab.accounts.conditions.base import Effect


class LatencyNumbers(NamedTuple):
    """Scalars."""

    delay: Any  # years, in a calm market
    calm_variance: Any  # per year
    power: Any  # b; 0: always the same
    longest: Any  # years


@dataclass(frozen=True)
class Latency:
    """No choices."""

    @property
    def words(self) -> int:
        """One for the normal."""
        return 1

    @property
    def causes(self) -> tuple[int, ...]:
        """None of its own."""
        return ()

    def start(self, numbers: LatencyNumbers, price: Array) -> Array:
        """The factor on fills."""
        return jnp.ones_like(price)

    def step(
        self,
        numbers: LatencyNumbers,
        memory: Array,
        words: tuple[Array, ...],
        price: Array,
        variance: Array,
        step: Array,
    ) -> Array:
        """A new factor for each asset."""
        stress = jnp.maximum(variance / numbers.calm_variance, np.float32(1e-12))
        longer = jnp.exp(numbers.power * jnp.log(stress))
        moved = variance * jnp.minimum(numbers.delay * longer, numbers.longest)
        factor = jnp.exp(jnp.sqrt(moved) * random.normal(words[0]) - np.float32(0.5) * moved)
        return jnp.broadcast_to(factor, price.shape)

    def effect(self, numbers: LatencyNumbers, memory: Array) -> Effect:
        """All fills of the step."""
        return Effect(late=(memory,))
