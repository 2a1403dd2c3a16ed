"""Equity and maintenance requirement of an account at the beginning of a step: what margin policies look at."""

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab.accounts.form import BookForm, BookNumbers
from stresslab.accounts.requirement import of_account
from stresslab.accounts.scene import now
from stresslab.accounts.state import Books, equity, is_open


def margins(account: int, form: BookForm, of_book: BookNumbers, books: Books) -> tuple[Array, Array]:
    """Equity and requirement, (book, path)."""
    own_form, own, holding = form.accounts[account], of_book.accounts[account], books.accounts[account]
    point = now(books)
    required = of_account(own_form, own, holding.sizes, point)
    return equity(own_form, own, holding, point), required


def is_short(account: int, trigger: Array, held: Array, required: Array, books: Books) -> Array:
    """Whether equity / requirement is below the trigger, of an account that holds something and is not in breach."""
    alive = is_open(books.accounts[account]) & (held > np.float32(0))
    return alive & (held < trigger * required) & jnp.isfinite(required)
