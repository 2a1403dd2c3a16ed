"""What a policy is: how the holder of a book acts on it, as pure functions of what can be seen.

A policy is a hashable NamedTuple of choices that change the program, with its numbers apart. Two ways to act:
- `levels`: prices at which part of a leg is to be closed, watched between steps (stop-loss, take-profit, trailing);
- `act`: orders and transfers at the beginning of a step, after the funding and the record of the step before (top-up,
  deleveraging, rebalancing, hedging, re-entry).
Nothing is done while the venue is down: the engine drops what cannot be carried out. One policy is one small file.
"""

from typing import Any, NamedTuple, Protocol

from jax import Array

from stresslab.accounts.form import BookForm, BookNumbers
from stresslab.accounts.state import Books


class Level(NamedTuple):
    """A price of the leg's asset at which a share of that leg is closed; arrays (book, path)."""

    account: int
    leg: int
    price: Array
    below: Array  # bool: hit when the price falls to the level, else when it rises to it
    share: Array  # of the leg, 0 where there is no order
    at_level: Array  # bool: a limit order that fills at the level or not at all; else a market order with slippage


class Order(NamedTuple):
    """A market order at the beginning of a step."""

    account: int
    leg: int
    change: Array  # of the size, signed, (book, path)


class Transfer(NamedTuple):
    """Cash from the reserve to an account, at most what is there; negative: the other way."""

    account: int
    amount: Array  # (book, path)


class Policy(Protocol):
    """The protocol; `memory` is a pytree of (book, path) arrays."""

    def start(self, numbers: Any, nothing: Array) -> Any:
        """Memory at as_of; `nothing` is zero, (book, path)."""

    def levels(
        self, numbers: Any, memory: Any, form: BookForm, of_book: BookNumbers, books: Books
    ) -> tuple[Level, ...]:
        """The levels that it watches in the next piece; most have none."""

    def seen(self, numbers: Any, memory: Any, form: BookForm, books: Books, hits: tuple[Array, ...]) -> Any:
        """Memory after a piece: which levels were hit, and where the price now stands."""

    def act(
        self, numbers: Any, memory: Any, form: BookForm, of_book: BookNumbers, books: Books
    ) -> tuple[Any, tuple[Order | Transfer, ...]]:
        """Memory after acting, and what is to be done."""


class Watching:
    """Base of a policy that only has levels."""

    def act(
        self, numbers: Any, memory: Any, form: BookForm, of_book: BookNumbers, books: Books
    ) -> tuple[Any, tuple[()]]:
        return memory, ()


class Acting:
    """Base of a policy that only acts by the clock."""

    def levels(self, numbers: Any, memory: Any, form: BookForm, of_book: BookNumbers, books: Books) -> tuple[()]:
        return ()

    def seen(self, numbers: Any, memory: Any, form: BookForm, books: Books, hits: tuple[Array, ...]) -> Any:
        return memory
