"""Stop-loss: closes a leg, or a share of it, when the price has moved so far against it.

A market order fills at the level with slippage; after a gap at the price where it ended. A limit order fills no worse
than `limit` beyond the level: where a gap went further it rests at that limit, and fills there if the price comes back.
With latency a market order is carried out so many steps after the step in which the level was reached.
"""

import functools
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab.accounts.form import BookForm, BookNumbers
from stresslab.accounts.policies import target
from stresslab.accounts.policies.base import Glance, Level, Order, Watching
from stresslab.accounts.policies.target import At, Entry
from stresslab.accounts.state import Books
from stresslab.errors import require


class StopLossNumbers(NamedTuple):
    """Shape (book,)."""

    level: Any  # a price relative to spot, or the fraction of entry or margin that is lost
    anchor: Any  # entry price relative to spot, or margin at entry; not used by a price
    share: Any  # of the leg that is closed
    limit: Any  # of a limit order: how far beyond the level it still fills, a fraction of the level
    latency: Any  # int32, steps from the level to a delayed order, at least 1


class Memory(NamedTuple):
    """(book, path)."""

    entry: Entry
    is_done: Any = ()  # of a part: once is enough
    is_resting: Any = ()  # of a limit order: the level was passed without a fill
    due: Any = ()  # of a delayed order: int32, the step of its execution, or -1


@dataclass(frozen=True)
class StopLoss(Watching):
    """The choices."""

    account: int = 0
    leg: int = 0
    at: At = "from_entry"
    order: Literal["market", "limit"] = "market"
    on: Literal["mark", "last"] = "mark"
    part: bool = False  # whether a share below 1 is closed
    delayed: bool = False

    def __post_init__(self) -> None:
        require(not (self.delayed and self.order == "limit"), "a limit order has no latency", key="latency")

    @property
    def closes_once(self) -> bool:  # type: ignore[override]
        return not (self.part or self.delayed)

    def start(self, numbers: StopLossNumbers, nothing: Array) -> Memory:
        no = nothing > np.float32(0)
        return Memory(
            target.begin(numbers.anchor, nothing),
            is_done=no if self.part else (),
            is_resting=no if self.order == "limit" else (),
            due=jnp.where(no, 0, np.int32(-1)) if self.delayed else (),
        )

    def levels(
        self, numbers: StopLossNumbers, memory: Memory, form: BookForm, of_book: BookNumbers, books: Books
    ) -> tuple[Level, ...]:
        size = books.accounts[self.account].sizes[self.leg]
        level = numbers.level[:, None] if self.at == "price" else -numbers.level[:, None]
        price = target.price(self.at, level, memory.entry, self.account, self.leg, form, books)
        share = jnp.broadcast_to(numbers.share[:, None], size.shape)
        if self.part:
            share = jnp.where(memory.is_done, np.float32(0), share)
        if self.delayed:
            share = jnp.where(memory.due < 0, share, np.float32(0))
        stop = Level(self.account, self.leg, price, share, against=True, fills=not self.delayed, on=self.on)
        if self.order == "market":
            return (stop,)
        worst = price * (np.float32(1) - jnp.sign(size) * numbers.limit[:, None])
        waiting, resting = (jnp.where(memory.is_resting == now, share, np.float32(0)) for now in (False, True))
        rest = Level(self.account, self.leg, worst, resting, against=False, at_rest=True, on="last")
        return stop._replace(share=waiting, worst=worst), rest

    def seen(
        self,
        numbers: StopLossNumbers,
        memory: Memory,
        form: BookForm,
        of_book: BookNumbers,
        books: Books,
        glance: Glance,
    ) -> Memory:
        is_open = books.accounts[self.account].sizes[self.leg] != np.float32(0)
        entry = target.renew(self.at, memory.entry, self.account, self.leg, form, of_book, books)
        memory = memory._replace(entry=entry)
        if glance.reached and self.delayed:
            due = jnp.where(glance.reached[0], books.step + numbers.latency[:, None], memory.due)
            memory = memory._replace(due=due)
        if glance.reached and self.part:
            memory = memory._replace(is_done=functools.reduce(jnp.logical_or, glance.filled, memory.is_done))
        if glance.reached and self.order == "limit":
            is_passed = glance.reached[0] & ~glance.filled[0]
            filled = functools.reduce(jnp.logical_or, glance.filled)
            memory = memory._replace(is_resting=(memory.is_resting & ~filled) | is_passed)
        # a leg that is opened again has all its orders
        done, resting = (flag & is_open if isinstance(flag, jax.Array) else () for flag in memory[1:3])
        return memory._replace(is_done=done, is_resting=resting)

    def act(
        self, numbers: StopLossNumbers, memory: Memory, form: BookForm, of_book: BookNumbers, books: Books
    ) -> tuple[Memory, tuple[Order, ...]]:
        if not self.delayed:
            return memory, ()
        is_due = (memory.due >= 0) & (books.step >= memory.due)
        size = books.accounts[self.account].sizes[self.leg]
        change = jnp.where(is_due, -numbers.share[:, None] * size, np.float32(0))
        is_over = is_due | (size == np.float32(0))
        after = memory._replace(due=jnp.where(is_over, np.int32(-1), memory.due))
        if self.part:
            after = after._replace(is_done=after.is_done | is_due)
        return after, (Order(self.account, self.leg, change),)
