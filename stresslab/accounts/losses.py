"""Loss levels: when the wealth of a book first comes down to each of them."""

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab.accounts import trigger
from stresslab.accounts.scene import Scene, first, now
from stresslab.accounts.state import Books, wealth
from stresslab.accounts.trigger import Breach, Piece


def mark(scene: Scene, books: Books, worth: Array, event: Array) -> Books:
    """Note the levels that a wealth lies at or below."""
    floor = (np.float32(1) - scene.fractions[:, None, None]) * scene.numbers.equity[None, :, None]
    return books._replace(codes=books.codes._replace(loss=first(books.codes.loss, worth[None] <= floor, event)))


def mark_on_the_way(scene: Scene, books: Books, piece: Piece, breaches: list[Breach], event: Array) -> Books:
    """Those that wealth comes to in a piece while all is open; of a book that is liquidated in it, up to that point."""
    if not scene.fractions.shape[0]:
        return books
    lowest = _lowest(scene, books, piece)
    for breach in breaches:
        there = wealth(scene.form, scene.numbers, books, piece.at(breach.at))
        lowest = jnp.where(breach.hit, there, lowest)
    return mark(scene, books, lowest, event)


def mark_after(scene: Scene, books: Books, piece: Piece, event: Array) -> Books:
    """What a liquidation in a piece left open, collateral too: what it went on to lose, with prices at the end.

    Of one account the extreme that is worse comes after the liquidation; of several only the end surely does.
    """
    (account, *others) = scene.form.accounts
    if not scene.fractions.shape[0] or not (others or account.stages or account.collaterals):
        return books
    if others:
        return mark(scene, books, wealth(scene.form, scene.numbers, books, now(books)), event)
    return mark(scene, books, _lowest(scene, books, piece), event)


def _lowest(scene: Scene, books: Books, piece: Piece) -> Array:
    assets = tuple(sorted({asset for form in scene.form.accounts for asset in form.assets}))
    return trigger.lowest_value(
        assets, lambda prices: wealth(scene.form, scene.numbers, books, piece.at(prices)), piece
    ).value
