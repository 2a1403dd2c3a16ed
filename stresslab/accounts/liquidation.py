"""Forced liquidation of one account: how much is closed, at what fill, who pays and who keeps what.

The stages of the rulebook's ladder are asked in their order; the first one that applies says what share of each leg is
closed (0: the venue waits). Without any that applies all is closed, and so it is whatever they say where no equity is
left. Orders of a close-out in time: trades at the fill; what equity is below zero by then is the shortfall, covered by
the fund or by others; exit fee and liquidation fee, capped by what is left; collateral is sold as far as the balance is
below zero; and if all was closed, the residual, kept by the customer or not (a backstop keeps it).
"""

from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from stresslab.accounts import closing, orders
from stresslab.accounts.closing import Shares, Standing
from stresslab.accounts.state import Holding, Ledger, equity, is_open


class Asked(NamedTuple):
    """What a stage wants, (book, path)."""

    applies: Array
    shares: Shares
    taken: Any = np.False_  # the position is taken over with all that is left, not traded


class Stage(Protocol):
    """One stage of a ladder: hashable, its numbers apart."""

    def start(self, numbers: Any, nothing: Array) -> Any:
        """Its memory at as_of; `nothing` is zero, (book, path)."""

    def ask(self, numbers: Any, memory: Any, standing: Standing) -> tuple[Asked, Any]:
        """What it wants of an account in breach, and its memory if that is done."""


class Closed(NamedTuple):
    """What a liquidation did, (book, path)."""

    holding: Holding
    ledger: Ledger
    shortfall: Array


def liquidate(standing: Standing, ledger: Ledger, hit: Array) -> Closed:
    """Liquidate the accounts that are hit."""
    form, numbers, holding, at, _, effect = standing
    asked, stages = _asked(standing, hit)
    taken = asked.taken & hit
    shares = tuple(jnp.where(hit, share, np.float32(0)) for share in asked.shares)
    after, books, fees = closing.trade(standing, ledger, shares, taken)
    is_full = hit & ~is_open(after)
    left = equity(form, numbers, after, at)
    shortfall = jnp.where(is_full, jnp.maximum(-left, np.float32(0)), np.float32(0))
    after, books = orders.cover(after, books, shortfall, effect)
    after, books = orders.charge(after, books, jnp.minimum(fees, jnp.maximum(left, np.float32(0))))
    if form.collaterals:
        after, books = orders.sell_collateral(form, numbers, after, books, is_full, at)
    lost = jnp.where(taken, np.float32(1), np.float32(1) - numbers.residual_kept[:, None])
    residual = jnp.where(is_full, lost * jnp.maximum(after.balance, np.float32(0)), np.float32(0))
    remembered = jax.tree.map(lambda a, b: jnp.where(hit, a, b), stages, holding.stages)
    after = after._replace(balance=after.balance - residual, stages=remembered)
    return Closed(after, books._replace(fund=books.fund + residual), shortfall)


def _asked(standing: Standing, hit: Array) -> tuple[Asked, tuple[Any, ...]]:
    """What the ladder wants; without stages, or where nobody is hit, that is all."""
    holding = standing.holding
    nobody = jnp.zeros(holding.balance.shape, bool)
    whole = Asked(nobody, tuple(jnp.ones_like(size) for size in holding.sizes), nobody), holding.stages
    if not standing.form.stages:
        return whole
    return lax.cond(jnp.any(hit), lambda: _first_that_applies(standing), lambda: whole)


def _first_that_applies(standing: Standing) -> tuple[Asked, tuple[Any, ...]]:
    """The first stage that applies, else everything."""
    form, numbers, holding, at, _, _ = standing
    found, taken, memories = jnp.zeros(holding.balance.shape, bool), jnp.zeros(holding.balance.shape, bool), []
    shares = tuple(jnp.ones_like(size) for size in holding.sizes)
    for stage, own, memory in zip(form.stages, numbers.stages, holding.stages, strict=True):
        wanted, after = stage.ask(own, memory, standing)
        chosen = wanted.applies & ~found
        shares = tuple(jnp.where(chosen, a, b) for a, b in zip(wanted.shares, shares, strict=True))
        taken = taken | (chosen & wanted.taken)
        found = found | chosen
        memories.append(jax.tree.map(lambda a, b, chosen=chosen: jnp.where(chosen, a, b), after, memory))
    nothing_left = equity(form, numbers, holding, at) <= np.float32(0)
    shares = tuple(jnp.where(nothing_left, np.float32(1), share) for share in shares)
    return Asked(found, shares, taken), tuple(memories)
