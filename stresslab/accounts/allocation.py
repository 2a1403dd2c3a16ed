"""What the market's losses do to books: winning positions are deleveraged, or all that have to pay are charged.

At the beginning of a step, for the move of the step before (`conditions.waterfall`). A position on the winning side is
closed, whole and without fee, where the share of the side's open interest that is ranked before it is less than the
share that is closed. What its close price is beyond the price now goes to counterparties: it pays others' losses.
"""

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from stresslab.accounts import losses, orders, quotes
from stresslab.accounts.conditions.base import Effect
from stresslab.accounts.conditions.waterfall import Borne
from stresslab.accounts.contracts import OPTIONS, gain, notional
from stresslab.accounts.form import Leg, LegNumbers
from stresslab.accounts.point import Point, leg_price
from stresslab.accounts.ranks import UNRANKED, Winner, score, share_ahead
from stresslab.accounts.requirement import of_leg
from stresslab.accounts.scene import Scene, first, now, with_account
from stresslab.accounts.state import Books, Holding, equity, is_open, wealth
from stresslab.books.outcome import DIFFUSION


def settle(scene: Scene, books: Books, effect: Effect) -> Books:
    """Carry out what is borne, on the paths where anything is."""
    for borne in effect.waterfall:
        amount = borne.charged if borne.form.shares_losses else borne.closed
        act = _charge if borne.form.shares_losses else _deleverage
        books = lax.cond(
            jnp.any(amount > np.float32(0)),
            lambda held, borne=borne, act=act: act(scene, held, effect, borne),
            lambda held: held,
            books,
        )
    return books


def _deleverage(scene: Scene, books: Books, effect: Effect, borne: Borne) -> Books:
    here, event, codes = now(books), scene.event(DIFFUSION), books.codes
    at = here._replace(prices=quotes.mark(effect, here.prices)) if borne.form.price == "mark" else here
    for number, place, leg, own in _positions(scene, borne):
        holding = books.accounts[number]
        size, price = holding.sizes[place], leg_price(leg, own, at)
        one = _winner(scene, number, leg, own, holding, size, at)
        hit = _is_reached(borne, one, size) & effect.can_liquidate
        fill = price * (np.float32(1) - borne.winner * borne.worse)
        change = jnp.where(hit, -size, np.float32(0))
        holding, ledger = orders.trade(leg, place, holding, books.ledger, change, fill)
        is_closed = hit & ~is_open(holding)
        if scene.form.accounts[number].collaterals:
            holding, ledger = orders.sell_collateral(*scene.account(number), holding, ledger, is_closed, at)
        below = jnp.where(is_closed, jnp.maximum(-holding.balance, np.float32(0)), np.float32(0))
        holding, ledger = orders.cover(holding, ledger, below, effect)
        books = with_account(books, number, holding)._replace(ledger=ledger)
        codes = codes._replace(
            deleveraged=first(codes.deleveraged, hit, event),
            bankruptcy=first(codes.bankruptcy, below > np.float32(0), event),
        )
    books = books._replace(codes=codes)
    return losses.mark(scene, books, wealth(scene.form, scene.numbers, books, here), event)


def _charge(scene: Scene, books: Books, effect: Effect, borne: Borne) -> Books:
    here = now(books)
    for number, place, leg, own in _positions(scene, borne):
        holding, ledger = books.accounts[number], books.ledger
        size = holding.sizes[place]
        pays = (borne.winner * size > np.float32(0)) | (borne.form.then == "pro_rata_funding")
        held = jnp.abs(size) * notional(leg.contract, leg_price(leg, own, here))
        paid = jnp.where(pays, borne.charged * held, np.float32(0))
        books = with_account(books, number, holding._replace(balance=holding.balance - paid))
        books = books._replace(ledger=ledger._replace(others=ledger.others + paid, socialised=ledger.socialised + paid))
    return losses.mark(scene, books, wealth(scene.form, scene.numbers, books, here), scene.event(DIFFUSION))


def _positions(scene: Scene, borne: Borne) -> list[tuple[int, int, Leg, LegNumbers]]:
    """The legs on the asset whose market it is."""
    return [
        (number, place, leg, own)
        for number, (form, numbers) in enumerate(zip(scene.form.accounts, scene.numbers.accounts, strict=True))
        for place, (leg, own) in enumerate(zip(form.legs, numbers.legs, strict=True))
        if leg.asset == borne.form.asset and leg.contract not in OPTIONS
    ]


def _winner(scene: Scene, number: int, leg: Leg, own: LegNumbers, holding: Holding, size: Array, at: Point) -> Winner:
    price, entry = leg_price(leg, own, at), own.entry[:, None]
    return Winner(
        profit=size * (gain(leg.contract, price) - gain(leg.contract, entry)),
        entry_value=jnp.maximum(jnp.abs(size) * notional(leg.contract, entry), np.float32(1e-30)),
        value=jnp.abs(size) * notional(leg.contract, price),
        equity=equity(*scene.account(number), holding, at),
        maintenance=of_leg(leg, own, size, price),
        moved=price / entry,
        side=jnp.sign(size),
    )


def _is_reached(borne: Borne, one: Winner, size: Array) -> Array:
    """Whether what is closed reaches down to this position in the venue's order."""
    rank = borne.form.rank
    if rank == "random":
        ahead = jnp.broadcast_to(borne.drawn, size.shape)
    else:
        ahead = share_ahead(rank, borne.numbers.population, score(rank, one), one.side, borne.profit)
    ranked = (size != np.float32(0)) if rank in UNRANKED else (one.profit > np.float32(0))
    return ranked & (one.side == borne.winner) & (ahead < borne.closed)
