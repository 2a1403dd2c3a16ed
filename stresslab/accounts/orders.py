"""Orders: how a change of a position moves cash. All arrays (book, path).

A market order fills worse than the price by the slippage and its impact on the book (`close_out`), and later than it
was sent (`conditions.latency`); the difference goes to the counterparties, as does what the position has made. The
taker fee goes to the venue.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab.accounts import close_out
from stresslab.accounts.conditions.base import Effect
from stresslab.accounts.contracts import gain, notional
from stresslab.accounts.form import AccountForm, AccountNumbers, Leg, LegNumbers
from stresslab.accounts.point import Point
from stresslab.accounts.state import Holding, Ledger, collateral_value


def fill_price(leg: Leg, numbers: LegNumbers, change: Array, price: Array, at: Point, effect: Effect) -> Array:
    """The price of a market order: a buyer pays more, a seller gets less, the more of it the larger the order."""
    worse = numbers.slippage[:, None] * effect.slippage
    if numbers.options:
        return price + jnp.sign(change) * worse
    if leg.close_out:
        worse = worse + close_out.of_order(leg, numbers, change, price, at)
    for factor in effect.late:
        price = price * factor[leg.asset : leg.asset + 1]
    return price * (np.float32(1) + jnp.sign(change) * worse)


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


def cover(holding: Holding, ledger: Ledger, shortfall: Array, effect: Effect) -> tuple[Holding, Ledger]:
    """What an account is below zero by is paid by the fund, or by others where it does not pay."""
    of_fund: Any = shortfall
    for borne in effect.waterfall:
        of_fund = shortfall * borne.fund_pays
    ledger = ledger._replace(
        fund=ledger.fund - of_fund, others=ledger.others - (shortfall - of_fund), shortfall=ledger.shortfall + shortfall
    )
    return holding._replace(balance=holding.balance + shortfall), ledger


def sell_collateral(
    form: AccountForm, numbers: AccountNumbers, holding: Holding, ledger: Ledger, is_sold: Array, at: Point
) -> tuple[Holding, Ledger]:
    """As much of every collateral as pays a negative balance, at its price after the haircut."""
    worth = collateral_value(form, numbers, holding, at, margin=True)
    debt = jnp.where(is_sold, jnp.maximum(-holding.balance, np.float32(0)), np.float32(0))
    share = jnp.minimum(debt / jnp.maximum(worth, np.float32(1e-30)), np.float32(1))
    kept = tuple(amount * (np.float32(1) - share) for amount in holding.collaterals)
    after = holding._replace(balance=holding.balance + share * worth, collaterals=kept)
    return after, ledger._replace(others=ledger.others - share * worth)


def trading_fee(leg: Leg, numbers: LegNumbers, change: Array, fill: Array) -> Array:
    """The taker fee on the notional traded."""
    return numbers.fee[:, None] * jnp.abs(change) * notional(leg.contract, fill)


def liquidation_fee(leg: Leg, numbers: LegNumbers, change: Array, fill: Array) -> Array:
    """The liquidation fee on the notional liquidated."""
    return numbers.liquidation_fee[:, None] * jnp.abs(change) * notional(leg.contract, fill)
