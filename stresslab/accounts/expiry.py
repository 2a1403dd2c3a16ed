"""Dated futures settle in cash at the index when they expire, without slippage or fee."""

import jax.numpy as jnp
import numpy as np

from stresslab.accounts import orders
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
