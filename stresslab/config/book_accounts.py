"""The accounts of a study's book: what its positions, collateral and rulebooks make of it, in money."""

import math
from collections.abc import Sequence
from dataclasses import replace

from stresslab.config.held import SIGNS, Account, Backed, Held
from stresslab.config.holdings import Backing, Position
from stresslab.config.processes import ConstantFunding, MeanRevertingFunding
from stresslab.config.schema import Study
from stresslab.config.written import written
from stresslab.errors import InputError, require
from stresslab.units import BASIS_POINT, YEAR_SECONDS
from stresslab.venues import Rulebook


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
        funding_rate=SIGNS[position.side] * _funding_rate(cell, rulebook),
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
