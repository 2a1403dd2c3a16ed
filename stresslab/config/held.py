"""The positions and accounts of a book in money: what follows from the study file and the rulebooks alone.

Money is in the settlement currency (quote currency, or the coin of an inverse or quanto contract), prices are in quote
currency. `unit` is what a rise of the price by its whole spot makes, at first order: s q S, s Q / S or s c m S.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from stresslab.config.holdings import Backing, Position
from stresslab.config.processes import ConstantFunding, MeanRevertingFunding
from stresslab.config.schema import Study
from stresslab.config.written import Written, written
from stresslab.errors import InputError, require
from stresslab.units import BASIS_POINT, YEAR_SECONDS
from stresslab.venues import Rulebook

_SIGNS = {"long": 1.0, "short": -1.0}


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
        return _SIGNS[self.side]

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


def accounts(cell: Study) -> tuple[Account, ...]:
    """Those of a cell's book: one for each isolated position, else one for all."""
    book = cell.book
    if book.positions is None:
        return (_of_one(cell),)
    if book.margin_mode == "isolated":
        return tuple(_isolated(cell, place, position) for place, position in enumerate(book.positions))
    named = [position.rulebook for position in book.positions if position.option is None]
    backed = _backed(cell, "book", cell.rulebook((named or [None])[0] or ""), book.collaterals)
    behind = book.collateral if book.collateral is not None else _counted(backed)
    legs = [
        replace(_held(cell, f"positions[{place}]", one, behind), number=place)
        for place, one in enumerate(book.positions)
        if one.option is None
    ]
    return (_shared(cell, legs, book.collateral or 0.0, backed),)


def _of_one(cell: Study) -> Account:
    """The short form: any two of leverage, collateral and quantity."""
    book, rulebook = cell.book, cell.rulebook()
    assert book.side is not None
    entry = book.entry_price if book.entry_price is not None else cell.market.spot
    backed = _backed(cell, "book", rulebook, book.collaterals)
    collateral = book.collateral
    if collateral is None and book.quantity is not None and book.leverage is not None:
        collateral = float(rulebook.notional(book.quantity, entry)) / book.leverage
    position = Position(
        side=book.side,
        quantity=book.quantity,
        leverage=book.leverage if book.quantity is None else None,
        entry_price=book.entry_price,
        leverage_set=book.leverage_set,
        slippage_bps=book.slippage_bps,
    )
    leg = _held(cell, "", position, collateral if collateral is not None else _counted(backed))
    deposit = book.margin if book.margin is not None else collateral or 0.0
    if book.margin_with_pnl is not None:
        deposit = book.margin_with_pnl - leg.pnl
    if book.margin_mode == "isolated":
        return _alone(leg, deposit, backed)
    return _shared(cell, [leg], deposit, backed)


def _isolated(cell: Study, place: int, position: Position) -> Account:
    key = f"positions[{place}]"
    backed = _backed(cell, f"book.{key}", cell.rulebook(position.rulebook or ""), position.collaterals)
    behind = position.collateral if position.collateral is not None else _counted(backed)
    leg = replace(_held(cell, key, position, behind), number=place)
    deposit = position.collateral or 0.0
    if position.margin_with_pnl is not None:
        deposit = position.margin_with_pnl - leg.pnl
    return _alone(leg, deposit, backed)


def _alone(leg: Held, deposit: float, backed: tuple[Backed, ...]) -> Account:
    inside = _inside(leg)
    if backed:  # the price where the margin is used up is not known beforehand
        leg = _at_a_leverage(leg, deposit + _counted(backed))
    return Account((replace(leg, own_margin=deposit - inside),), deposit, inside, backed)


def _shared(cell: Study, legs: Sequence[Held], deposit: float, backed: tuple[Backed, ...]) -> Account:
    """The wallet is the account: it pays the entry fees itself."""
    behind = deposit + _counted(backed)
    legs = [_at_a_leverage(leg, behind) for leg in legs]
    return Account(tuple(legs), deposit, sum(leg.entry_fee for leg in legs), backed, written(cell))


def _at_a_leverage(leg: Held, behind: float) -> Held:
    """The leg at the leverage of its account, where the closing fee asks for one and none is written."""
    if leg.leverage_set is not None or not leg.rulebook.closing_fee_is_fixed:
        return leg
    return replace(leg, leverage_set=max(1.0, leg.notional / behind) if behind > 0 else 1.0)


def _counted(backed: tuple[Backed, ...]) -> float:
    return sum(asset.counted for asset in backed)


def _backed(cell: Study, of: str, rulebook: Rulebook, given: Sequence[Backing] | None) -> tuple[Backed, ...]:
    """The assets that back an account under a rulebook; InputError for one that the venue does not accept."""
    backed = []
    for place, one in enumerate(given or ()):
        key = f"{of}.collaterals[{place}]"
        rule = f"backs contracts that settle in quote currency; {rulebook.id} settles in {rulebook.contract.settle}"
        require(rulebook.contract.kind == "linear", rule, key=key, got=one.asset, file=cell.file)
        known = {asset.currency: asset.haircut for asset in rulebook.collateral.assets}
        haircut = one.haircut if one.haircut is not None else known.get(one.asset)
        if haircut is None:
            taken = [name for name in known if name in cell.asset_names]
            hint = f"It takes {', '.join(taken)}; or give a haircut" if taken else "Give a haircut of your own"
            raise InputError(f"is no collateral of {rulebook.id}", key=key, got=one.asset, hint=hint, file=cell.file)
        if one.asset in known and one.asset not in cell.asset_names and one.asset != rulebook.contract.base:
            rule = "has no price in market.model, so that it can only be cash"
            hint = f"Write it as {of}.collateral, or put it under the assets of a joint model"
            raise InputError(rule, key=f"{key}.asset", got=one.asset, hint=hint, file=cell.file)
        row, spot = cell.market.place(one.asset, cell.asset_names, f"{key}.asset")
        backed.append(Backed(one.asset, row, one.amount * spot, haircut))
    return tuple(backed)


def _inside(leg: Held) -> float:
    return 0.0 if leg.rulebook.fees.entry_charged_to == "wallet" else leg.entry_fee


def _held(cell: Study, key: str, position: Position, collateral: float) -> Held:
    rulebook = cell.rulebook(position.rulebook or "")
    place = f"book.{key}".removesuffix(".")
    asset = position.asset or cell.market.asset
    row, spot = cell.market.place(asset, cell.asset_names, f"{place}.asset")
    seconds = _to_expiry(cell, rulebook, position, place)
    basis = position.basis or 0.0
    price = spot * math.exp(basis * (seconds or 0.0) / YEAR_SECONDS)
    entry = position.entry_price if position.entry_price is not None else price
    quantity = position.quantity
    if quantity is None:
        wanted = position.notional if position.notional is not None else (position.leverage or 0.0) * collateral
        quantity = quantity_of(rulebook, wanted, entry)
    slippage = rulebook.close_out.slippage_bps if position.slippage_bps is None else position.slippage_bps
    return Held(
        rulebook=rulebook,
        side=position.side,
        row=row,
        spot=spot,
        price=price,
        entry=entry,
        quantity=quantity,
        is_new=position.entry_price is None,
        slippage=BASIS_POINT * slippage,
        seconds=seconds,
        basis=basis,
        leverage_set=position.leverage_set,
        funding_rate=_SIGNS[position.side] * _funding_rate(cell, rulebook),
    )


def _funding_rate(cell: Study, rulebook: Rulebook) -> float:
    """Tonight's, in one interval of the venue; 0 where the study names none."""
    funding = cell.funding
    if not isinstance(funding, ConstantFunding | MeanRevertingFunding) or not rulebook.requirement.with_funding:
        return 0.0
    own = funding.interval_seconds if rulebook.funding.continuous else rulebook.funding.interval_seconds
    return funding.rate * own / funding.interval_seconds


def quantity_of(rulebook: Rulebook, notional: float, price: float) -> float:
    """The quantity, in the contract's own unit, that weighs so much at a price."""
    one = float(rulebook.notional(1.0, price))
    return notional / one


def _to_expiry(cell: Study, rulebook: Rulebook, position: Position, key: str) -> float | None:
    is_option = rulebook.contract.kind == "option"
    rule = f"{rulebook.id} is of options: give option, strike and expiry"
    require(not is_option, rule, key=f"{key}.option", file=cell.file)
    dated = getattr(rulebook.contract, "dated", False)
    rule = f"{rulebook.id} is a dated future" if dated else f"{rulebook.id} is no dated future"
    hint = "Write the position under book.positions, with its expiry such as 2026-12-25T08:00:00Z" if dated else ""
    good = dated == (position.expiry is not None)
    require(good, rule, key=f"{key}.expiry", got=position.expiry, hint=hint, file=cell.file)
    if position.expiry is None:
        return None
    seconds = (position.expiry - cell.as_of).total_seconds()
    require(seconds > 0, "must come after as_of", key=f"{key}.expiry", got=str(position.expiry), file=cell.file)
    return seconds
