"""Funding of all legs at a payment time, from longs to shorts: a rate of the notional, within the leg's cap.

    paid = clip(rate, -cap, cap) size notional(p)       p the index or the mark, as the rulebook says

Linear legs pay quote currency on size p, inverse ones coin on size / p. A short receives what a long pays. Dated
futures and options have no funding; a leg that is no perpetual of this market can say so.
"""

import functools
from typing import Any

import jax.numpy as jnp
from jax import Array

from stresslab.accounts import quotes
from stresslab.accounts.conditions.base import Effect
from stresslab.accounts.contracts import OPTIONS, notional
from stresslab.accounts.form import AccountForm, AccountNumbers
from stresslab.accounts.point import Prices
from stresslab.accounts.scene import Scene, now
from stresslab.accounts.state import Books, Holding


def pay(scene: Scene, books: Books, rate: Array, effect: Effect) -> Books:
    """Of all accounts, at the prices now; `rate` is one or one for each path."""
    index = now(books).prices
    at = {"index": index, "mark": quotes.mark(effect, index)}
    ledger, accounts = books.ledger, []
    for number, holding in enumerate(books.accounts):
        paid = _paid(*scene.account(number), holding, at, rate)
        accounts.append(holding._replace(balance=holding.balance - paid))
        ledger = ledger._replace(others=ledger.others + paid, funding=ledger.funding - paid)
    return books._replace(accounts=tuple(accounts), ledger=ledger)


def _paid(form: AccountForm, numbers: AccountNumbers, holding: Holding, at: dict[str, Prices], rate: Array) -> Array:
    payments = [
        _capped(rate, own.funding_cap) * size * notional(leg.contract, at[leg.funding][leg.asset])
        for leg, own, size in zip(form.legs, numbers.legs, holding.sizes, strict=True)
        if not leg.dated and leg.contract not in OPTIONS and leg.funding != "none"
    ]
    return functools.reduce(jnp.add, payments, jnp.zeros_like(holding.balance))


def _capped(rate: Array, cap: Any) -> Array:
    return rate if isinstance(cap, tuple) else jnp.clip(rate, -cap[:, None], cap[:, None])
