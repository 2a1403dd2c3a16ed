"""Orders: how a change of a position moves cash. All arrays (book, path).

A market order fills worse than the price by the slippage; the difference goes to the counterparties, as does what the
position has made. The taker fee goes to the venue.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab.accounts.contracts import gain, notional
from stresslab.accounts.form import Leg, LegNumbers
from stresslab.accounts.state import Holding, Ledger


def fill_price(numbers: LegNumbers, change: Array, price: Array, factor: Any) -> Array:
    """The price of a market order: a buyer pays more, a seller gets less; `factor` scales the slippage."""
    return price * (np.float32(1) + jnp.sign(change) * numbers.slippage[:, None] * factor)


def trade(
    leg: Leg, number: int, holding: Holding, ledger: Ledger, change: Array, fill: Array
) -> tuple[Holding, Ledger]:
    """Change one leg's size at a fill price, without fees."""
    cash = change * gain(leg.contract, fill)
    sizes = (*holding.sizes[:number], holding.sizes[number] + change, *holding.sizes[number + 1 :])
    return holding._replace(balance=holding.balance - cash, sizes=sizes), ledger._replace(others=ledger.others + cash)


def charge(holding: Holding, ledger: Ledger, fee: Array) -> tuple[Holding, Ledger]:
    """A fee from the account to the venue."""
    return holding._replace(balance=holding.balance - fee), ledger._replace(fees=ledger.fees + fee)


def trading_fee(leg: Leg, numbers: LegNumbers, change: Array, fill: Array) -> Array:
    """The taker fee on the notional traded."""
    return numbers.fee[:, None] * jnp.abs(change) * notional(leg.contract, fill)


def liquidation_fee(leg: Leg, numbers: LegNumbers, change: Array, fill: Array) -> Array:
    """The liquidation fee on the notional liquidated."""
    return numbers.liquidation_fee[:, None] * jnp.abs(change) * notional(leg.contract, fill)
