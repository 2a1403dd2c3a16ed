"""A fraction of what is large first, and after a cooldown the rest (Hyperliquid: 20 % above 100k, then 30 s).

    large (notional above a bound)    first order: a fraction;  in the cooldown: nothing;  at its end: all
    not large                         all at once

The cooldown is a number of steps, rounded up: with steps of a minute 30 s are one minute. A breach that comes later
than the end of the cooldown begins anew. Hyperliquid's docs of 2025 read that orders inside the cooldown take the
whole position and a fraction again after it; `all_in_cooldown` is that reading. Source: Hyperliquid docs, liquidations.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab.accounts.closing import Standing
from stresslab.accounts.contracts import quote_notional
from stresslab.accounts.liquidation import Asked
from stresslab.accounts.point import leg_price
from stresslab.books.outcome import NEVER


class CloseFractionNumbers(NamedTuple):
    """(book,)."""

    fraction: Any
    above_notional: Any  # in the quote notional of a leg of size 1 at as_of
    cooldown: Any  # int32, steps, rounded up


@dataclass(frozen=True)
class CloseFraction:
    """The choice between two readings of the rule."""

    all_in_cooldown: bool = False

    def start(self, numbers: CloseFractionNumbers, nothing: Array) -> Array:
        """The step of the last fraction."""
        return jnp.full(nothing.shape, NEVER)

    def ask(self, numbers: CloseFractionNumbers, memory: Array, standing: Standing) -> tuple[Asked, Array]:
        """Each leg by its own notional."""
        form, own, holding, at, _, _ = standing
        since, cooldown = at.step - memory, numbers.cooldown[:, None]
        waits = (memory > NEVER) & (since < cooldown)
        anew = ~waits if self.all_in_cooldown else (memory == NEVER) | (since > cooldown)
        large = [
            jnp.abs(size) * quote_notional(leg.contract, leg_price(leg, one, at)) > numbers.above_notional[:, None]
            for leg, one, size in zip(form.legs, own.legs, holding.sizes, strict=True)
        ]
        first = jnp.where(anew, numbers.fraction[:, None], np.float32(0))
        shares = tuple(jnp.where(one, first, np.float32(1)) for one in large)
        applies = jnp.any(jnp.stack(large), axis=0) & (anew if self.all_in_cooldown else anew | waits)
        return Asked(applies, shares), jnp.where(anew, at.step, memory)
