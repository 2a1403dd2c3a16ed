"""A book of accounts: who pays whom, when, and what is noted.

Order of events: at the beginning of a step what has expired is settled; each piece in time order, with at most one
forced order of an account in a piece; then funding, and every account is tested again; then the mark.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from helpers.account_twin.account import Account
from helpers.account_twin.path import (
    Begin,
    Clock,
    Drift,
    End,
    Funding,
    Jump,
    Mark,
    Prices,
    Stop,
    first_zero,
    stops,
)
from helpers.account_twin.position import Position
from helpers.account_twin.stages import Asked

VENUE, FUND, OTHERS = "venue", "fund", "others"


class Event(NamedTuple):
    bin: int
    cause: str


class Money(NamedTuple):
    """Since as_of, settlement currency. `others` is what counterparties made, open positions included."""

    pnl: float
    fees: float
    funding: float
    shortfall: float
    fund: float
    others: float


@dataclass
class Book:
    accounts: list[Account]
    spots: Prices
    reserve: float = 0.0
    entry_fee: float = 0.0  # already taken from the wallets, or
    outside_fee: float = 0.0  # of it: still to be paid from elsewhere
    loss_levels: tuple[float, ...] = ()
    parts: int = 4  # looks on each straight line
    scale: float = 1.0  # what the engine's money is relative to
    policies: list[Any] = field(default_factory=list)  # of a book of one position
    codes: dict[object, Event] = field(default_factory=dict)
    marks: list[Money] = field(default_factory=list)
    funding: float = 0.0
    shortfall: float = 0.0

    def __post_init__(self) -> None:
        self.prices, self.step, self.bin = self.spots, 0, 0
        self.at_start = self.worth() + self.entry_fee - self.outside_fee
        self.cash = {VENUE: self.entry_fee, FUND: 0.0, OTHERS: 0.0}
        self.reserve -= self.outside_fee
        self.others_at_start = self.others_worth()
        self.total_at_start = self.total()

    def worth(self, prices: Prices | None = None) -> float:
        at = self.prices if prices is None else prices
        return self.reserve + sum(account.worth(at, self.step) for account in self.accounts)

    def others_worth(self) -> float:
        """Cash less what the open positions would cost them."""
        profits = (p.profit(p.price(self.prices, self.step)) for a in self.accounts for p in a.positions)
        return self.cash[OTHERS] - sum(profits)

    def total(self) -> float:
        """All cash there is: only collateral that is sold brings any in, from the others."""
        return self.reserve + sum(a.wallet for a in self.accounts) + sum(self.cash.values())

    def follow(self, events: Iterable[NamedTuple]) -> "Book":
        for event in events:
            getattr(self, HANDLERS[type(event)])(event)
        return self

    def note(self, what: object, cause: str) -> None:
        self.codes.setdefault(what, Event(self.bin, cause))

    def note_losses(self, worth: float, cause: str) -> None:
        for level in self.loss_levels:
            if worth <= (1 - level) * self.at_start:
                self.note(level, cause)

    def pay(self, account: Account, to: str, amount: float) -> None:
        account.wallet -= amount
        self.cash[to] += amount

    # --- what happens on the path

    def begin(self, _: Begin) -> None:
        for account in self.accounts:
            due = [p for p in account.positions if p.size and p.expiry is not None and p.expiry <= self.step]
            for position in due:
                self.realise(account, position, position.size, self.prices[position.asset])
        for policy in self.policies:
            policy.act(self)

    def drift(self, piece: Drift) -> None:
        way = stops(self.prices, piece, self.parts)
        met = []
        self.meet_levels(way)
        for account in self.accounts:
            found = first_zero(lambda prices, account=account: account.is_breached(prices, self.step), way)
            if found:
                met.append((found.at, account, found))
        done = -1.0
        for at, account, found in sorted(met, key=lambda one: one[0]):
            self.look(way, done, at, "diffusion")
            self.liquidate(account, found.prices, "diffusion")
            done = at
        self.look(way, done, float("inf"), "diffusion")
        self.prices = way[-1].prices

    def meet_levels(self, way: list[Stop]) -> None:
        """What is watched of a position, where that comes before its liquidation."""
        account, position = self.accounts[0], self.accounts[0].positions[0]
        for level in self.watched():
            found = first_zero(lambda prices, level=level: self.is_reached(level, position, prices), way)
            closed = first_zero(lambda prices: account.is_breached(prices, self.step), way)
            if found and position.size and not (closed and closed.at <= found.at):
                self.look(way, -1.0, found.at, "diffusion")
                price = position.price(found.prices, self.step)
                self.sell(account, position, 1.0, price, level.rests, "diffusion")

    def watched(self) -> list[Any]:
        return [policy for policy in self.policies if hasattr(policy, "rests")]

    def is_reached(self, level: Any, position: Position, prices: Prices) -> bool:
        price = prices[position.asset]
        return price <= level.price if (position.size > 0) == level.against else price >= level.price

    def sell(self, account: Account, position: Position, share: float, price: float, rests: bool, cause: str) -> None:
        """The holder closes a share: at the price if the order rests there, else with slippage; and the fee."""
        fill, size = price * (1 - position.side * position.slippage * (not rests)), share * position.size
        self.pay(account, VENUE, position.taker * position.notional(fill, size))
        self.realise(account, position, size, fill)
        if not account.is_open and account.wallet < 0:
            self.note("bankruptcy", cause)
            self.shortfall -= account.wallet
            self.pay(account, FUND, account.wallet)

    def look(self, way: list[Stop], after: float, until: float, cause: str) -> None:
        """Wealth between two places of a way."""
        for stop in way:
            if after < stop.at < until:
                self.note_losses(self.worth(stop.prices), cause)

    def jump(self, piece: Jump) -> None:
        self.prices = piece.prices
        for level in self.watched():
            (account,) = self.accounts
            (position,) = account.positions
            if self.is_reached(level, position, self.prices) and position.size:
                price = level.price if level.rests else self.prices[position.asset]
                if not account.is_breached((price,), self.step):
                    self.sell(account, position, 1.0, price, level.rests, "gap")
        self.test("gap")

    def end(self, _: End) -> None:
        self.step += 1

    def pay_funding(self, payment: Funding) -> None:
        for account in self.accounts:
            for p in account.positions:
                if p.expiry is None:
                    amount = payment.rate * p.side * p.notional(self.funded_at(p))
                    self.pay(account, OTHERS, amount)
                    self.funding -= amount
        self.test("funding")

    def funded_at(self, position: Position) -> float:
        return self.prices[position.asset]

    def test(self, cause: str) -> None:
        """Every account at the prices now."""
        breached = [account for account in self.accounts if account.is_breached(self.prices, self.step)]
        self.note_losses(self.worth(), cause)
        for account in breached:
            self.liquidate(account, self.prices, cause)

    def mark(self, _: Mark) -> None:
        self.marks.append(
            Money(
                self.worth() - self.at_start,
                self.cash[VENUE],
                self.funding,
                self.shortfall,
                self.cash[FUND],
                self.others_worth() - self.others_at_start,
            )
        )

    def tick(self, clock: Clock) -> None:
        self.bin = clock.bin

    # --- trades

    def realise(self, account: Account, position: Position, size: float, fill: float) -> None:
        """The others pay what a part of the position has made."""
        self.pay(account, OTHERS, -position.profit(fill, size))
        position.size = 0.0 if size == position.size else position.size - size

    def liquidate(self, account: Account, prices: Prices, cause: str) -> None:
        self.note_losses(self.worth(prices), cause)
        if self.is_for_its_collateral(account, prices):
            cause = "collateral"
        self.note("liquidation", cause)
        asked, fees = self.asked(account, prices), 0.0
        for position, share in zip(account.positions, asked.shares, strict=True):
            size, price = share * position.size, position.price(prices, self.step)
            fill = price if asked.taken else price * (1 - position.side * position.slippage)
            if not asked.taken:
                fees += (position.taker + position.liquidation_fee) * position.notional(fill, size)
            self.realise(account, position, size, fill)
        left = account.equity(prices, self.step)
        if not account.is_open and left < 0:
            self.pay(account, FUND, left)
            self.shortfall -= left
            self.note("bankruptcy", cause)
        self.pay(account, VENUE, self.fee_paid(fees, left))
        if not account.is_open:
            self.sell_collateral(account, prices)
            if asked.taken or not account.residual_to_customer:
                self.pay(account, FUND, max(account.wallet, 0.0))
        self.note_losses(self.worth(prices), cause)

    def is_for_its_collateral(self, account: Account, prices: Prices) -> bool:
        """Whether it would stand with its collateral at the prices of as_of."""
        lost = account.collateral_value(self.spots, True) - account.collateral_value(prices, True)
        excess = account.excess(prices, self.step) + lost
        return bool(account.collaterals) and (excess >= 0 if account.strict else excess > 0)

    def fee_paid(self, fees: float, left: float) -> float:
        """Capped by what is left."""
        return min(fees, max(left, 0.0))

    def asked(self, account: Account, prices: Prices) -> Asked:
        """What the first stage that applies says; all of an account without equity, and where none applies."""
        every = [1.0] * len(account.positions)
        for stage in account.stages:
            found = stage.ask(account, prices, self.step)
            if found:
                return found._replace(shares=every) if account.equity(prices, self.step) <= 0 else found
        return Asked(every)

    def sell_collateral(self, account: Account, prices: Prices) -> None:
        """As much of each as pays the debt, for what it counts as margin."""
        debt, value = max(-account.wallet, 0.0), account.collateral_value(prices, with_haircut=True)
        if debt > 0 and value > 0:
            share = min(debt / value, 1.0)
            for one in account.collaterals:
                self.pay(account, OTHERS, -share * one.amount * prices[one.asset] * (1 - one.haircut))
                one.amount *= 1 - share


HANDLERS = {
    Begin: "begin",
    Drift: "drift",
    Jump: "jump",
    End: "end",
    Funding: "pay_funding",
    Mark: "mark",
    Clock: "tick",
}
