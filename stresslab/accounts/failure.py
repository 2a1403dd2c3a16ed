"""What is left of books whose venue has failed: see `conditions.venue_default`."""

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from stresslab.accounts import losses, orders, quotes
from stresslab.accounts.conditions.base import Effect, Failure
from stresslab.accounts.form import AccountForm, AccountNumbers
from stresslab.accounts.point import Point, leg_price
from stresslab.accounts.scene import Scene, first, now, with_account
from stresslab.accounts.state import Books, Holding, Ledger, collateral_value, wealth
from stresslab.books.outcome import VENUE_DEFAULT


def settle(scene: Scene, books: Books, effect: Effect) -> Books:
    """Close all that is held at a venue that fails now, and leave what is recovered."""
    for failure in effect.failed:
        books = lax.cond(
            jnp.any(failure.now),
            lambda books, failure=failure: _fail(scene, books, effect, failure),
            lambda books: books,
            books,
        )
    return books


def _fail(scene: Scene, books: Books, effect: Effect, failure: Failure) -> Books:
    here, event, codes = now(books), scene.event(VENUE_DEFAULT), books.codes
    at = here._replace(prices=quotes.mark(effect, here.prices))
    for number, holding in enumerate(books.accounts):
        after, ledger = _close(*scene.account(number), holding, books.ledger, failure.now, at)
        below = jnp.maximum(-after.balance, np.float32(0))
        below = jnp.where(failure.now, below, np.float32(0))
        lost = _lost(failure, after.balance)
        books = with_account(books, number, after._replace(balance=after.balance + below - lost))
        books = books._replace(
            ledger=ledger._replace(
                fund=ledger.fund - below, shortfall=ledger.shortfall + below, others=ledger.others + lost
            )
        )
        codes = codes._replace(bankruptcy=first(codes.bankruptcy, below > np.float32(0), event))
    if failure.reserve_is_there:
        lost = _lost(failure, books.reserve)
        books = books._replace(
            reserve=books.reserve - lost, ledger=books.ledger._replace(others=books.ledger.others + lost)
        )
    books = books._replace(codes=codes._replace(default=first(codes.default, failure.now, event)))
    left = wealth(scene.form, scene.numbers, books, here)
    return losses.mark(scene, books, jnp.where(failure.now, left, np.float32(np.inf)), event)


def _lost(failure: Failure, balance: Array) -> Array:
    part = (np.float32(1) - failure.recovery) * jnp.maximum(balance, np.float32(0))
    return jnp.where(failure.now, part, np.float32(0))


def _close(
    form: AccountForm, numbers: AccountNumbers, holding: Holding, ledger: Ledger, fails: Array, at: Point
) -> tuple[Holding, Ledger]:
    """Positions and collateral as cash."""
    for number, (leg, own) in enumerate(zip(form.legs, numbers.legs, strict=True)):
        change = jnp.where(fails, -holding.sizes[number], np.float32(0))
        holding, ledger = orders.trade(leg, number, holding, ledger, change, leg_price(leg, own, at))
    if not form.collaterals:
        return holding, ledger
    worth = jnp.where(fails, collateral_value(form, numbers, holding, at, margin=False), np.float32(0))
    kept = tuple(jnp.where(fails, np.float32(0), amount) for amount in holding.collaterals)
    claimed = holding._replace(balance=holding.balance + worth, collaterals=kept)
    return claimed, ledger._replace(others=ledger.others - worth)
