"""Forced liquidations: every account in breach, its codes, and the losses that the close-out itself made."""

import functools

import jax.numpy as jnp
import numpy as np

from stresslab.accounts import bounds, causes, losses, quotes
from stresslab.accounts.closing import Standing
from stresslab.accounts.conditions.base import Effect
from stresslab.accounts.liquidation import liquidate
from stresslab.accounts.point import Point, Prices
from stresslab.accounts.scene import Scene, first, if_any, with_account
from stresslab.accounts.state import Books, wealth
from stresslab.accounts.trigger import Breach
from stresslab.books.outcome import NEVER


def possible(scene: Scene, breaches: list[Breach], where: Prices, effect: Effect) -> list[Breach]:
    """Those that the venue can act on: not while trading is halted, nor outside of a price band."""
    found = []
    for number, breach in enumerate(breaches):
        hit = breach.hit & effect.can_liquidate
        if effect.bounds:
            last = quotes.last(effect, quotes.index(effect, breach.at, where))
            for leg in scene.form.accounts[number].legs:
                hit = hit & bounds.is_inside(effect, leg.asset, last[leg.asset])
        found.append(breach._replace(hit=hit))
    return found


def carry_out(scene: Scene, books: Books, breaches: list[Breach], point: Point, effect: Effect, cause: int) -> Books:
    """Liquidate what is hit, at marks; indices of what is not hit are those of `point`."""
    hits = functools.reduce(jnp.logical_or, [breach.hit for breach in breaches])
    return if_any(hits, lambda before: _carried_out(scene, before, breaches, point, effect, cause), books)


def _carried_out(scene: Scene, books: Books, breaches: list[Breach], point: Point, effect: Effect, cause: int) -> Books:
    codes, prices, any_hit = books.codes, point.prices, jnp.zeros((), bool)
    event = whole = scene.event(cause)
    for number, breach in enumerate(breaches):
        hit, at = breach.hit, point._replace(prices=breach.at)
        index = quotes.index(effect, breach.at, point.prices)
        own_event = causes.of_liquidation(scene, books, number, at, cause, whole)
        traded = point._replace(prices=quotes.last(effect, index))
        standing = Standing(*scene.account(number), books.accounts[number], at, traded, effect)
        closed = liquidate(standing, books.ledger, hit)
        books = with_account(books, number, closed.holding)._replace(ledger=closed.ledger)
        if scene.form.recorded:
            is_first = hit & (codes.liquidation == NEVER)
            asset = scene.form.accounts[number].legs[0].asset
            codes = codes._replace(price=jnp.where(is_first, breach.at[asset], codes.price))
        codes = codes._replace(
            liquidation=first(codes.liquidation, hit, own_event),
            bankruptcy=first(codes.bankruptcy, closed.shortfall > np.float32(0), own_event),
        )
        event = event if own_event is whole else jnp.where(hit, own_event, event)
        prices = tuple(jnp.where(hit, own, before) for own, before in zip(index, prices, strict=True))
        any_hit = any_hit | hit
    left = wealth(scene.form, scene.numbers, books, point._replace(prices=prices))
    return losses.mark(scene, books._replace(codes=codes), jnp.where(any_hit, left, np.float32(np.inf)), event)
