"""Closing a share of every position of an account by force: the trades and their fees, before anybody settles.

Used twice: for what is done, and by stages that ask what a share would do. A fill is the market order's (slippage,
impact, latency) unless a backstop takes the position over: then it is the price itself, without any fee.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab.accounts import orders
from stresslab.accounts.conditions.base import Effect
from stresslab.accounts.form import AccountForm, AccountNumbers
from stresslab.accounts.point import Point, leg_price
from stresslab.accounts.state import Holding, Ledger, excess


class Standing(NamedTuple):
    """An account at the point where it is liquidated."""

    form: AccountForm
    numbers: AccountNumbers
    holding: Holding
    at: Point  # marks
    traded: Point  # what orders are filled at, before slippage
    effect: Effect


Shares = tuple[Array, ...]  # of each leg, 0 to 1


class Traded(NamedTuple):
    """After the trades; the fees are not paid yet."""

    holding: Holding
    ledger: Ledger
    fees: Array


def trade(standing: Standing, ledger: Ledger, shares: Shares, taken: Any = np.False_) -> Traded:
    """Close these shares of the legs."""
    form, numbers, after, _, at, effect = standing
    fees = jnp.zeros_like(after.balance)
    for number, (leg, own, share) in enumerate(zip(form.legs, numbers.legs, shares, strict=True)):
        price, change = leg_price(leg, own, at), -share * standing.holding.sizes[number]
        fill = jnp.where(taken, price, orders.fill_price(leg, own, change, price, at, effect))
        after, ledger = orders.trade(leg, number, after, ledger, change, fill)
        charged = orders.trading_fee(leg, own, change, fill) + orders.liquidation_fee(leg, own, change, fill)
        fees = fees + jnp.where(taken, np.float32(0), charged)
    return Traded(after, ledger, fees)


def excess_after(standing: Standing, shares: Shares) -> Array:
    """Equity less requirement once these shares are closed and their fees paid."""
    nothing = jnp.zeros_like(standing.holding.balance)
    traded = trade(standing, Ledger(*(nothing,) * 5), shares)
    after = traded.holding._replace(balance=traded.holding.balance - traded.fees)
    return excess(standing.form, standing.numbers, after, standing.at)
