"""One book on one path, in float64 and in quote currency: the rules written out once more, naively, as the oracle.

It shares nothing with the package: the trigger is found by bisection, the tier by looking which one holds the notional,
the money by moving it between parties. Order of events: each piece in time order, then funding, then the record of a
horizon.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

TRADER, VENUE, INSURANCE, OTHERS = "trader", "venue", "insurance", "others"


class Move(NamedTuple):
    """A continuous piece: how low and how high it reached, and where it ended."""

    low: float
    high: float
    end: float


class Jump(NamedTuple):
    """A gap to this price."""

    end: float


class Funding(NamedTuple):
    """Funding is paid at the price now; positive: longs pay."""

    rate: float


class Mark(NamedTuple):
    """A horizon: what is the account worth now?"""

    name: str


class Clock(NamedTuple):
    """Whatever follows happens in this survival bin."""

    bin: int


class Tier(NamedTuple):
    """Notionals up to cap (the last tier goes on for ever)."""

    cap: float
    mmr: float
    cum: float


@dataclass(frozen=True)
class Rules:
    """What the venue does."""

    tiers: tuple[Tier, ...]
    taker: float = 0.0
    entry_fee_from_margin: bool = False
    liquidation_fee: float = 0.0
    residual_to_customer: bool = True
    slippage: float = 0.0

    def requirement(self, notional: float) -> float:
        tier = next((tier for tier in self.tiers if notional <= tier.cap), self.tiers[-1])
        return notional * tier.mmr - tier.cum


class Event(NamedTuple):
    """When (survival bin) and why."""

    bin: int
    cause: str


class Money(NamedTuple):
    """At a horizon, quote currency."""

    pnl: float
    fees: float
    funding: float
    shortfall: float


@dataclass
class Account:
    """A position from as_of on. `margin` is what backs it before any fee, `entry` may lie in the past."""

    rules: Rules
    side: int
    spot: float
    entry: float
    quantity: float
    margin: float
    loss_levels: tuple[float, ...] = ()
    is_new: bool = True
    liquidation: Event | None = None
    bankruptcy: Event | None = None
    losses: dict[float, Event] = field(default_factory=dict)
    marks: dict[str, Money] = field(default_factory=dict)
    fill: float = 0.0  # price of the close-out before slippage
    fees: float = 0.0
    funding: float = 0.0  # received
    shortfall: float = 0.0

    def __post_init__(self) -> None:
        self.balance = dict.fromkeys((TRADER, VENUE, INSURANCE, OTHERS), 0.0)
        self.price, self.bin, self.outside = self.spot, 0, 0.0
        self.at_start = self.equity(self.spot)
        if self.is_new:
            fee = self.rules.taker * self.quantity * self.entry
            self.pay(VENUE, fee)
            self.fees += fee
            if self.rules.entry_fee_from_margin:
                self.margin -= fee
            else:
                self.outside = fee

    def pay(self, to: str, amount: float) -> None:
        """From the trader to another party (negative: the other way)."""
        self.balance[TRADER] -= amount
        self.balance[to] += amount

    def equity(self, price: float) -> float:
        return self.margin + self.side * self.quantity * (price - self.entry)

    def excess(self, price: float) -> float:
        return self.equity(price) - self.rules.requirement(self.quantity * price)

    def follow(self, events: Iterable[NamedTuple]) -> "Account":
        """Live through all of them."""
        for event in events:
            STEPS[type(event)](self, event)
        return self

    def move(self, piece: Move) -> None:
        worst = piece.low if self.side > 0 else piece.high
        if self.liquidation is None:
            if self.excess(worst) <= 0:
                level = root(self.excess, self.price, worst)
                self.note_losses(self.equity(level), "diffusion")
                self.close(level, "diffusion")
            else:
                self.note_losses(self.equity(worst), "diffusion")
        self.price = piece.end

    def jump(self, piece: Jump) -> None:
        self.price = piece.end
        self.test("gap")

    def pay_funding(self, payment: Funding) -> None:
        if self.liquidation is None:
            amount = self.side * self.quantity * self.price * payment.rate
            self.margin -= amount
            self.funding -= amount
            self.pay(OTHERS, amount)
            self.test("funding")

    def test(self, cause: str) -> None:
        """At the price now: closed there if equity does not exceed the requirement."""
        if self.liquidation is None:
            if self.excess(self.price) <= 0:
                self.close(self.price, cause)
            else:
                self.note_losses(self.equity(self.price), cause)

    def close(self, price: float, cause: str) -> None:
        self.liquidation, self.fill = Event(self.bin, cause), price
        filled = price * (1 - self.side * self.rules.slippage)
        left = self.equity(filled)
        self.pay(OTHERS, -self.side * self.quantity * (filled - self.spot))  # the position's PnL since as_of
        if left < 0:
            self.bankruptcy = self.liquidation
            self.shortfall = -left
            self.pay(INSURANCE, left)
            left = 0.0
        for rate in (self.rules.taker, self.rules.liquidation_fee):
            fee = min(rate * self.quantity * filled, left)
            self.pay(VENUE, fee)
            self.fees += fee
            left -= fee
        if not self.rules.residual_to_customer:
            self.pay(INSURANCE, left)
            left = 0.0
        self.margin = left
        self.note_losses(left, cause)

    def note_losses(self, equity: float, cause: str) -> None:
        for level in self.loss_levels:
            if equity - self.outside <= (1 - level) * self.at_start:
                self.losses.setdefault(level, Event(self.bin, cause))

    def mark(self, horizon: Mark) -> None:
        is_open = self.liquidation is None
        wealth = (self.equity(self.price) if is_open else self.margin) - self.outside
        self.marks[horizon.name] = Money(wealth - self.at_start, self.fees, self.funding, self.shortfall)

    def tick(self, clock: Clock) -> None:
        self.bin = clock.bin


STEPS: dict[type, Callable] = {
    Move: Account.move,
    Jump: Account.jump,
    Funding: Account.pay_funding,
    Mark: Account.mark,
    Clock: Account.tick,
}


def root(function: Callable[[float], float], above: float, below: float) -> float:
    """Where a function that is > 0 at `above` and <= 0 at `below` changes sign: bisection to the last digit."""
    while True:
        middle = (above + below) / 2
        if middle in (above, below):
            return middle
        if function(middle) > 0:
            above = middle
        else:
            below = middle
