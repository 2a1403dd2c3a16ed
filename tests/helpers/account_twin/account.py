"""One account: a wallet, collaterals and the positions that they back."""

from dataclasses import dataclass, field
from typing import Any

from helpers.account_twin.path import Prices
from helpers.account_twin.position import Position
from helpers.account_twin.venue import CALM, Venue


@dataclass
class Collateral:
    """Units of an asset that count as margin less a haircut."""

    asset: int
    amount: float
    haircut: float


@dataclass
class Account:
    wallet: float
    positions: list[Position]
    collaterals: list[Collateral] = field(default_factory=list)
    netting: str = "none"
    strict: bool = False
    residual_to_customer: bool = True
    stages: list[Any] = field(default_factory=list)
    venue: Venue = CALM

    @property
    def is_open(self) -> bool:
        return any(position.size for position in self.positions)

    def cash_value(self, prices: Prices, step: int) -> float:
        return self.wallet + sum(p.profit(p.price(prices, step)) for p in self.positions)

    def collateral_value(self, prices: Prices, with_haircut: bool) -> float:
        return sum(c.amount * prices[c.asset] * (1 - c.haircut * with_haircut) for c in self.collaterals)

    def worth(self, prices: Prices, step: int) -> float:
        return self.cash_value(prices, step) + self.collateral_value(prices, with_haircut=False)

    def equity(self, prices: Prices, step: int) -> float:
        marks = self.venue.marked(prices)
        return self.cash_value(marks, step) + self.collateral_value(marks, with_haircut=True)

    def requirement(self, prices: Prices, step: int) -> float:
        marks = self.venue.marked(prices)
        asked = [(p, p.margin(p.price(marks, step))) for p in self.positions]
        if self.netting == "none":
            return sum(margin for _, margin in asked)
        total = 0.0
        for asset in {p.asset for p in self.positions}:
            sides = [sum(m for p, m in asked if p.asset == asset and p.side == side) for side in (1.0, -1.0)]
            total += max(sides)
        return total

    def excess(self, prices: Prices, step: int) -> float:
        return self.equity(prices, step) - self.requirement(prices, step)

    def is_breached(self, prices: Prices, step: int) -> bool:
        excess = self.excess(prices, step)
        return self.is_open and not self.venue.paused and (excess < 0 if self.strict else excess <= 0)
