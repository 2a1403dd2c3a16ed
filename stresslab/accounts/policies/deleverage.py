"""Deleveraging: below a ratio of equity to requirement all legs are reduced by the same share, to a target ratio.

    E - s c = target (1 - s) R      s = (target R - E) / (target R - c)

with c what closing all would cost in fees and slippage. Exact where the requirement is proportional to size; with
marginal tiers it falls faster, and the account ends above the target.
"""

import functools
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab.accounts.contracts import notional
from stresslab.accounts.form import BookForm, BookNumbers
from stresslab.accounts.point import leg_price
from stresslab.accounts.policies import ratio
from stresslab.accounts.policies.base import Acting, Order
from stresslab.accounts.scene import now
from stresslab.accounts.state import Books


class DeleverageNumbers(NamedTuple):
    """Shape (book,)."""

    trigger: Any  # equity / requirement
    target: Any  # equity / requirement


@dataclass(frozen=True)
class Deleverage(Acting):
    """The choices."""

    account: int = 0

    def start(self, numbers: DeleverageNumbers, nothing: Array) -> tuple[()]:
        return ()

    def act(
        self, numbers: DeleverageNumbers, memory: tuple[()], form: BookForm, of_book: BookNumbers, books: Books
    ) -> tuple[tuple[()], tuple[Order, ...]]:
        held, required = ratio.margins(self.account, form, of_book, books)
        is_short = ratio.is_short(self.account, numbers.trigger[:, None], held, required, books)
        wanted = numbers.target[:, None] * required
        share = (wanted - held) / jnp.maximum(wanted - self._cost(form, of_book, books), np.float32(1e-30))
        share = jnp.where(is_short, jnp.clip(share, np.float32(0), np.float32(1)), np.float32(0))
        sizes = books.accounts[self.account].sizes
        return (), tuple(Order(self.account, leg, -share * size) for leg, size in enumerate(sizes))

    def _cost(self, form: BookForm, of_book: BookNumbers, books: Books) -> Array:
        """Of closing all legs."""
        legs = zip(
            form.accounts[self.account].legs,
            of_book.accounts[self.account].legs,
            books.accounts[self.account].sizes,
            strict=True,
        )
        costs = [
            (own.fee + own.slippage)[:, None] * jnp.abs(size) * notional(leg.contract, leg_price(leg, own, now(books)))
            for leg, own, size in legs
        ]
        return functools.reduce(jnp.add, costs)
