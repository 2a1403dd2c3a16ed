"""Re-entry: a book that was liquidated or stopped out opens the leg again, with the same leverage, from what is left.

    N = E / (1 / L + f)      E = the account's cash and the reserve, f = fee and slippage of the trade

N is the notional, so that N / L is the margin after the trade's cost. It stays out for ever once wealth is below the
floor: a bankrupt account without reserve has none. Events keep the code of the first.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab.accounts.contracts import notional
from stresslab.accounts.form import BookForm, BookNumbers
from stresslab.accounts.point import leg_price
from stresslab.accounts.policies.base import Acting, Order, Transfer
from stresslab.accounts.scene import now
from stresslab.accounts.state import Books, is_open, wealth


class ReEntryNumbers(NamedTuple):
    """Shape (book,)."""

    side: Any  # 1 long, -1 short
    leverage: Any  # notional / margin
    floor: Any  # wealth from which on it stays out, fraction of the equity at as_of
    wait: Any  # int32, steps from the first look at a closed leg to the next entry; 0: at once


class Memory(NamedTuple):
    """(book, path)."""

    due: Array  # int32, the step of the next entry while the leg is closed, else -1
    is_out: Array  # for ever


@dataclass(frozen=True)
class ReEntry(Acting):
    """The choices: an account with one leg."""

    account: int = 0
    opens = True

    def start(self, numbers: ReEntryNumbers, nothing: Array) -> Memory:
        return Memory(jnp.full(nothing.shape, np.int32(-1)), nothing > np.float32(0))

    def act(
        self, numbers: ReEntryNumbers, memory: Memory, form: BookForm, of_book: BookNumbers, books: Books
    ) -> tuple[Memory, tuple[Transfer | Order, ...]]:
        holding, own = books.accounts[self.account], of_book.accounts[self.account].legs[0]
        is_flat = ~is_open(holding)
        worth = wealth(form, of_book, books, now(books))
        floor = numbers.floor * of_book.equity
        is_out = memory.is_out | (is_flat & (worth <= jnp.maximum(floor, np.float32(0))[:, None]))
        due = jnp.where(memory.due < 0, books.step + numbers.wait[:, None], memory.due)
        enters = is_flat & ~is_out & (books.step >= due)
        leg = form.accounts[self.account].legs[0]
        margin = jnp.maximum(books.reserve, np.float32(0))
        cost = (own.fee + own.slippage)[:, None]
        traded = (holding.balance + margin) / (np.float32(1) / numbers.leverage[:, None] + cost)
        size = numbers.side[:, None] * traded / notional(leg.contract, leg_price(leg, own, now(books)))
        wanted = (
            Transfer(self.account, jnp.where(enters, margin, np.float32(0))),
            Order(self.account, 0, jnp.where(enters, size, np.float32(0))),
        )
        return Memory(jnp.where(is_flat & ~enters, due, np.int32(-1)), is_out), wanted
