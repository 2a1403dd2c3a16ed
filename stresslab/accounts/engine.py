"""The order of events in a step, for books of any form.

At the beginning of a step, after the funding and the record of the step before: what has expired is settled; the
venue's conditions advance; the policies act, if the venue is up. Then for each piece in time order: the price moves;
the levels that policies watch are met (`levels`); accounts at or below their requirement are liquidated, by a diffusion
where the two meet, after a jump at the price after it (`trigger`, `forced`). One forced order of an account in a piece:
an account that is still in breach meets the next one at the beginning of the next piece. At the end of a segment
funding is paid, if its time was passed, and every account is tested again at the price now, with cause `funding`.

Loss levels are marked where wealth comes to them (`losses`). A closed account stays as it was closed: nothing recovers.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab.accounts import acting, expiry, forced, funding, levels, losses, trigger
from stresslab.accounts.conditions import Effect, together
from stresslab.accounts.point import rows
from stresslab.accounts.scene import Scene, now
from stresslab.accounts.state import Books, wealth
from stresslab.accounts.trigger import Piece
from stresslab.books.outcome import DIFFUSION, FUNDING, GAP
from stresslab.scan import Gap, Reach, Track


class Engine(Scene):
    """Watches the pieces of each step for all books of one form."""

    def step(self, books: Books, track: Track) -> Books:
        """One step."""
        books, effect = _advance(self, expiry.settle(self, books), track.words)
        books = acting.act(self, books, effect)
        for piece in track.pieces:
            books = (
                _diffuse(self, books, piece, effect) if isinstance(piece, Reach) else _gap(self, books, piece, effect)
            )
        return books._replace(variance=track.variance, step=books.step + np.int32(1))

    def pay_funding(self, books: Books, rate: Array) -> Books:
        """Pay `rate` of each leg's notional, then test again."""
        return _test(self, funding.pay(self, books, rate), Effect(), FUNDING)


def _advance(scene: Scene, books: Books, words: tuple[Array, ...]) -> tuple[Books, Effect]:
    memories: list[Any] = []
    effects, rest = [], iter(words)
    for condition, own, memory in zip(scene.form.conditions, scene.numbers.conditions, books.conditions, strict=True):
        mine = tuple(next(rest) for _ in range(condition.words))
        after, effect = condition.step(own, memory, mine, books.price, books.variance, books.step)
        memories.append(after)
        effects.append(effect)
    return books._replace(conditions=tuple(memories)), together(effects)


def _diffuse(scene: Scene, books: Books, reach: Reach, effect: Effect) -> Books:
    piece, event = _piece(scene, books, reach), scene.event(DIFFUSION)
    books = levels.meet(scene, books, piece, effect, event, jumped=False)
    breaches = [
        trigger.in_piece(*scene.account(number), holding, piece) for number, holding in enumerate(books.accounts)
    ]
    books = losses.mark_on_the_way(scene, books, piece, breaches, event)
    books = forced.carry_out(scene, books, breaches, piece.at(piece.before), effect, event)
    return losses.mark_at_end(scene, books._replace(price=jnp.concatenate(piece.end)), event)


def _gap(scene: Scene, books: Books, gap: Gap, effect: Effect) -> Books:
    end = rows(jnp.exp(gap.end))
    still = tuple(jnp.zeros_like(price) for price in end)
    piece = Piece(end, end, end, end, still, still[0], scene.correlation, books.variance, books.step)
    books = levels.meet(scene, books, piece, effect, scene.event(GAP), jumped=True)
    return _test(scene, books._replace(price=jnp.concatenate(end)), effect, GAP)


def _test(scene: Scene, books: Books, effect: Effect, cause: int) -> Books:
    """Every account at the price now."""
    point, event = now(books), scene.event(cause)
    breaches = [
        trigger.at_point(*scene.account(number), holding, point) for number, holding in enumerate(books.accounts)
    ]
    books = losses.mark(scene, books, wealth(scene.form, scene.numbers, books, point), event)
    return forced.carry_out(scene, books, breaches, point, effect, event)


def _piece(scene: Scene, books: Books, reach: Reach) -> Piece:
    low, high, end = (rows(jnp.exp(level)) for level in (reach.low, reach.high, reach.end))
    deviations = rows(jnp.sqrt(jnp.broadcast_to(reach.variance, reach.end.shape)))
    point = now(books)
    return Piece(
        point.prices, low, high, end, deviations, reach.exponential[0:1], scene.correlation, point.variance, point.step
    )
