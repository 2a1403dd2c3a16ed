"""Take-profit: closes a leg, or a share of it, when the price has moved so far in its favour.

A limit order rests at the level and fills there, in a gap too; a market order fills at the level with slippage, after a
gap at the price where it ended.
"""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab.accounts.form import BookForm, BookNumbers
from stresslab.accounts.policies import target
from stresslab.accounts.policies.base import Glance, Level, Watching
from stresslab.accounts.policies.target import At, Entry
from stresslab.accounts.state import Books


class TakeProfitNumbers(NamedTuple):
    """Shape (book,)."""

    level: Any  # a price relative to spot, or the fraction of entry or margin that is gained
    anchor: Any  # entry price relative to spot, or margin at entry; not used by a price
    share: Any  # of the leg that is closed


class Memory(NamedTuple):
    """(book, path)."""

    entry: Entry
    is_done: Any = ()  # of a part: once is enough


@dataclass(frozen=True)
class TakeProfit(Watching):
    """The choices."""

    account: int = 0
    leg: int = 0
    at: At = "from_entry"
    order: Literal["market", "limit"] = "limit"
    on: Literal["mark", "last"] = "mark"
    part: bool = False  # whether a share below 1 is closed

    @property
    def closes_once(self) -> bool:  # type: ignore[override]
        return not self.part

    def start(self, numbers: TakeProfitNumbers, nothing: Array) -> Memory:
        return Memory(target.begin(numbers.anchor, nothing), nothing > np.float32(0) if self.part else ())

    def levels(
        self, numbers: TakeProfitNumbers, memory: Memory, form: BookForm, of_book: BookNumbers, books: Books
    ) -> tuple[Level, ...]:
        size = books.accounts[self.account].sizes[self.leg]
        price = target.price(self.at, numbers.level[:, None], memory.entry, self.account, self.leg, form, books)
        share = jnp.broadcast_to(numbers.share[:, None], size.shape)
        if self.part:
            share = jnp.where(memory.is_done, np.float32(0), share)
        at_rest = self.order == "limit"
        return (Level(self.account, self.leg, price, share, against=False, at_rest=at_rest, on=self.on),)

    def seen(
        self,
        numbers: TakeProfitNumbers,
        memory: Memory,
        form: BookForm,
        of_book: BookNumbers,
        books: Books,
        glance: Glance,
    ) -> Memory:
        entry = target.renew(self.at, memory.entry, self.account, self.leg, form, of_book, books)
        if not self.part:
            return Memory(entry)
        is_open = books.accounts[self.account].sizes[self.leg] != np.float32(0)
        done = memory.is_done
        for filled in glance.filled:
            done = done | filled
        return Memory(entry, done & is_open)
