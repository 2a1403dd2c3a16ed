"""Which of the levels on a leg are met in a piece.

Against the leg the nearest level that closes all of it counts, if the account is still above its requirement there. A
level in its favour is met where the bridge comes to it before the nearest level against the leg, liquidation included
(`first_exit`); of an account without a trigger price, where the piece brings no breach and no level against the leg.
Levels that close but a part of a leg do not hide others.
"""

import functools

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab.accounts import trigger
from stresslab.accounts.first_exit import favourable_first
from stresslab.accounts.policies.base import Level
from stresslab.accounts.scene import Scene
from stresslab.accounts.state import Books, excess
from stresslab.accounts.trigger import Piece

_FAR = np.float32(20)  # distance in log price that is never met


def where_met(scene: Scene, books: Books, level: Level, piece: Piece, jumped: bool) -> Array:
    """The price of the asset where an order of this level would meet the market."""
    asset = scene.form.accounts[level.account].legs[level.leg].asset
    if jumped:
        return jnp.broadcast_to(level.price if level.at_rest else piece.end[asset], level.price.shape)
    start = piece.before[asset]
    return jnp.where(_is_below(books, level), jnp.minimum(level.price, start), jnp.maximum(level.price, start))


def is_passed(scene: Scene, books: Books, level: Level, piece: Piece, there: Array) -> Array:
    """Whether the price came as far, and there is something to close."""
    asset = scene.form.accounts[level.account].legs[level.leg].asset
    below = _is_below(books, level)
    passed = jnp.where(below, piece.low[asset] <= level.price, piece.high[asset] >= level.price)
    return passed & _is_live(scene, books, level, piece, there)


def first_met(scene: Scene, books: Books, levels: list[Level], places: list[Array], piece: Piece) -> list[Array]:
    """Of a diffusion, for each level whether it is met before those that would close the leg."""
    met = [is_passed(scene, books, level, piece, there) for level, there in zip(levels, places, strict=True)]
    passed = tuple(met)
    for number, level in enumerate(levels):
        if not level.against:
            met[number] = _favourable(scene, books, levels, passed, number, places[number], piece)
    return [met[number] & ~_is_hidden(books, levels, met, number) for number in range(len(levels))]


def _is_hidden(books: Books, levels: list[Level], met: list[Array], number: int) -> Array:
    """Whether a level that closes the whole leg is met before."""
    own, never = levels[number], jnp.zeros((), bool)
    for other, level in enumerate(levels):
        if other == number or not _same_leg(own, level) or not level.fills:
            continue
        if level.against != own.against:
            # of a level against the leg and one in its favour `_favourable` has said which comes first
            comes_first = jnp.bool_(own.against)
        else:
            below = _is_below(books, own)
            nearer = jnp.where(below, level.price > own.price, level.price < own.price)
            comes_first = nearer | ((level.price == own.price) & (other < number))
        never = never | (comes_first & met[other] & (level.share >= np.float32(1)))
    return never


def _favourable(
    scene: Scene,
    books: Books,
    levels: list[Level],
    passed: tuple[Array, ...],
    number: int,
    there: Array,
    piece: Piece,
) -> Array:
    """Whether a level in favour of its leg is met before all that would close the leg."""
    level = levels[number]
    form, own = scene.account(level.account)
    holding, asset = books.accounts[level.account], form.legs[level.leg].asset
    rivals = [other for other, one in enumerate(levels) if one.against and one.fills and _same_leg(one, level)]
    if not trigger.has_closed_form(form):
        breach = trigger.in_piece(form, own, holding, piece).hit
        whole = [passed[other] & (levels[other].share >= np.float32(1)) for other in rivals]
        return passed[number] & ~functools.reduce(jnp.logical_or, whole, breach)
    size, start = holding.sizes[level.leg], piece.before[asset]
    side = jnp.sign(size)
    stops = [jnp.where(levels[other].share >= np.float32(1), levels[other].price, side * -np.inf) for other in rivals]
    stops.append(trigger.trigger_price(form, own, holding))
    nearest = side * functools.reduce(jnp.maximum, [side * price for price in stops])
    variance = piece.deviations[asset] * piece.deviations[asset]
    first = favourable_first(
        side * jnp.log(piece.end[asset] / start),
        variance,
        piece.exponential[asset : asset + 1],
        _distance(-side, start, nearest),
        _distance(side, start, level.price),
    )
    # a piece without variance is no bridge: its extremes are written down
    is_straight = variance == np.float32(0)
    came_back = jnp.where(side > np.float32(0), piece.low[asset] <= nearest, piece.high[asset] >= nearest)
    first = jnp.where(is_straight, passed[number] & ~came_back, first)
    return first & _is_live(scene, books, level, piece, there)


def _distance(side: Array, start: Array, price: Array) -> Array:
    """How far a price lies ahead of the start, in log price; none where it was passed before."""
    ahead = jnp.where(price > np.float32(0), jnp.log(price / start), -_FAR)
    return jnp.clip(side * ahead, np.float32(0), _FAR)


def _is_live(scene: Scene, books: Books, level: Level, piece: Piece, there: Array) -> Array:
    """Whether there is an order, something to close, and an account above its requirement at this price."""
    form, own = scene.account(level.account)
    holding, asset = books.accounts[level.account], form.legs[level.leg].asset
    point = piece.at((*piece.before[:asset], there, *piece.before[asset + 1 :]))
    is_order = (level.share > np.float32(0)) & (holding.sizes[level.leg] != np.float32(0))
    return is_order & (excess(form, own, holding, point) > np.float32(0))


def _is_below(books: Books, level: Level) -> Array:
    """Whether the level is met by a fall."""
    return (books.accounts[level.account].sizes[level.leg] > np.float32(0)) == np.bool_(level.against)


def _same_leg(one: Level, other: Level) -> bool:
    return (one.account, one.leg) == (other.account, other.leg)
