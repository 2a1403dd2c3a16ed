"""The market at an instant, as accounts are valued in it."""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array

from stresslab.accounts.contracts import OPTIONS
from stresslab.accounts.form import Leg, LegNumbers
from stresslab.accounts.option_legs import gained, row

Prices = tuple[Array, ...]  # of each asset, (book, path) or (1, path), relative to spot


class Point(NamedTuple):
    """Prices, and what else a value depends on."""

    prices: Prices
    variance: Any  # per year, (asset, path)
    step: Any  # int32, steps since as_of


def rows(price: Array) -> Prices:
    """The rows of (asset, path), (1, path) each."""
    return tuple(price[asset : asset + 1] for asset in range(price.shape[0]))


def spread_out(prices: Prices, like: Array) -> Prices:
    """The same prices for every book."""
    return tuple(jnp.broadcast_to(price, like.shape) for price in prices)


def leg_price(leg: Leg, numbers: LegNumbers, point: Point) -> Array:
    """What the leg trades at: the price of its asset, or of the future on it, whose basis falls to 0 at expiry; a book
    of options at what it has gained since as_of.
    """
    price = point.prices[leg.asset]
    if leg.contract in OPTIONS:
        return gained(leg, numbers.options, price, row(point.variance, leg.asset))
    if not leg.dated:
        return price
    left = jnp.maximum(numbers.expiry - point.step, 0).astype(price.dtype)
    return price * jnp.exp(numbers.basis * left)[:, None]
