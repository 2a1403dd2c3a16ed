"""How the holder of a book of one position acts: prices that are watched, and what is done when a step begins."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from stresslab.accounts.policies.deleverage import Deleverage, DeleverageNumbers
from stresslab.accounts.policies.margin_top_up import MarginTopUp, MarginTopUpNumbers
from stresslab.accounts.policies.stop_loss import StopLoss, StopLossNumbers
from stresslab.accounts.policies.take_profit import TakeProfit, TakeProfitNumbers


class Quiet:
    """Does nothing by the clock."""

    def act(self, book: Any) -> None:
        return None


@dataclass
class Stop(Quiet):
    """A market order where the price has moved so far against the position."""

    price: float
    form = StopLoss(at="price")
    rests, against = False, True

    def numbers(self, spot: float) -> Any:
        one = np.array(1.0)
        return StopLossNumbers(np.array(self.price / spot), one, one, one, np.array(1, np.int32))


@dataclass
class Profit(Quiet):
    """A limit order in the book."""

    price: float
    form = TakeProfit(at="price", order="limit")
    rests, against = True, False

    def numbers(self, spot: float) -> Any:
        return TakeProfitNumbers(np.array(self.price / spot), np.array(1.0), np.array(1.0))


@dataclass
class TopUp:
    """From the reserve, when equity over requirement falls below `trigger`; not again before `wait` steps."""

    trigger: float
    target: float
    wait: int
    next_step: int = 0
    form = MarginTopUp()

    def numbers(self, spot: float) -> Any:
        return MarginTopUpNumbers(np.array(self.trigger), np.array(self.target), np.array(self.wait, np.int32))

    def act(self, book: Any) -> None:
        (account,) = book.accounts
        equity, asked = account.equity(book.prices, book.step), account.requirement(book.prices, book.step)
        is_short = account.is_open and 0 < equity < self.trigger * asked
        if is_short and book.step >= self.next_step and book.reserve > 0:
            amount = min(self.target * asked - equity, book.reserve)
            account.wallet += amount
            book.reserve -= amount
            self.next_step = book.step + self.wait


@dataclass
class Lower:
    """The position is cut back to a target ratio, as if the requirement were in proportion to it."""

    trigger: float
    target: float
    form = Deleverage()

    def numbers(self, spot: float) -> Any:
        return DeleverageNumbers(np.array(self.trigger), np.array(self.target))

    def act(self, book: Any) -> None:
        (account,) = book.accounts
        (position,) = account.positions
        equity, asked = account.equity(book.prices, book.step), account.requirement(book.prices, book.step)
        if not (account.is_open and 0 < equity < self.trigger * asked):
            return
        price = position.price(book.prices, book.step)
        cost = (position.taker + position.slippage) * position.notional(price)
        share = min(max((self.target * asked - equity) / (self.target * asked - cost), 0.0), 1.0)
        book.sell(account, position, share, price, rests=False, cause="diffusion")
