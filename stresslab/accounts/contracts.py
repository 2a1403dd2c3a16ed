"""What one unit of a position gains and weighs, as a function of the price relative to spot.

    linear   gain = p - 1      notional = p     settled in quote currency, unit: quantity * spot
    quanto   gain = p - 1      notional = p     settled in coin at a fixed rate, unit: quantity * multiplier * spot
    inverse  gain = 1 - 1/p    notional = 1/p   settled in coin, unit: face / spot

Gains are counted from as_of, so that a balance is the equity at as_of. Every gain rises with the price. Source: BitMEX
and Binance COIN-M on inverse contracts, PnL = Q (1/EP - 1/P).
"""

from typing import Literal

import numpy as np
from jax import Array

Contract = Literal["linear", "inverse", "quanto"]


def gain(contract: Contract, price: Array) -> Array:
    """What one unit has gained since as_of."""
    if contract == "inverse":
        return np.float32(1) - np.float32(1) / price
    return price - np.float32(1)


def notional(contract: Contract, price: Array) -> Array:
    """The notional of one unit, settlement currency."""
    return np.float32(1) / price if contract == "inverse" else price
