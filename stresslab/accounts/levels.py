"""Levels that policies watch between steps, met in the order of the policies.

A level is met where the account is still above its requirement by then. Of a level in the account's favour and a
liquidation in one piece the liquidation comes first: the extremes of a piece do not tell their order. A level that was
passed while nothing could be done is met where the price stands; after a jump all fill at the price after it.
"""

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab.accounts import trigger
from stresslab.accounts.conditions import Effect
from stresslab.accounts.point import leg_price
from stresslab.accounts.policies import Level
from stresslab.accounts.scene import Scene, with_policy
from stresslab.accounts.state import Books, excess
from stresslab.accounts.trading import trade
from stresslab.accounts.trigger import Piece


def meet(scene: Scene, books: Books, piece: Piece, effect: Effect, event: Array, jumped: bool) -> Books:
    """Close what the levels say in one piece; of a jump the piece is the price after it."""
    for number, (policy, own) in enumerate(zip(scene.form.policies, scene.numbers.policies, strict=True)):
        hits = []
        for level in policy.levels(own, books.policies[number], scene.form, scene.numbers, books):
            hit = _is_met(scene, books, level, piece, jumped) & effect.can_act
            books = _close_at(scene, books, level, hit, piece, effect, event, jumped)
            hits.append(hit)
        after = books._replace(price=jnp.concatenate(piece.end))
        books = with_policy(books, number, policy.seen(own, books.policies[number], scene.form, after, tuple(hits)))
    return books


def _is_met(scene: Scene, books: Books, level: Level, piece: Piece, jumped: bool) -> Array:
    form, own = scene.account(level.account)
    holding, asset = books.accounts[level.account], form.legs[level.leg].asset
    size = holding.sizes[level.leg]
    reached = jnp.where(level.below, piece.low[asset] <= level.price, piece.high[asset] >= level.price)
    reached = reached & (level.share > np.float32(0)) & (size != np.float32(0))
    there = piece.end[asset] if jumped else level.price
    point = piece.at((*piece.before[:asset], there, *piece.before[asset + 1 :]))
    reached = reached & (excess(form, own, holding, point) > np.float32(0))
    if jumped:
        return reached
    is_adverse = level.below == (size > np.float32(0))
    return reached & (is_adverse | ~trigger.in_piece(form, own, holding, piece).hit)


def _close_at(
    scene: Scene, books: Books, level: Level, hit: Array, piece: Piece, effect: Effect, event: Array, jumped: bool
) -> Books:
    form, own = (
        scene.form.accounts[level.account].legs[level.leg],
        scene.numbers.accounts[level.account].legs[level.leg],
    )
    asset, size = form.asset, books.accounts[level.account].sizes[level.leg]
    start = piece.before[asset]
    passed = jnp.where(level.below, jnp.minimum(level.price, start), jnp.maximum(level.price, start))
    met = jnp.where(hit, piece.end[asset] if jumped else passed, start)
    price = leg_price(form, own, piece.at((*piece.before[:asset], met, *piece.before[asset + 1 :])))
    change = jnp.where(hit, -level.share * size, np.float32(0))
    return trade(scene, books, level.account, level.leg, change, price, effect, event, level.at_level)
