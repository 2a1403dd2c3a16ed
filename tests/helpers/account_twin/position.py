"""One position: what it makes, what it weighs, and how much margin the venue wants for it. Natural units.

Sizes are signed: units of the asset (linear), contracts (quanto), quote currency (inverse). VENUES section 0.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

from helpers.account_twin.path import Prices


class Tier(NamedTuple):
    """Up to `cap` (of the notional, or of the size) the rate is `mmr`."""

    cap: float
    mmr: float


@dataclass(frozen=True)
class Demand:
    """The venue's maintenance margin."""

    shape: str = "marginal"
    tiers: tuple[Tier, ...] = (Tier(math.inf, 0.005),)
    base: float = 0.0  # affine and sqrt: rate of a position of no size
    growth: float = 0.0  # affine: with the measure; sqrt: with its root
    by: str = "notional"  # what the rate grows with
    basis: str = "mark"
    close_fee: str = "none"
    leverage: float = 10.0  # that is set at the venue: it decides the closing fee at the bankruptcy price

    def margin(self, notional: float, measure: float) -> float:
        if self.shape == "marginal":  # like a tax: each slice at its own rate
            floors = (0.0, *(tier.cap for tier in self.tiers))
            return sum(
                tier.mmr * max(0.0, min(notional, tier.cap) - floor)
                for floor, tier in zip(floors, self.tiers, strict=False)
            )
        if self.shape == "flat":
            return notional * next(tier.mmr for tier in self.tiers if measure <= tier.cap)
        if self.shape == "affine":
            return notional * (self.base + self.growth * measure)
        return notional * max(self.base, 0.8 * self.base + self.growth * math.sqrt(measure))


@dataclass
class Position:
    """A contract held, from its entry price on."""

    asset: int
    contract: str
    size: float
    entry: float
    demand: Demand
    multiplier: float = 1.0  # quanto: settlement currency per contract and unit of price
    taker: float = 0.0
    liquidation_fee: float = 0.0
    slippage: float = 0.0
    log_basis: float = 0.0  # of a dated future: log of future over index for each step that is left
    expiry: int | None = None  # step at whose end it is settled

    @property
    def side(self) -> float:
        return math.copysign(1.0, self.size) if self.size else 0.0

    def price(self, prices: Prices, step: int) -> float:
        index = prices[self.asset]
        return index if self.expiry is None else index * math.exp(self.log_basis * max(self.expiry - step, 0))

    def profit(self, price: float, size: float | None = None) -> float:
        """Settlement currency; of a part, if a size is given."""
        held = self.size if size is None else size
        if self.contract == "inverse":
            return held * (1 / self.entry - 1 / price)
        return held * self.multiplier * (price - self.entry)

    def notional(self, price: float, size: float | None = None) -> float:
        held = abs(self.size if size is None else size)
        return held / price if self.contract == "inverse" else held * self.multiplier * price

    def margin(self, price: float) -> float:
        """Maintenance margin."""
        if not self.size:
            return 0.0
        notional = self.notional(self.entry if self.demand.basis == "entry" else price)
        measure = notional if self.demand.by == "notional" else abs(self.size)
        asked = self.demand.margin(notional, measure)
        if self.demand.close_fee == "on_notional":
            asked += self.taker * notional
        elif self.demand.close_fee == "at_bankruptcy":
            asked += self.taker * self.notional(self.bankrupt_at)
        return asked

    @property
    def bankrupt_at(self) -> float:
        """The price at which a margin of entry notional over leverage is lost."""
        if self.contract == "inverse":
            return self.entry / (1 + self.side / self.demand.leverage)
        return self.entry * (1 - self.side / self.demand.leverage)
