"""What a policy is: how the holder of a book acts on it, as pure functions of what can be seen.

A policy is a frozen dataclass of choices that change the program (two NamedTuples of different kinds and equal fields
would be equal, and so share a program), with its numbers apart. Two ways to act:
- `levels`: prices at which part of a leg is to be closed, watched between steps (stop-loss, take-profit, trailing);
- `act`: orders and transfers at the beginning of a step, after the funding and the record of the step before (top-up,
  deleveraging, rebalancing, hedging, re-entry).
Nothing is done while the venue is down: the engine drops what cannot be carried out. One policy is one small file.
"""

from typing import Any, Literal, NamedTuple, Protocol

from jax import Array

from stresslab.accounts.form import BookForm, BookNumbers
from stresslab.accounts.point import Prices
from stresslab.accounts.state import Books


class Level(NamedTuple):
    """A price of the leg's asset at which a share of that leg is closed; arrays (book, path)."""

    account: int
    leg: int
    price: Array
    share: Array  # of the leg, 0 where there is no order
    against: bool  # reached by a move against the leg (a long's by a fall), else by one in its favour
    at_rest: bool = False  # an order in the book: fills at the level, whatever comes; else a market order
    worst: Any = ()  # of a market order with a limit: the worst price of the asset at which it fills
    fills: bool = True  # else reaching it is only told to the policy
    on: Literal["mark", "last"] = "mark"  # the price that is watched


class Order(NamedTuple):
    """A market order at the beginning of a step."""

    account: int
    leg: int
    change: Array  # of the size, signed, (book, path)


class Transfer(NamedTuple):
    """Cash from the reserve to an account, at most what is there; negative: the other way."""

    account: int
    amount: Array  # (book, path)


class Glance(NamedTuple):
    """What a policy sees of a piece: the extremes of each asset's price, and what became of its own levels."""

    low: Prices
    high: Prices
    reached: tuple[Array, ...] = ()  # while the venue was up
    filled: tuple[Array, ...] = ()


class Policy(Protocol):
    """The protocol; `memory` is a pytree of (book, path) arrays."""

    @property
    def opens(self) -> bool:
        """Whether it may open a leg that is closed: others then look for a new entry."""

    @property
    def closes_once(self) -> bool:
        """Whether all it does is to close a whole leg at a level: see `first_event`."""

    def start(self, numbers: Any, nothing: Array) -> Any:
        """Memory at as_of; `nothing` is zero, (book, path)."""

    def levels(
        self, numbers: Any, memory: Any, form: BookForm, of_book: BookNumbers, books: Books
    ) -> tuple[Level, ...]:
        """The levels that it watches in the next piece; most have none."""

    def seen(
        self, numbers: Any, memory: Any, form: BookForm, of_book: BookNumbers, books: Books, glance: Glance
    ) -> Any:
        """Memory after all policies have acted in a step, and after every piece of it."""

    def act(
        self, numbers: Any, memory: Any, form: BookForm, of_book: BookNumbers, books: Books
    ) -> tuple[Any, tuple[Order | Transfer, ...]]:
        """Memory after acting, and what is to be done."""


class Watching:
    """Base of a policy that only has levels."""

    opens = False  # whether it may open a leg that is closed
    closes_once = False  # whether all it does is to close a whole leg at a level

    def act(
        self, numbers: Any, memory: Any, form: BookForm, of_book: BookNumbers, books: Books
    ) -> tuple[Any, tuple[Order | Transfer, ...]]:
        return memory, ()


class Acting:
    """Base of a policy that only acts by the clock."""

    opens = False
    closes_once = False

    def levels(
        self, numbers: Any, memory: Any, form: BookForm, of_book: BookNumbers, books: Books
    ) -> tuple[Level, ...]:
        return ()

    def seen(
        self, numbers: Any, memory: Any, form: BookForm, of_book: BookNumbers, books: Books, glance: Glance
    ) -> Any:
        return memory
