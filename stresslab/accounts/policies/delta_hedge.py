"""Delta hedge: a leg, mostly of an account of its own, is set against the delta of all else that the book holds.

    size = - ratio D / d       D = d wealth / d price without the leg,  d = d gain / d price of the leg

at an interval, or whenever the leg is off by more than a band. Its account has its own margin: no more is held than
`max_leverage` times that account's equity, and a hedge that was liquidated without anything left is gone.

D is worked out by a `Sensitivity`: by default the slope of wealth at the price now, of whatever it is made of.
"""

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab.accounts.contracts import gain, notional
from stresslab.accounts.form import BookForm, BookNumbers
from stresslab.accounts.point import Point, leg_price
from stresslab.accounts.policies.base import Acting, Order
from stresslab.accounts.scene import now
from stresslab.accounts.state import Books, equity, wealth


class Sensitivity(Protocol):
    """What is hedged: a hashable."""

    def slope(self, asset: int, form: BookForm, of_book: BookNumbers, books: Books) -> Array:
        """Change of wealth with the price of the asset, the hedge included, (book, path)."""


@dataclass(frozen=True)
class OfWealth:
    """The derivative of wealth at the price now."""

    def slope(self, asset: int, form: BookForm, of_book: BookNumbers, books: Books) -> Array:
        def worth(price: Array) -> Array:
            return wealth(form, of_book, books, _with_price(now(books), asset, price))

        return _derivative(worth, now(books).prices[asset])


class DeltaHedgeNumbers(NamedTuple):
    """Shape (book,)."""

    ratio: Any  # share of the delta that is hedged
    max_leverage: Any  # notional / equity of the hedge's account
    interval: Any  # int32, steps
    band: Any  # in units of the leg's size


@dataclass(frozen=True)
class DeltaHedge(Acting):
    """The choices."""

    account: int = 1
    leg: int = 0
    when: Literal["interval", "band"] = "interval"
    of: Sensitivity = field(default_factory=OfWealth)

    def start(self, numbers: DeltaHedgeNumbers, nothing: Array) -> tuple[()]:
        return ()

    def act(
        self, numbers: DeltaHedgeNumbers, memory: tuple[()], form: BookForm, of_book: BookNumbers, books: Books
    ) -> tuple[tuple[()], tuple[Order, ...]]:
        account, own = form.accounts[self.account], of_book.accounts[self.account]
        leg, leg_numbers, holding = account.legs[self.leg], own.legs[self.leg], books.accounts[self.account]
        size, point = holding.sizes[self.leg], now(books)

        def made(price: Array) -> Array:
            return gain(leg.contract, leg_price(leg, leg_numbers, _with_price(point, leg.asset, price)))

        unit = jnp.broadcast_to(_derivative(made, point.prices[leg.asset]), size.shape)
        others = self.of.slope(leg.asset, form, of_book, books) - size * unit
        held = jnp.maximum(equity(account, own, holding, point), np.float32(0))
        most = numbers.max_leverage[:, None] * held / notional(leg.contract, leg_price(leg, leg_numbers, point))
        target = jnp.clip(-numbers.ratio[:, None] * others / unit, -most, most)
        if self.when == "interval":
            is_due = (books.step % numbers.interval == 0)[:, None]
        else:
            is_due = jnp.abs(target - size) > numbers.band[:, None]
        return (), (Order(self.account, self.leg, jnp.where(is_due, target - size, np.float32(0))),)


def _with_price(point: Point, asset: int, price: Array) -> Point:
    return point._replace(prices=(*point.prices[:asset], price, *point.prices[asset + 1 :]))


def _derivative(value: Any, price: Array) -> Array:
    _, slope = jax.jvp(value, (price,), (jnp.ones_like(price),))
    return slope
