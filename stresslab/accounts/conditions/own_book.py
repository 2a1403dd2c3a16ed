"""A venue that prices a collateral off its own book, where in stress it is worth less than elsewhere.

    price as margin = index (1 - discount),    discount = min(most, calm + slope max((v / v_0)^power - 1, 0))

v is the variance per year of the asset whose storm it is. The discount counts for the requirement, and where the venue
sells the collateral; wealth keeps the index. Only for assets that no position is on: their mark is this price.
Occasion: USDe at 0.65 on Binance alone, 2025-10-10 (VENUES section 12). The form is an assumption.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab.accounts.conditions.base import Effect, Factor


class OwnBookNumbers(NamedTuple):
    """Scalars."""

    calm: Any  # discount at the reference variance
    slope: Any
    power: Any
    variance: Any  # the reference, per year
    most: Any  # largest discount


@dataclass(frozen=True)
class OwnBook:
    """The form."""

    asset: int  # the collateral
    stressed_by: int = 0  # the asset whose variance counts

    @property
    def words(self) -> int:
        return 0

    @property
    def causes(self) -> tuple[int, ...]:
        return ()

    def start(self, numbers: OwnBookNumbers, price: Array) -> Array:
        return jnp.ones_like(price[:1]) - numbers.calm

    def step(
        self,
        numbers: OwnBookNumbers,
        memory: Array,
        words: tuple[Array, ...],
        price: Array,
        variance: Array,
        step: Array,
    ) -> Array:
        own = variance[self.stressed_by : self.stressed_by + 1]
        ratio = jnp.maximum(own / numbers.variance, np.float32(1e-12))
        rise = jnp.maximum(jnp.exp(numbers.power * jnp.log(ratio)) - np.float32(1), np.float32(0))
        discount = jnp.minimum(numbers.calm + numbers.slope * rise, numbers.most)
        return jnp.broadcast_to(np.float32(1) - discount, memory.shape)

    def effect(self, numbers: OwnBookNumbers, memory: Array) -> Effect:
        return Effect(mark=(Factor(self.asset, memory),))
