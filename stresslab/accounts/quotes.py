"""Index, mark and last: the model's price is the index; accounts are tested at the mark, orders filled at the last.

    mark = index * factor,  last = index * factor       factors of the step, from the venue's conditions

Where an index is held, marks are made of what it was. Without conditions on prices all three are one, and nothing of
this is in the program. Both factors stand still within a step: a mark follows the index between steps at once.
"""

import jax.numpy as jnp
import numpy as np

from stresslab.accounts.conditions.base import Effect, Factor
from stresslab.accounts.point import Prices
from stresslab.accounts.trigger import Breach, Piece


def mark(effect: Effect, prices: Prices) -> Prices:
    """Marks at these indices."""
    seen = list(prices)
    for held in effect.held:
        seen[held.asset] = jnp.where(held.is_held, held.price, seen[held.asset])
    return _times(effect.mark, tuple(seen))


def last(effect: Effect, prices: Prices) -> Prices:
    """Last prices at these indices."""
    return _times(effect.last, prices)


def index(effect: Effect, marks: Prices, where: Prices) -> Prices:
    """The indices that these marks were made of; of one that is held, what it is at `where`."""
    found = list(_times(_inverse(effect.mark), marks))
    for held in effect.held:
        found[held.asset] = jnp.where(held.is_held, where[held.asset], found[held.asset])
    return tuple(found)


def indexed(effect: Effect, breaches: list[Breach], where: Prices) -> list[Breach]:
    """Breaches at indices."""
    return [one._replace(at=index(effect, one.at, where)) for one in breaches]


def marked(effect: Effect, piece: Piece) -> Piece:
    """A piece as the venue's risk engine sees it."""
    if not (effect.mark or effect.held):
        return piece
    deviations = list(piece.deviations)
    for held in effect.held:
        deviations[held.asset] = jnp.where(held.is_held, np.float32(0), deviations[held.asset])
    before, low, high, end = (mark(effect, prices) for prices in (piece.before, piece.low, piece.high, piece.end))
    return piece._replace(before=before, low=low, high=high, end=end, deviations=tuple(deviations))


def _inverse(factors: tuple[Factor, ...]) -> tuple[Factor, ...]:
    return tuple(Factor(one.asset, np.float32(1) / one.value) for one in factors)


def _times(factors: tuple[Factor, ...], prices: Prices) -> Prices:
    found = list(prices)
    for one in factors:
        found[one.asset] = found[one.asset] * one.value
    return tuple(found)
