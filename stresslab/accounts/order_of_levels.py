"""Which of the levels on a leg are met in a piece.

Against the leg the nearest level that closes all of it counts, if the account is still above its requirement there. A
level in its favour is met where the bridge comes to it before the nearest level against the leg, liquidation included
(`first_exit`); of an account without a trigger price, where the piece brings no breach and no level against the leg.
Levels that close but a part of a leg do not hide others.

All prices here are indices: levels that watch the mark or the last price are looked at as the index that makes it.
"""

import functools
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from stresslab.accounts import quotes, trigger
from stresslab.accounts.conditions import Effect
from stresslab.accounts.first_exit import favourable_first
from stresslab.accounts.point import Prices
from stresslab.accounts.policies.base import Level
from stresslab.accounts.scene import Scene
from stresslab.accounts.state import Books, Holding, excess
from stresslab.accounts.trigger import Piece
from stresslab.numerics import bridge_extremes

_FAR = np.float32(20)  # distance in log price that is never met
_TIGHT = np.float32(25)  # squared width, in variances of a piece, below which a bridge may meet levels on both sides


class View(NamedTuple):
    """What levels are looked at in."""

    scene: Scene
    books: Books
    piece: Piece
    effect: Effect

    def asset(self, level: Level) -> int:
        """The asset that moves a level's leg."""
        return self.scene.form.accounts[level.account].legs[level.leg].asset

    def size(self, level: Level) -> Array:
        """The size of a level's leg."""
        return self.books.accounts[level.account].sizes[level.leg]

    def is_below(self, level: Level) -> Array:
        """Whether the level is met by a fall."""
        return (self.size(level) > np.float32(0)) == np.bool_(level.against)

    def prices(self, asset: int, price: Array) -> Prices:
        """All prices, with this one of an asset."""
        return (*self.piece.before[:asset], price, *self.piece.before[asset + 1 :])


def as_index(view: View, level: Level) -> Level:
    """The level as an index; one that watches the mark of an index that is held is not met meanwhile."""
    asset = view.asset(level)
    if level.on == "last":
        factors = [one.value for one in view.effect.last if one.asset == asset]
    else:
        factors = [one.value for one in view.effect.mark if one.asset == asset]
        for held in view.effect.held:
            if held.asset == asset:
                level = level._replace(share=jnp.where(held.is_held, np.float32(0), level.share))
    for factor in factors:
        worst: Any = () if isinstance(level.worst, tuple) else level.worst / factor
        level = level._replace(price=level.price / factor, worst=worst)
    return level


def where_met(view: View, level: Level, jumped: bool) -> Array:
    """Where an order of this level would meet the market."""
    asset = view.asset(level)
    if jumped:
        return jnp.broadcast_to(level.price if level.at_rest else view.piece.end[asset], level.price.shape)
    start = view.piece.before[asset]
    return jnp.where(view.is_below(level), jnp.minimum(level.price, start), jnp.maximum(level.price, start))


def is_passed(view: View, level: Level, there: Array) -> Array:
    """Whether the price came as far, and there is something to close."""
    low, high = view.piece.low[view.asset(level)], view.piece.high[view.asset(level)]
    return jnp.where(view.is_below(level), low <= level.price, high >= level.price) & _is_live(view, level, there)


def first_met(view: View, levels: list[Level], places: list[Array]) -> list[Array]:
    """Of a diffusion, for each level whether it is met before those that would close the leg."""
    met = [is_passed(view, level, there) for level, there in zip(levels, places, strict=True)]
    passed = tuple(met)
    for number, level in enumerate(levels):
        if not level.against:
            met[number] = _favourable(view, levels, passed, number) & _is_live(view, level, places[number])
    return [met[number] & ~_is_hidden(view, levels, met, number) for number in range(len(levels))]


def _is_hidden(view: View, levels: list[Level], met: list[Array], number: int) -> Array:
    """Whether a level that closes the whole leg is met before."""
    own, hidden = levels[number], jnp.zeros((), bool)
    for other, level in enumerate(levels):
        if other == number or not _same_leg(own, level) or not level.fills:
            continue
        if level.against != own.against:
            # which of the two comes first was found by `_favourable`
            comes_first: Array = jnp.asarray(own.against)
        else:
            nearer = jnp.where(view.is_below(own), level.price > own.price, level.price < own.price)
            comes_first = nearer | ((level.price == own.price) & (other < number))
        hidden = hidden | (comes_first & met[other] & (level.share >= np.float32(1)))
    return hidden


def _favourable(view: View, levels: list[Level], passed: tuple[Array, ...], number: int) -> Array:
    """Whether a level in favour of its leg is met before all that would close the leg."""
    level, piece, asset = levels[number], view.piece, view.asset(levels[number])
    form, own = view.scene.account(level.account)
    holding = view.books.accounts[level.account]
    rivals = [other for other, one in enumerate(levels) if one.against and one.fills and _same_leg(one, level)]
    if not trigger.has_closed_form(form):
        breach = trigger.in_piece(form, own, holding, quotes.marked(view.effect, piece)).hit
        whole = [passed[other] & (levels[other].share >= np.float32(1)) for other in rivals]
        return passed[number] & ~functools.reduce(jnp.logical_or, whole, breach)
    side, start = jnp.sign(view.size(level)), piece.before[asset]
    stops = [jnp.where(levels[other].share >= np.float32(1), levels[other].price, -side * np.inf) for other in rivals]
    stops.append(_trigger(view, level.account, holding, asset))
    nearest = side * functools.reduce(jnp.maximum, [side * price for price in stops])
    came_back = jnp.where(side > np.float32(0), piece.low[asset] <= nearest, piece.high[asset] >= nearest)
    variance = piece.deviations[asset] * piece.deviations[asset]
    reached = _other_end(piece, asset)
    alone = jnp.where(side > np.float32(0), reached[1] >= level.price, reached[0] <= level.price) & ~came_back
    width = side * jnp.log(level.price / nearest)
    first = lax.cond(
        jnp.any(width * width < _TIGHT * variance),
        lambda: favourable_first(
            side * jnp.log(piece.end[asset] / start),
            variance,
            piece.exponential[asset : asset + 1],
            _distance(-side, start, nearest),
            _distance(side, start, level.price),
        ),
        lambda: alone,
    )
    # a piece without variance is no bridge: its extremes are written down
    return jnp.where(variance == np.float32(0), passed[number] & ~came_back, first)


def _other_end(piece: Piece, asset: int) -> tuple[Array, Array]:
    """The extremes that the other end of the draw gives: a level in favour is met on draws that meet none against."""
    start, end = jnp.log(piece.before[asset]), jnp.log(piece.end[asset])
    exponential = -jnp.log(-jnp.expm1(-piece.exponential[asset : asset + 1]))
    low, high = bridge_extremes(start, end, piece.deviations[asset] * piece.deviations[asset], exponential)
    return jnp.exp(low), jnp.exp(high)


def _trigger(view: View, account: int, holding: Holding, asset: int) -> Array:
    """The index at which the account is liquidated, if that can come about by a move of it."""
    price = trigger.trigger_price(*view.scene.account(account), holding)
    for factor in view.effect.mark:
        price = price / factor.value if factor.asset == asset else price
    for held in view.effect.held:
        never = -jnp.sign(holding.sizes[0]) * np.inf
        price = jnp.where(held.is_held, never, price) if held.asset == asset else price
    return price


def _distance(side: Array, start: Array, price: Array) -> Array:
    """How far a price lies ahead of the start, in log price; none where it was passed before."""
    ahead = jnp.where(price > np.float32(0), jnp.log(price / start), -_FAR)
    return jnp.clip(side * ahead, np.float32(0), _FAR)


def _is_live(view: View, level: Level, there: Array) -> Array:
    """Whether there is an order, something to close, and an account above its requirement by then."""
    form, own = view.scene.account(level.account)
    holding, size = view.books.accounts[level.account], view.size(level)
    is_order = (level.share > np.float32(0)) & (size != np.float32(0))
    if trigger.has_closed_form(form):
        safe = _trigger(view, level.account, holding, view.asset(level))
        return is_order & jnp.where(size > np.float32(0), there > safe, there < safe)
    point = view.piece.at(quotes.mark(view.effect, view.prices(view.asset(level), there)))
    return is_order & (excess(form, own, holding, point) > np.float32(0))


def _same_leg(one: Level, other: Level) -> bool:
    return (one.account, one.leg) == (other.account, other.leg)
