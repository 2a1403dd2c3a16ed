"""The order of events in a step, for books of any form.

At the beginning of a step, after the funding and the record of the step before: what has expired is settled; the
venue's conditions advance; if it fails all is closed (`failure`); the market's losses are allocated (`allocation`); if
trading reopens all is met at the price now; the policies act, if the venue is up. Then for each piece in time order:
the price moves; the levels that policies watch are met (`levels`); accounts at or below their requirement at the mark
are liquidated, by a diffusion where the two meet, after a jump at the price after it (`trigger`, `forced`). One forced
order of an account in a piece: an account that is still in breach meets the next one at the beginning of the next
piece. Then options that expire are paid. At the end of a segment funding is paid, if its time was passed, and every
account is tested again at the price now, with cause `funding`.

Loss levels are marked where wealth comes to them (`losses`). A closed account stays as it was closed: nothing recovers.
"""

import functools
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import ArrayLike

from stresslab.accounts import (
    acting,
    allocation,
    expiry,
    failure,
    forced,
    funding,
    levels,
    losses,
    pieces,
    quotes,
    trigger,
)
from stresslab.accounts.conditions import Effect, together
from stresslab.accounts.scene import Scene, now
from stresslab.accounts.state import Books, wealth
from stresslab.books.outcome import DIFFUSION, FUNDING, GAP
from stresslab.scan import Reach, Track


class Engine(Scene):
    """Watches the pieces of each step for all books of one form."""

    def step(self, books: Books, track: Track) -> Books:
        """One step."""
        self = self.at_step(books.step)
        books = _advance(self, expiry.settle(self, books), track.words)
        effect = _effect(self, books)
        books = allocation.settle(self, failure.settle(self, books, effect), effect)
        books = _reopen(self, books, effect)
        books = acting.act(self, books, effect)
        for piece in track.pieces:
            books = (
                _diffuse(self, books, piece, effect)
                if isinstance(piece, Reach)
                else _jump(self, books, jnp.exp(piece.end), effect, GAP)
            )
        return expiry.pay_options(self, books._replace(variance=track.variance, step=books.step + np.int32(1)))

    def pay_funding(self, books: Books, rate: Array) -> Books:
        """Pay `rate` of each leg's notional, then test again."""
        self = self.at_step(books.step)
        effect = _effect(self, books)
        return _test(self, funding.pay(self, books, rate, effect), effect, FUNDING)


def _advance(scene: Scene, books: Books, words: tuple[Array, ...]) -> Books:
    memories: list[Any] = []
    rest = iter(words)
    for condition, own, memory in zip(scene.form.conditions, scene.numbers.conditions, books.conditions, strict=True):
        mine = tuple(next(rest) for _ in range(condition.words))
        memories.append(condition.step(own, memory, mine, books.price, books.variance, books.step))
    return books._replace(conditions=tuple(memories))


def _effect(scene: Scene, books: Books) -> Effect:
    """What the venue's conditions do from the beginning of a step until the next one begins."""
    conditions = zip(scene.form.conditions, scene.numbers.conditions, books.conditions, strict=True)
    return together([condition.effect(own, memory) for condition, own, memory in conditions])


def _reopen(scene: Scene, books: Books, effect: Effect) -> Books:
    """Where trading begins again, all is met at the price now, as after a jump."""
    for one in effect.reopened:
        there = effect._replace(can_act=effect.can_act & one.now, can_liquidate=effect.can_liquidate & one.now)
        opened = functools.partial(_jump, scene, effect=there, cause=one.cause, where=one.now)
        books = lax.cond(jnp.any(one.now), lambda books, opened=opened: opened(books, books.price), _as_it_is, books)
    return books


def _as_it_is(books: Books) -> Books:
    return books


def _diffuse(scene: Scene, books: Books, reach: Reach, effect: Effect) -> Books:
    piece, event = pieces.of_reach(scene, books, reach), scene.event(DIFFUSION)
    books = levels.meet(scene, books, piece, effect, event, jumped=False)
    seen = quotes.marked(effect, piece)
    breaches = [
        trigger.in_piece(*scene.account(number), holding, seen) for number, holding in enumerate(books.accounts)
    ]
    breaches = forced.possible(scene, breaches, piece.before, effect)
    books = losses.mark_on_the_way(scene, books, piece, quotes.indexed(effect, breaches, piece.before), event)
    books = forced.carry_out(scene, books, breaches, piece.at(piece.before), effect, DIFFUSION)
    return losses.mark_after(scene, books._replace(price=jnp.concatenate(piece.end)), piece, event)


def _jump(scene: Scene, books: Books, price: Array, effect: Effect, cause: int, where: ArrayLike = np.True_) -> Books:
    """The price, (asset, path), after a jump: whatever was passed is met there. Losses are noted on paths `where`."""
    piece = pieces.after_jump(scene, books, price)
    books = levels.meet(scene, books, piece, effect, scene.event(cause), jumped=True)
    return _test(scene, books._replace(price=price), effect, cause, where)


def _test(scene: Scene, books: Books, effect: Effect, cause: int, where: ArrayLike = np.True_) -> Books:
    """Every account at the price now."""
    point, event = now(books), scene.event(cause)
    seen = point._replace(prices=quotes.mark(effect, point.prices))
    breaches = [
        trigger.at_point(*scene.account(number), holding, seen) for number, holding in enumerate(books.accounts)
    ]
    breaches = forced.possible(scene, breaches, point.prices, effect)
    worth = jnp.where(where, wealth(scene.form, scene.numbers, books, point), np.float32(np.inf))
    books = losses.mark(scene, books, worth, event)
    return forced.carry_out(scene, books, breaches, point, effect, cause)
