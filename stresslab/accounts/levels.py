"""Levels that policies watch between steps: which are met in a piece (`order_of_levels`), and their orders.

After a jump all fill at the price after it, but an order at rest at its level. A level that was passed while nothing
could be done is met where the price stands.
"""

import functools
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab.accounts import bounds, quotes
from stresslab.accounts.acting import look
from stresslab.accounts.conditions import Effect
from stresslab.accounts.order_of_levels import View, as_index, first_met, is_passed, where_met
from stresslab.accounts.point import leg_price
from stresslab.accounts.policies.base import Glance, Level
from stresslab.accounts.scene import Scene, if_any
from stresslab.accounts.state import Books
from stresslab.accounts.trading import trade
from stresslab.accounts.trigger import Piece


class Met(NamedTuple):
    """What became of a level in a piece, (book, path)."""

    level: Level
    passed: Array  # whether or not orders could be carried out
    reached: Array  # while they could
    filled: Array
    at: Array  # the index where it was met


def meet(scene: Scene, books: Books, piece: Piece, effect: Effect, event: Array, jumped: bool) -> Books:
    """Close what the levels say in one piece; of a jump the piece is the price after it."""
    if not scene.form.policies:
        return books
    found = find(scene, books, piece, effect, jumped)
    books = _missed(books, found, effect)
    for one in found:
        if one.level.fills:
            order = functools.partial(close, scene, met=one, piece=piece, effect=effect, event=event)
            books = if_any(one.filled, order, books)
    after = look(scene, books._replace(price=jnp.concatenate(piece.end)), glances(scene, books, found, piece))
    return after._replace(price=books.price)


def watched(scene: Scene, books: Books) -> list[Level]:
    """The levels of all policies, in their order."""
    return [level for own in _of_each_policy(scene, books) for level in own]


def find(scene: Scene, books: Books, piece: Piece, effect: Effect, jumped: bool) -> list[Met]:
    """What becomes of each level."""
    view = View(scene, books, piece, effect)
    levels = [as_index(view, level) for level in watched(scene, books)]
    places = [where_met(view, level, jumped) for level in levels]
    if jumped:
        reached = [is_passed(view, level, there) for level, there in zip(levels, places, strict=True)]
    else:
        reached = first_met(view, levels, places)
    return [_met(view, level, one, there) for level, one, there in zip(levels, reached, places, strict=True)]


def glances(scene: Scene, books: Books, found: list[Met], piece: Piece) -> list[Glance]:
    """What each policy is told of its own levels."""
    rest = iter(found)
    own = [[next(rest) for _ in levels] for levels in _of_each_policy(scene, books)]
    return [
        Glance(piece.low, piece.high, tuple(one.reached for one in met), tuple(one.filled for one in met))
        for met in own
    ]


def _of_each_policy(scene: Scene, books: Books) -> list[tuple[Level, ...]]:
    return [
        policy.levels(own, memory, scene.form, scene.numbers, books)
        for policy, own, memory in zip(scene.form.policies, scene.numbers.policies, books.policies, strict=True)
    ]


def close(scene: Scene, books: Books, met: Met, piece: Piece, effect: Effect, event: Array) -> Books:
    """Carry out the order of a level, at the last price."""
    level, view = met.level, View(scene, books, piece, effect)
    form = scene.form.accounts[level.account].legs[level.leg]
    own = scene.numbers.accounts[level.account].legs[level.leg]
    change = jnp.where(met.filled, -level.share * view.size(level), np.float32(0))

    def traded_at(index: Array) -> Array:
        return leg_price(form, own, piece.at(quotes.last(effect, view.prices(form.asset, index))))

    worst: Any = () if isinstance(level.worst, tuple) else traded_at(level.worst)
    there = traded_at(jnp.where(met.filled, met.at, piece.before[form.asset]))
    return trade(scene, books, level.account, level.leg, change, there, effect, event, level.at_rest, worst)


def _met(view: View, level: Level, passed: Array, there: Array) -> Met:
    """Nothing is filled while the venue is down or outside of a price band, nor beyond the limit of an order."""
    reached = passed & view.effect.can_act
    if not level.fills:
        return Met(level, passed, reached, jnp.zeros_like(reached), there)
    filled = reached
    if view.effect.bounds:
        asset = view.asset(level)
        last = quotes.last(view.effect, view.prices(asset, there))[asset]
        filled = filled & bounds.is_inside(view.effect, asset, last)
    if isinstance(level.worst, tuple):
        return Met(level, passed, reached, filled, there)
    is_sale = view.size(level) > np.float32(0)
    return Met(level, passed, reached, filled & jnp.where(is_sale, there >= level.worst, there <= level.worst), there)


def _missed(books: Books, found: list[Met], effect: Effect) -> Books:
    """Remember the stops that were passed while the holder could not act, as long as that lasts."""
    if not books.missed:
        return books
    missed = list(books.missed)
    for one in found:
        if one.level.against:
            missed[one.level.account] = missed[one.level.account] | one.passed
    return books._replace(missed=tuple(one & ~effect.can_act for one in missed))
