"""What the parts of the engine share: the books' form and numbers, and the codes of events."""

from collections.abc import Callable
from typing import Any, NamedTuple, Self

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from stresslab.accounts import option_legs
from stresslab.accounts.form import AccountForm, AccountNumbers, BookForm, BookNumbers
from stresslab.accounts.point import Point, rows
from stresslab.accounts.state import Books, Holding
from stresslab.books.outcome import NEVER, code


class Scene(NamedTuple):
    """Of one segment of a scan."""

    form: BookForm
    numbers: BookNumbers
    fractions: Array  # loss levels
    correlation: Array  # of the assets' price noise, (asset, asset)
    bin_index: Array

    def at_step(self, step: Array) -> Self:
        """The scene in which books of options can be valued: their tables are read at this step."""
        return self._replace(numbers=option_legs.at_step(self.form, self.numbers, step))

    def event(self, cause: int) -> Array:
        """The code of an event now."""
        return code(self.bin_index, np.int32(cause))

    def account(self, number: int) -> tuple[AccountForm, AccountNumbers]:
        """Form and numbers of one account."""
        return self.form.accounts[number], self.numbers.accounts[number]


def now(books: Books) -> Point:
    """Where the last piece ended."""
    return Point(rows(books.price), books.variance, books.step)


def first(before: Array, hit: Array, event: Array) -> Array:
    """The code of an event that is noted once."""
    return jnp.where(hit & (before == NEVER), event, before)


def if_any(hit: Array, change: Callable[[Books], Books], books: Books) -> Books:
    """The books changed, if any of them is hit.

    What `hit` and `change` are made of is worked out once; without this XLA fuses it anew into each array it leads to.
    """
    return lax.cond(jnp.any(hit), change, lambda same: same, books)


def with_account(books: Books, number: int, holding: Holding) -> Books:
    """The books with one account changed."""
    return books._replace(accounts=(*books.accounts[:number], holding, *books.accounts[number + 1 :]))


def with_policy(books: Books, number: int, memory: Any) -> Books:
    """The books with one policy's memory changed."""
    return books._replace(policies=(*books.policies[:number], memory, *books.policies[number + 1 :]))
