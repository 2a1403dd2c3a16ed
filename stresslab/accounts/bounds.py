"""What price bands do to orders: how much of one is filled, and whether anything is."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab.accounts import quotes
from stresslab.accounts.conditions.base import Bounds, Effect
from stresslab.accounts.point import Prices


def share(effect: Effect, asset: int, prices: Prices, change: Array, lost: Array) -> Array:
    """The part of a market order that is filled where the index is `prices`; `lost` is the slippage of all of it.

    Its last price is inside the band as long as price (1 +- lost) is.
    """
    part: Array = jnp.ones_like(change)
    for bounds in effect.bounds:
        if bounds.asset == asset:
            low, high = _ends(effect, bounds, prices)
            price = quotes.last(effect, prices)[asset]
            room = jnp.where(change > np.float32(0), high / price - np.float32(1), np.float32(1) - low / price)
            reach = jnp.clip(room / jnp.maximum(lost, np.float32(1e-30)), np.float32(0), np.float32(1))
            whole = (room >= lost).astype(part.dtype)
            part = part * (jnp.where(room >= lost, np.float32(1), reach) if bounds.in_part else whole)
    return part


def is_inside(effect: Effect, asset: int, prices: Prices) -> Array:
    """Whether anything is traded at these indices."""
    inside: Any = np.True_
    for bounds in effect.bounds:
        if bounds.asset == asset:
            low, high = _ends(effect, bounds, prices)
            price = quotes.last(effect, prices)[asset]
            inside = inside & (price >= low) & (price <= high)
    return jnp.asarray(inside)


def _ends(effect: Effect, bounds: Bounds, prices: Prices) -> tuple[Array, Array]:
    if bounds.of == "session":
        return bounds.low, bounds.high
    centre = quotes.mark(effect, prices)[bounds.asset] if bounds.of == "mark" else prices[bounds.asset]
    return centre * bounds.low, centre * bounds.high
