"""Forced liquidation of one account: how much is closed, at what fill, who pays and who keeps what.

A stage of the rulebook's ladder says what share of all legs it would close (0 where it does not apply); the first one
that applies is taken, and without any, all is closed. Orders of a close-out in time: trades at the fill; shortfall is
what equity is below zero by then, covered by the fund; exit fee and liquidation fee, capped by what is left; and if all
was closed, the residual, kept by the customer or not. Collateral is sold after the trades, as far as the balance is
below zero.
"""

from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab.accounts import orders
from stresslab.accounts.form import AccountForm, AccountNumbers
from stresslab.accounts.point import Point, leg_price
from stresslab.accounts.state import Holding, Ledger, collateral_value, equity


class Stage(Protocol):
    """One stage of a ladder: hashable, its numbers apart."""

    def start(self, numbers: Any, nothing: Array) -> Any:
        """Its memory at as_of; `nothing` is zero, (book, path)."""

    def share(
        self,
        numbers: Any,
        memory: Any,
        form: AccountForm,
        own: AccountNumbers,
        holding: Holding,
        at: Point,
    ) -> tuple[Array, Any]:
        """The share of every leg that it closes, and its memory after that; 0 where it does not apply, nan never."""


class Closed(NamedTuple):
    """What a liquidation did, (book, path)."""

    holding: Holding
    ledger: Ledger
    shortfall: Array


def liquidate(
    form: AccountForm,
    numbers: AccountNumbers,
    holding: Holding,
    ledger: Ledger,
    hit: Array,
    at: Point,
    factor: Any,
) -> Closed:
    """Liquidate the accounts that are hit, at these prices; `factor` scales the slippage."""
    share, stages = _share(form, numbers, holding, at)
    after, books, fees = holding, ledger, jnp.zeros_like(holding.balance)
    for number, (leg, own) in enumerate(zip(form.legs, numbers.legs, strict=True)):
        change = jnp.where(hit, -share * holding.sizes[number], np.float32(0))
        fill = orders.fill_price(own, change, leg_price(leg, own, at), factor)
        after, books = orders.trade(leg, number, after, books, change, fill)
        fees = fees + orders.trading_fee(leg, own, change, fill) + orders.liquidation_fee(leg, own, change, fill)
    is_full = hit & (share >= np.float32(1))
    if form.collaterals:
        after, books = _sell_collateral(form, numbers, after, books, is_full, at)
    left = equity(form, numbers, after, at)
    shortfall = jnp.where(is_full, jnp.maximum(-left, np.float32(0)), np.float32(0))
    after = after._replace(balance=after.balance + shortfall)
    books = books._replace(fund=books.fund - shortfall, shortfall=books.shortfall + shortfall)
    after, books = orders.charge(after, books, jnp.minimum(fees, jnp.maximum(left, np.float32(0))))
    lost = np.float32(1) - numbers.residual_kept[:, None]
    residual = jnp.where(is_full, lost * jnp.maximum(after.balance, np.float32(0)), np.float32(0))
    remembered = jax.tree.map(lambda a, b: jnp.where(hit, a, b), stages, holding.stages)
    after = after._replace(balance=after.balance - residual, stages=remembered)
    return Closed(after, books._replace(fund=books.fund + residual), shortfall)


def _sell_collateral(
    form: AccountForm, numbers: AccountNumbers, holding: Holding, ledger: Ledger, hit: Array, at: Point
) -> tuple[Holding, Ledger]:
    """As much of every collateral as pays a negative balance, at its price after the haircut."""
    worth = collateral_value(form, numbers, holding, at, margin=True)
    debt = jnp.where(hit, jnp.maximum(-holding.balance, np.float32(0)), np.float32(0))
    share = jnp.minimum(debt / jnp.maximum(worth, np.float32(1e-30)), np.float32(1))
    kept = tuple(amount * (np.float32(1) - share) for amount in holding.collaterals)
    after = holding._replace(balance=holding.balance + share * worth, collaterals=kept)
    return after, ledger._replace(others=ledger.others - share * worth)


def _share(form: AccountForm, numbers: AccountNumbers, holding: Holding, at: Point) -> tuple[Array, tuple[Any, ...]]:
    """All of an account without equity is closed, whatever the stages say."""
    share, memories = jnp.zeros_like(holding.balance), []
    for stage, own, memory in zip(form.stages, numbers.stages, holding.stages, strict=True):
        wanted, after = stage.share(own, memory, form, numbers, holding, at)
        is_first = (share == np.float32(0)) & (wanted > np.float32(0))
        share = jnp.where(is_first, wanted, share)
        memories.append(jax.tree.map(lambda a, b, chosen=is_first: jnp.where(chosen, a, b), after, memory))
    is_whole = (share <= np.float32(0)) | (equity(form, numbers, holding, at) <= np.float32(0))
    return jnp.where(is_whole, np.float32(1), jnp.minimum(share, np.float32(1))), tuple(memories)
