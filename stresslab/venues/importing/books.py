"""Rulebooks made of a tier file: its tiers, and for the rest the rules of one of the venue's shipped rulebooks.

What was taken from there is said in the rulebook. It holds from the day of the file on, and was last seen then.
"""

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from stresslab.errors import InputError, require
from stresslab.files.validation import field_names, validation_error
from stresslab.venues.editions import outside
from stresslab.venues.importing.checked import amounts, check_without_amounts, in_order
from stresslab.venues.importing.instruments import Instrument
from stresslab.venues.importing.tables import Tier, TierTable, Unsuited
from stresslab.venues.rulebook import Rulebook

_KNOWN = field_names(Rulebook)
TAKEN = ("mark", "liquidation", "loss", "fees", "funding", "band", "close_out", "collateral")
RULES = ("basis", "closing fee", "comparison", "netting")  # of the requirement
NO_SIZE = "the size of a contract is not known: quantities are in base currency, and contracts are not counted"
NO_TICK = "the price tick is not in the file: liquidation prices are not rounded"
ISOLATED = "isolated margin only: the file has no rate of a cross account"
ALONE = "isolated margin only, by the file"
LENT = "the lines below are those of {id}: they hold for the rules taken from it, what they say of tiers does not"
GET_SIZE = "Give --instruments FILE, the venue's list of contracts (OKX: public/instruments with ctVal)"


def book_of(
    table: TierTable, venue: str, like: Rulebook, seen: datetime, source: str, file: str, more: Instrument | None
) -> Rulebook:
    """The rulebook of a contract; Unsuited where its contract size is needed and not known, InputError for faults."""
    contract = _contract(table, like, more)
    tiers = in_order(table)
    requirement = _requirement(table, tiers, like)
    modes = _modes(table, like, like.id == f"{venue}/{table.contract.symbol}")
    data = {
        **like.model_dump(),
        "id": f"{venue}/{table.contract.symbol}",
        "valid_from": seen,
        "last_seen": seen,
        "source": source,
        "confidence": f"high for the tiers, which are those of {file}; the rest is that of {like.id}@{like.edition}",
        "assumptions": (LENT.format(id=like.id), *like.assumptions),
        "unverified": _unverified(table, contract, like, seen, file, modes),
        "contract": contract,
        "collateral": {"modes": modes, "assets": _assets(table, like)},
        "requirement": requirement,
        "cross_requirement": like.cross_requirement if "cross" in modes else None,
    }
    try:
        return Rulebook.model_validate(data)
    except ValidationError as error:
        raise validation_error(error, "", _KNOWN, data).at(key=table.contract.symbol) from None


def _contract(table: TierTable, like: Rulebook, more: Instrument | None) -> dict[str, Any]:
    named = table.contract
    is_same = like.id.endswith(f"/{named.symbol}")
    lent_face, lent_tick = (getattr(like.contract, "face", None), like.contract.tick) if is_same else (None, None)
    listed = more.face if more else None
    if table.face and listed and table.face != listed:
        rule = f"is not the size of the contract in the list of contracts, {listed:g}"
        raise InputError(rule, key=f"{named.symbol}.contract size", got=table.face)
    face = table.face or listed or lent_face
    if face is None and (named.inverse or table.unit == "contracts"):
        rule = "the size of a contract is not in the file"
        raise Unsuited(rule, key="symbol", got=named.symbol, hint=GET_SIZE)
    tick = table.tick or (more.tick if more else None) or lent_tick
    return {
        "kind": like.contract.kind,
        "base": named.base,
        "settle": named.settle,
        "face": face,
        "dated": False,
        "tick": tick,
        "price_round": like.contract.price_round if tick else "none",
    }


def _requirement(table: TierTable, tiers: Sequence[Tier], like: Rulebook) -> dict[str, Any]:
    kept = like.requirement.model_dump()
    kept |= {"tier_unit": table.unit, "max_quantity": table.max_quantity, "oi_scaling": None}
    if like.requirement.shape == "flat":
        check_without_amounts(tiers)
        rows = [{"cap": _cap(tier), "mmr": tier.mmr, "imr": tier.imr} for tier in tiers]
        return kept | {"tiers": rows, "open_ended": None}
    return kept | {
        "tiers": [
            {"floor": tier.floor, "cap": _cap(tier), "mmr": tier.mmr, "imr": tier.imr, "max_leverage": 1 / tier.imr}
            | {"cum": cum}
            for tier, cum in zip(tiers, amounts(tiers), strict=True)
        ]
    }


def _cap(tier: Tier) -> float | None:
    return None if math.isinf(tier.cap) else tier.cap


def _modes(table: TierTable, like: Rulebook, is_same: bool) -> tuple[str, ...]:
    """A rate of cross accounts that is another contract's is not taken: the mode is left out."""
    unknown = like.cross_requirement is not None and not is_same
    if table.isolated_only or unknown:
        return ("isolated",)
    return like.collateral.modes


def _assets(table: TierTable, like: Rulebook) -> list[dict[str, Any]]:
    """The lender's, with the contract's own currency in place of the one that it settles in."""
    rows = [asset.model_dump() for asset in like.collateral.assets]
    settle, lent = table.contract.settle, like.contract.settle
    others = [row for row in rows if row["currency"] not in (settle, lent)]
    return [{"currency": settle, "haircut": 0.0, "price_source": "index"}, *others]


def _unverified(
    table: TierTable, contract: dict[str, Any], like: Rulebook, seen: datetime, file: str, modes: Sequence[str]
) -> tuple[str, ...]:
    lines = [f"not in {file}, taken from {like.id}@{like.edition}: {', '.join(TAKEN)}; requirement: {', '.join(RULES)}"]
    how_far = outside(like, seen)
    if how_far:
        lines.append(f"{like.id} may not hold then: {how_far}")
    if like.contract.settle != contract["settle"] and not table.contract.inverse:
        lines.append(f"{like.id} settles in {like.contract.settle}, this contract in {contract['settle']}")
    if contract["face"] is None:
        lines.append(NO_SIZE)
    if contract["tick"] is None:
        lines.append(NO_TICK)
    if tuple(modes) != tuple(like.collateral.modes):
        lines.append(ALONE if table.isolated_only else ISOLATED)
    lines += table.notes
    open_points = len(like.unverified)
    if open_points:
        lines.append(
            f"{open_points} points of {like.id} itself are open: stresslab venues show {like.id}@{like.edition}"
        )
    slippage = like.close_out.slippage_bps
    lines.append(f"a forced close fills {slippage:g} basis points worse, which is no figure of the venue")
    return tuple(lines)


def check_day(seen: datetime | None, told: datetime | None) -> datetime:
    """The day of the file: as given, or as the venue's answer says; InputError where there is none, or they differ."""
    hint = "Give --as-of, the day on which the venue showed these tiers"
    require(seen is not None or told is not None, "the day of the file is not known", key="--as-of", hint=hint)
    if seen is not None and told is not None:
        rule = f"the file says that the venue gave it on {told:%Y-%m-%d}"
        require(seen.date() == told.date(), rule, key="--as-of", got=f"{seen:%Y-%m-%d}", hint="Leave --as-of out")
    found = seen or told
    assert found is not None
    return found.replace(hour=0, minute=0, second=0, microsecond=0) if seen is None else found
