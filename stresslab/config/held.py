"""The positions and accounts of a book in money: what follows from the study file and the rulebooks alone.

Money is in the settlement currency (quote currency, or the coin of an inverse or quanto contract), prices are in quote
currency. `unit` is what a rise of the price by its whole spot makes, at first order: s q S, s Q / S or s c m S.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from stresslab.config.written import Written
from stresslab.venues import Rulebook

SIGNS = {"long": 1.0, "short": -1.0}


@dataclass(frozen=True)
class Held:
    """One position at as_of."""

    rulebook: Rulebook
    side: str
    row: int  # of the market's assets
    spot: float  # of the index
    price: float  # of the contract: a future's has its basis in it
    entry: float
    quantity: float
    is_new: bool  # opened at as_of: its entry fee is paid, its leverage judged
    slippage: float  # fraction
    seconds: float | None = None  # to the expiry of a dated future
    basis: float = 0.0  # log of future over index, per year
    number: int = 0  # of the position, as it is written
    leverage_set: float | None = None  # that the venue shows; an isolated position without it is at its margin's
    own_margin: float = 0.0  # of an isolated position
    funding_rate: float = 0.0  # at as_of, as a cost to this side

    @property
    def sign(self) -> float:
        return SIGNS[self.side]

    @cached_property
    def notional(self) -> float:
        """At entry."""
        return float(self.rulebook.notional(self.quantity, self.entry))

    @cached_property
    def unit(self) -> float:
        return self.sign * float(self.rulebook.notional(self.quantity, self.spot))

    @property
    def entry_fee(self) -> float:
        return self.rulebook.fees.taker * self.notional if self.is_new else 0.0

    @property
    def in_units(self) -> float:
        """The size in units of the underlying at spot, signed."""
        return self.unit if self.rulebook.contract.kind == "inverse" else self.unit / self.spot

    @property
    def at_venue(self) -> dict[str, Any]:
        """What the venue's requirement is asked with, beside size and margin."""
        return {"leverage_set": self.leverage_set, "funding_rate": self.funding_rate}

    @cached_property
    def closing_fee(self) -> float:
        """The closing fee in the requirement, where it is fixed."""
        given = self.side, self.entry, self.quantity, self.own_margin, self.entry
        return float(self.rulebook.close_fee(*given, leverage_set=self.leverage_set))

    @cached_property
    def pnl(self) -> float:
        """Unrealised, at the price of as_of."""
        return self._pnl(self.price)

    @cached_property
    def pnl_at_index(self) -> float:
        """The same if the contract stood at the spot of its index."""
        return self.pnl if self.price == self.spot else self._pnl(self.spot)

    def _pnl(self, price: float) -> float:
        if price == self.entry:
            return 0.0
        return float(self.rulebook.equity(self.side, self.entry, self.quantity, 0.0, price))


@dataclass(frozen=True)
class Backed:
    """An asset beside the cash of an account."""

    asset: str
    row: int
    worth: float  # at as_of, without haircut
    haircut: float

    @property
    def counted(self) -> float:
        """Its value after the haircut, as margin."""
        return (1 - self.haircut) * self.worth


@dataclass(frozen=True)
class Account:
    """Positions that share one margin."""

    legs: tuple[Held, ...]  # but for options
    deposit: float  # cash at as_of before entry fees, without unrealised PnL; premiums have been paid
    inside_fee: float  # entry fees that it pays itself
    collaterals: tuple[Backed, ...] = ()
    options: Written | None = None

    @property
    def rulebook(self) -> Rulebook:
        """Whose rules for an account hold: that of its first position."""
        if self.legs:
            return self.legs[0].rulebook
        assert self.options is not None  # there is a position
        return self.options.rulebook

    @property
    def spot(self) -> float:
        """Of the asset of its first position."""
        if self.legs:
            return self.legs[0].spot
        assert self.options is not None  # there is a position
        return self.options.held.spot

    @property
    def margin(self) -> float:
        """Cash that backs the positions."""
        return self.deposit - self.inside_fee

    @property
    def backing(self) -> float:
        """Account backing before entry fees and without PnL: cash plus collaterals after haircuts."""
        return self.deposit + sum(asset.counted for asset in self.collaterals)

    @property
    def worth(self) -> float:
        """Cash before fees, unrealised PnL, options at their value and collaterals in full."""
        legs = sum(leg.pnl for leg in self.legs)
        return self.deposit + legs + self.options_worth + sum(asset.worth for asset in self.collaterals)

    @property
    def options_worth(self) -> float:
        """Value of the options at as_of."""
        return self.options.worth if self.options is not None else 0.0
