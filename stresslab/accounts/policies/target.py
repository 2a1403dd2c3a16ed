"""The price at which a leg has lost or gained so much: what stop-loss and take-profit share.

    price        the level itself
    from_entry   entry (1 +- side fraction)
    of_margin    where the account's cash is worth margin (1 +- fraction): of an account with one leg

Of a linear leg with balance b and size q the last is p = 1 + (m - b) / q, of an inverse one 1 / (1 - (m - b) / q); it
moves with funding. A leg that is opened again has a new entry: its price then, or what the account holds by then.
"""

from typing import Any, Literal, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab.accounts.contracts import price_of
from stresslab.accounts.form import BookForm, BookNumbers
from stresslab.accounts.scene import now
from stresslab.accounts.state import Books, cash_value

At = Literal["price", "from_entry", "of_margin"]


class Entry(NamedTuple):
    """What a level is counted from, (book, path)."""

    anchor: Array  # entry price, or margin
    is_open: Array


def begin(anchor: Any, nothing: Array) -> Entry:
    """At as_of."""
    return Entry(nothing + anchor[:, None], nothing == np.float32(0))


def renew(at: At, entry: Entry, account: int, leg: int, form: BookForm, of_book: BookNumbers, books: Books) -> Entry:
    """The entry of a leg that was opened since the last look; nothing to do where no policy opens any."""
    if not any(policy.opens for policy in form.policies):
        return entry
    holding = books.accounts[account]
    is_open = holding.sizes[leg] != np.float32(0)
    if at == "of_margin":
        fresh = cash_value(form.accounts[account], of_book.accounts[account], holding, now(books))
    else:
        fresh = now(books).prices[form.accounts[account].legs[leg].asset]
    return Entry(jnp.where(is_open & ~entry.is_open, fresh, entry.anchor), is_open)


def price(at: At, level: Array, entry: Entry, account: int, leg: int, form: BookForm, books: Books) -> Array:
    """The price, (book, path); `level` is a price, or the fraction gained (below 0: lost)."""
    size = books.accounts[account].sizes[leg]
    if at == "price":
        return jnp.broadcast_to(level, size.shape)
    if at == "from_entry":
        return entry.anchor * (np.float32(1) + jnp.sign(size) * level)
    made = (entry.anchor * (np.float32(1) + level) - books.accounts[account].balance) / _not_zero(size)
    return price_of(form.accounts[account].legs[leg].contract, made)


def _not_zero(x: Array) -> Array:
    return jnp.where(x == np.float32(0), np.float32(1), x)
