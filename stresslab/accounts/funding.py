"""Funding of all legs at a payment time: a rate of the notional at the mark, from longs to shorts."""

import functools

import jax.numpy as jnp
from jax import Array

from stresslab.accounts.conditions.base import Effect
from stresslab.accounts.contracts import notional
from stresslab.accounts.form import AccountForm
from stresslab.accounts.scene import Scene, now
from stresslab.accounts.state import Books, Holding


def pay(scene: Scene, books: Books, rate: Array, effect: Effect) -> Books:
    """A short receives what a long pays; dated futures have no funding."""
    ledger, accounts = books.ledger, []
    for form, holding in zip(scene.form.accounts, books.accounts, strict=True):
        paid = _paid(form, holding, books, rate)
        accounts.append(holding._replace(balance=holding.balance - paid))
        ledger = ledger._replace(others=ledger.others + paid, funding=ledger.funding - paid)
    return books._replace(accounts=tuple(accounts), ledger=ledger)


def _paid(form: AccountForm, holding: Holding, books: Books, rate: Array) -> Array:
    prices = now(books).prices
    payments = [
        rate * size * notional(leg.contract, prices[leg.asset])
        for leg, size in zip(form.legs, holding.sizes, strict=True)
        if not leg.dated
    ]
    return functools.reduce(jnp.add, payments, jnp.zeros_like(holding.balance))
