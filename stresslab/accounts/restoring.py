"""The share of an account that just restores its margin: the least x at which closing x of every leg is enough.

    excess(x) = equity - costs(x) - requirement((1 - x) sizes) - buffer * notional((1 - x) sizes) = 0

Costs are fees, slippage and impact, as the close-out itself takes them. With tiers like a tax, a rate that grows with
the size, and impact that grows with the order, the excess is concave in x: Newton's method from 0 comes to the root
from below, over straight tiers in as many turns as there are tiers on the way, at most five. Where no share is enough
the answer is 1. With flat tiers the requirement falls at a cap; the share found is enough, not always the least. One
leg, one tier, no slippage: x = shortage / (N (mmr + buffer - fees)), Drift's and Binance's formula
(`venues.partial.size_to_cover`).
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from stresslab.accounts.closing import Standing, excess_after
from stresslab.accounts.contracts import notional
from stresslab.accounts.point import leg_price

_ROUNDS = 5
_FIRST = 1e-6  # at 0 an order has no side, and the derivative of its fees is none


def restoring_share(standing: Standing, buffer: Any = None) -> Array:
    """Of all legs alike, 0 to 1; `buffer` (book,) is added to the rate that has to be met."""

    def spare(share: Array) -> Array:
        shares = tuple(share for _ in standing.form.legs)
        left = excess_after(standing, shares)
        if buffer is None:
            return left
        return left - buffer[:, None] * (np.float32(1) - share) * _notional(standing)

    def closer(turn: Any, share: Array) -> Array:
        value, slope = jax.jvp(spare, (share,), (jnp.ones_like(share),))
        # nothing is gained where fees eat what is freed
        step = jnp.where(slope > np.float32(0), jnp.maximum(-value / slope, np.float32(0)), np.float32(1))
        # who is asked is in breach: at the level itself the sign of what is spare is rounding
        is_short = (value < np.float32(0)) | (turn == 0)
        return jnp.where(is_short, jnp.minimum(share + step, np.float32(1)), share)

    # a loop: written out, XLA's CPU compiler would work out every round anew in all that follow it
    return lax.fori_loop(0, _ROUNDS, closer, jnp.full_like(standing.holding.balance, _FIRST))


def _notional(standing: Standing) -> Array:
    held = [
        jnp.abs(size) * notional(leg.contract, leg_price(leg, own, standing.at))
        for leg, own, size in zip(standing.form.legs, standing.numbers.legs, standing.holding.sizes, strict=True)
    ]
    return functools.reduce(jnp.add, held)
