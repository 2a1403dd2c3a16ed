"""Constant leverage: the size of a leg is set so that notional / equity is a given number again.

    size = side leverage E / N(1)        N(1) the notional of one unit

at an interval, or whenever the leverage has left a band around it. In the limit of a short interval, without fees, the
equity of a linear leg is log-normal: E_t = E_0 (S_t / S_0)^(side L) exp((side L - L^2) V / 2) with V the variance of
log S so far. A leg that was closed stays closed; fees and slippage are paid on each trade.
"""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab.accounts.contracts import notional
from stresslab.accounts.form import BookForm, BookNumbers
from stresslab.accounts.point import leg_price
from stresslab.accounts.policies.base import Acting, Order
from stresslab.accounts.scene import now
from stresslab.accounts.state import Books, equity


class ConstantLeverageNumbers(NamedTuple):
    """Shape (book,)."""

    leverage: Any  # notional / equity
    interval: Any  # int32, steps
    band: Any  # fraction of the leverage


@dataclass(frozen=True)
class ConstantLeverage(Acting):
    """The choices."""

    account: int = 0
    leg: int = 0
    when: Literal["interval", "band"] = "interval"

    def start(self, numbers: ConstantLeverageNumbers, nothing: Array) -> tuple[()]:
        return ()

    def act(
        self, numbers: ConstantLeverageNumbers, memory: tuple[()], form: BookForm, of_book: BookNumbers, books: Books
    ) -> tuple[tuple[()], tuple[Order, ...]]:
        account, own = form.accounts[self.account], of_book.accounts[self.account]
        holding, point = books.accounts[self.account], now(books)
        size, leg = holding.sizes[self.leg], account.legs[self.leg]
        unit = notional(leg.contract, leg_price(leg, own.legs[self.leg], point))
        worth = jnp.maximum(equity(account, own, holding, point), np.float32(0))
        target = numbers.leverage[:, None] * worth / unit
        if self.when == "interval":
            is_due = (books.step % numbers.interval == 0)[:, None] & (books.step > 0)
        else:
            is_due = jnp.abs(jnp.abs(size) - target) > numbers.band[:, None] * target
        change = jnp.where(is_due & (size != np.float32(0)), jnp.sign(size) * target - size, np.float32(0))
        return (), (Order(self.account, self.leg, change),)
