"""Dated futures and options settle in cash at the index when they expire, without slippage or fee."""

import jax.numpy as jnp
import numpy as np

from stresslab.accounts import option_legs, orders
from stresslab.accounts.contracts import OPTIONS
from stresslab.accounts.scene import Scene, now, with_account
from stresslab.accounts.state import Books


def settle(scene: Scene, books: Books) -> Books:
    """Settle what has expired by now."""
    for number, form in enumerate(scene.form.accounts):
        for place, leg in enumerate(form.legs):
            if leg.dated:
                own, holding = scene.numbers.accounts[number].legs[place], books.accounts[number]
                is_due = (own.expiry <= books.step)[:, None]
                change = jnp.where(is_due, -holding.sizes[place], np.float32(0))
                price = now(books).prices[leg.asset]
                holding, ledger = orders.trade(leg, place, holding, books.ledger, change, price)
                books = with_account(books, number, holding)._replace(ledger=ledger)
    return books


def pay_options(scene: Scene, books: Books) -> Books:
    """Pay the options that expire now, at the end of a step: from here on their leg is worth what is left of it."""
    for number, form in enumerate(scene.form.accounts):
        for place, leg in enumerate(form.legs):
            if leg.contract in OPTIONS:
                own, holding = scene.numbers.accounts[number].legs[place], books.accounts[number]
                price = now(books).prices[leg.asset]
                cash = option_legs.paid(leg, own.options, holding.sizes[place], price, books.step)
                books = with_account(books, number, holding._replace(balance=holding.balance + cash))
                books = books._replace(ledger=books.ledger._replace(others=books.ledger.others - cash))
    return books
