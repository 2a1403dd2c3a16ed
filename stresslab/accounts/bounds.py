"""What price bands do to orders: how much of one is filled, and whether anything is."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab.accounts.conditions.base import Bounds, Effect


def share(effect: Effect, asset: int, change: Array, price: Array, fill: Array) -> Array:
    """The part of a market order that is filled at this last price; all of it would fill at `fill` on average."""
    part: Array = jnp.ones_like(change)
    for bounds in effect.bounds:
        if bounds.asset == asset:
            low, high = _ends(effect, bounds, price)
            room = jnp.where(change > np.float32(0), high - price, price - low)
            lost = jnp.abs(fill - price)
            reach = jnp.clip(room / jnp.maximum(lost, np.float32(1e-30)), np.float32(0), np.float32(1))
            beyond = reach if bounds.in_part else np.float32(0)
            part = part * jnp.where(room >= lost, np.float32(1), beyond)
    return part


def is_inside(effect: Effect, asset: int, price: Array) -> Array:
    """Whether anything is traded at this last price."""
    inside: Any = np.True_
    for bounds in effect.bounds:
        if bounds.asset == asset:
            low, high = _ends(effect, bounds, price)
            inside = inside & (price >= low) & (price <= high)
    return jnp.asarray(inside)


def _ends(effect: Effect, bounds: Bounds, price: Array) -> tuple[Array, Array]:
    """The band, in last prices."""
    if bounds.of == "session":
        return bounds.low, bounds.high
    centre = price
    for factor in effect.last:
        centre = centre / factor.value if factor.asset == bounds.asset else centre
    if bounds.of == "mark":
        for held in effect.held:
            centre = jnp.where(held.is_held, held.price, centre) if held.asset == bounds.asset else centre
        for factor in effect.mark:
            centre = centre * factor.value if factor.asset == bounds.asset else centre
    if bounds.of == "premium":
        away, one = price / centre - np.float32(1), np.float32(1)
        high = jnp.minimum(jnp.maximum(one, bounds.high + away), one + bounds.hard)
        low = jnp.maximum(jnp.minimum(one, bounds.low + away), one - bounds.hard)
        return centre * low, centre * high
    return centre * bounds.low, centre * bounds.high
