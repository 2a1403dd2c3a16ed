"""Why an account was liquidated, beyond how the price got there.

    halt        found in breach at a reopening
    outage      a stop on it was reached while the holder could not act, and has not been carried out since
    collateral  it would not be in breach with its collateral at the prices of as_of

The first that is true, else what moved the price: diffusion, gap, funding.
"""

import functools

import jax.numpy as jnp
from jax import Array

from stresslab.accounts.form import AccountForm, AccountNumbers, BookForm
from stresslab.accounts.point import Point
from stresslab.accounts.requirement import of_account
from stresslab.accounts.scene import Scene
from stresslab.accounts.state import Books, Holding, cash_value
from stresslab.books.outcome import BASE_CAUSES, CAUSES, COLLATERAL, HALT, OUTAGE


def causes_of(form: BookForm) -> tuple[str, ...]:
    """Those that can occur in books of this form, in their order."""
    found = set(range(len(BASE_CAUSES))) | {cause for condition in form.conditions for cause in condition.causes}
    if any(account.collaterals for account in form.accounts):
        found.add(COLLATERAL)
    if not form.can_miss_stops:
        found.discard(OUTAGE)
    return tuple(CAUSES[cause] for cause in sorted(found))


def of_liquidation(scene: Scene, books: Books, number: int, at: Point, cause: int, event: Array) -> Array:
    """The code of a liquidation at these marks, (book, path): `event`, that of the cause, where it is no other."""
    if cause == HALT:
        return event
    form, own = scene.account(number)
    if form.collaterals:
        spared = _spared(form, own, books.accounts[number], at)
        event = jnp.where(spared, scene.event(COLLATERAL), event)
    return jnp.where(books.missed[number], scene.event(OUTAGE), event) if books.missed else event


def _spared(form: AccountForm, numbers: AccountNumbers, holding: Holding, at: Point) -> Array:
    """Whether the account would stand if its collateral were worth what it was."""
    worth = [amount * own.weight[:, None] for own, amount in zip(numbers.collaterals, holding.collaterals, strict=True)]
    required = of_account(form, numbers, holding.sizes, at)
    equity = functools.reduce(jnp.add, worth, cash_value(form, numbers, holding, at))
    return equity > required if not form.strict else equity >= required
