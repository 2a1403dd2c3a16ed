"""What one unit of a position gains and weighs, as a function of the price relative to spot.

    linear   gain = p - 1      notional = p     settled in quote currency, unit: quantity * spot
    quanto   gain = p - 1      notional = p     settled in coin at a fixed rate, unit: quantity * multiplier * spot
    inverse  gain = 1 - 1/p    notional = 1/p   settled in coin, unit: face / spot
    option, inverse_option     gain = p         notional = 1     a book of options, see `option_legs`

Gains are counted from as_of, so that a balance is the equity at as_of. Every gain rises with the price. Source: BitMEX
and Binance COIN-M on inverse contracts, PnL = Q (1/EP - 1/P).
"""

from typing import Literal

import jax.numpy as jnp
import numpy as np
from jax import Array

Contract = Literal["linear", "inverse", "quanto", "option", "inverse_option"]
OPTIONS = ("option", "inverse_option")


def gain(contract: Contract, price: Array) -> Array:
    """What one unit has gained since as_of."""
    if contract in OPTIONS:
        return price
    if contract == "inverse":
        return np.float32(1) - np.float32(1) / price
    return price - np.float32(1)


def price_of(contract: Contract, made: Array) -> Array:
    """The price at which one unit has gained so much: the inverse of `gain`; infinite where no price brings it."""
    if contract == "inverse":
        left = np.float32(1) - made
        return jnp.where(
            left > np.float32(0),
            np.float32(1) / jnp.where(left > np.float32(0), left, np.float32(1)),
            np.float32(np.inf),
        )
    return np.float32(1) + made


def notional(contract: Contract, price: Array) -> Array:
    """The notional of one unit, settlement currency."""
    if contract in OPTIONS:
        return jnp.ones_like(price)
    return np.float32(1) / price if contract == "inverse" else price


def quote_notional(contract: Contract, price: Array) -> Array:
    """The notional of one unit in quote currency, relative to that at as_of: an inverse contract's stays what it is."""
    return jnp.ones_like(price) if contract == "inverse" else notional(contract, price)
