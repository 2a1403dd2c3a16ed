"""The rulebook of a recorded position: of its symbol, its time, its margin mode and its account's fee.

The edition is the one in force at the time of the record. Where its table does not hold the tier that the record names,
another edition of an undated record may; else the record's own tier is put in place of the table. A symbol without a
rulebook is recomputed by the rules of another contract of the venue with its own tier. Both are in `Rules.words`.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from stresslab.errors import InputError, require
from stresslab.files.position_row import Row
from stresslab.files.validation import nearest
from stresslab.shipped import config_root
from stresslab.venues.catalogue import IMPORTED, available, history, variant
from stresslab.venues.editions import History, in_force, last_moment, outside
from stresslab.venues.rulebook import Rulebook
from stresslab.venues.schema.requirement import Flat, Marginal
from stresslab.venues.symbols import own_symbol

SAME_RATE = 1e-6  # relative: rates are recorded to eight or ten digits
_ACCOUNT_TYPES: Mapping[tuple[str, str], dict[str, Any]] = {
    # maintenance by tiers on the mark value, without the fee: a position of 2026-03-25 (ccxt, KuCoin's unified account)
    ("kucoin", "unified"): {"requirement": {"include_close_fee": "none"}, "cross_requirement": None},
}


class Shelf(NamedTuple):
    """Where rulebooks come from."""

    venue: str | None = None  # of rows that name none
    folder: Path | None = None  # VENUE/SYMBOL.yaml in it go before those that come with stresslab


class Rules(NamedTuple):
    """What a position is recomputed by."""

    book: Rulebook
    deduction: float  # of the record's own tier, which stands in place of the table
    words: str
    is_own: bool = True  # of this contract, and not of another one of the venue
    doubt: str | None = None  # how far the record is from the time for which the edition is known


class Unshipped(InputError):
    """A symbol has no rulebook, and the record names no tier."""


def rules_of(row: Row, shelf: Shelf = Shelf()) -> Rules:  # noqa: B008 (immutable)
    """The edition of the row's time, with the account's own fee; or the venue's rules with the row's own tier."""
    name, editions, is_own = _editions(row, shelf)
    book = editions[-1] if row.time is None else in_force(editions, row.time)
    if row.tier is not None and is_own and row.time is None and not _has_tier(adapted(book, row), row):
        book = next((one for one in reversed(editions) if _has_tier(adapted(one, row), row)), book)
    doubt = None if row.time is None else outside(book, row.time)
    _check_kind(row, name, book, is_own)
    known, words = adapted(book, row, is_own), f"{name}@{book.edition}"
    if row.tier is None or (is_own and _has_tier(known, row)):
        return Rules(known, 0.0, words, True, doubt)
    return Rules(with_tier(known, row), row.tier[1], f"rules of {words}, tier of the record", is_own, doubt)


def other_editions(row: Row, shelf: Shelf) -> list[Rulebook]:
    """All editions of the row's own rulebook, for its account; none where the symbol has none."""
    _, editions, is_own = _editions(row, shelf)
    return [adapted(one, row) for one in editions] if is_own else []


def venue_of(row: Row, shelf: Shelf) -> str:
    """The venue's name; InputError where it is not given."""
    named = row.venue or shelf.venue
    if named is None:
        hint = "Give --venue, such as binance_usdm, or a column venue"
        raise InputError("the venue is not named", key=f"{row.name}.venue", got=row.symbol, hint=hint)
    return named.partition("/")[0]


def _editions(row: Row, shelf: Shelf) -> tuple[str, History, bool]:
    """Id and history of the row's rulebook, and whether it is of this contract and no other of the venue."""
    own, named = venue_of(row, shelf), row.venue or shelf.venue or ""
    known = _shipped(config_root())
    there = [name for name in known if name.split("/")[0] == own]
    venues = sorted({name.split("/")[0] for name in known})
    hint = nearest(own, venues) or f"It is one of {', '.join(venues)}"
    require(bool(there), "is no venue that has a rulebook", key=f"{row.name}.venue", got=own, hint=hint)
    symbol = named.partition("/")[2] or row.symbol
    rule = "this column is required and is missing"
    require(symbol is not None, rule, key=f"{row.name}.symbol", hint="Give the venue's symbol, such as BTCUSDT")
    assert symbol is not None
    if "/" in symbol and ":" not in symbol:  # ccxt's form of a pair
        rule, hint = "is a position in spot, and no contract", "Leave it out, or name its contract"
        raise Unshipped(rule, key=f"{row.name}.symbol", got=symbol, hint=hint)
    try:
        wanted = f"{own}/{own_symbol(own, symbol)}"
    except InputError as problem:
        raise Unshipped(problem.rule, key=f"{row.name}.symbol", got=symbol, hint=problem.hint) from None
    path = None if shelf.folder is None else shelf.folder / f"{wanted}.yaml"
    if path is not None and path.is_file():
        return wanted, _opened(path.absolute(), path.stat().st_mtime_ns), True
    if wanted in known:
        return wanted, _of_id(wanted), True
    if row.tier is None:
        hint = "Name its tier in the columns tier_rate and tier_deduction"
        if own in IMPORTED:
            hint += f", or write its rulebook: stresslab venues import FILE --venue {own}; and name --rulebooks ."
        raise Unshipped("has no rulebook", key=f"{row.name}.symbol", got=wanted, hint=hint)
    like = [name for name in there if _of_id(name)[-1].contract.kind == (row.contract or "linear")]
    other = min(like or there, key=lambda name: _away(_of_id(name), row))
    return other, _of_id(other), False


@lru_cache(maxsize=1)
def _shipped(_root: Path) -> tuple[str, ...]:
    return available()


def _of_id(name: str) -> History:
    path = config_root() / "venues" / f"{name}.yaml"
    return _opened(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=1024)  # a table of accounts asks for one rulebook hundreds of times
def _opened(path: Path, _changed: int) -> History:
    return history(path)


def _away(editions: History, row: Row) -> float:
    """Seconds between the record and the time for which the edition in force then is known; the newest without one."""
    book = editions[-1] if row.time is None else in_force(editions, row.time)
    moment = book.last_seen if row.time is None else row.time
    return max((book.valid_from - moment).total_seconds(), (moment - last_moment(book)).total_seconds(), 0.0)


def _check_kind(row: Row, name: str, book: Rulebook, is_own: bool) -> None:
    """InputError where the row takes its contract, or the unit of its quantity, for those of another kind."""
    kind: str = book.contract.kind
    hint = f"Write {kind}, or leave it out: the rulebook says it"
    same = row.contract in (None, kind) or not is_own
    require(same, f"the contract of {name} is {kind}", key=f"{row.name}.contract", got=row.contract, hint=hint)
    kind = row.contract or kind
    wrong, right = {"linear": ("quote", "base"), "inverse": ("base", "quote")}.get(kind, ("", ""))
    hint = f"Write {right} and the amount in it, or contracts and a contract_size"
    key = f"{row.name}.quantity_unit"
    require(
        row.quantity_unit in (None, "contracts") or row.quantity_unit != wrong,
        f"the contract is {kind}",
        key=key,
        got=row.quantity_unit,
        hint=hint,
    )


def adapted(book: Rulebook, row: Row, is_own: bool = True) -> Rulebook:
    """The rulebook for the row's account: its margin mode, type and taker fee.

    Prices are compared before they are rounded: the tick of another contract is none of this one.
    """
    changes = _ACCOUNT_TYPES.get((book.id.split("/")[0], row.account_type or ""))
    found = variant(book, changes) if changes else book.in_mode(row.margin_mode)
    if not is_own and row.contract not in (None, book.contract.kind):
        found = variant(found, {"contract": _contract(book, row), "requirement": {"tier_unit": "quote"}})
    if found.contract.price_round != "none":
        found = variant(found, {"contract": {"price_round": "none"}})
    if row.taker_fee is None:
        return found
    if found.requirement.close_fee_rate is not None:
        return variant(found, {"requirement": {"close_fee_rate": row.taker_fee}})
    return variant(found, {"fees": {"taker": row.taker_fee}})


def with_tier(book: Rulebook, row: Row) -> Rulebook:
    """The rulebook with the record's rate for all sizes; its deduction is taken off beside."""
    assert row.tier is not None
    now = book.requirement
    tier = {"floor": 0.0, "cap": None, "mmr": row.tier[0], "imr": 1.0, "max_leverage": 1.0, "cum": 0.0}
    kept = now.model_dump(include=set(Marginal.model_fields))
    unit = {"linear": "quote", "inverse": "coin", "quanto": "coin"}[book.contract.kind]
    kept |= {"shape": "marginal", "tiers": [tier], "tier_unit": unit}
    return variant(book.model_copy(update={"cross_requirement": None}), {"requirement": kept})


def highest_size(book: Rulebook) -> float:
    """The end of the table, in the unit of its tiers."""
    wanted = book.requirement
    return float(wanted.table.highest) if isinstance(wanted, Marginal | Flat) else np.inf


def _contract(book: Rulebook, row: Row) -> dict[str, Any]:
    shared = book.contract.model_dump(include={"base", "settle", "tick", "price_round"})
    return {**shared, "kind": row.contract, "face": 1.0, "dated": False}


def _has_tier(book: Rulebook, row: Row) -> bool:
    """Whether the rulebook asks for the rate and deduction of the record at its size."""
    assert row.tier is not None
    price = row.mark_price or row.entry_price
    if price is None:
        return False
    size, (rate, deduction) = book.size(row.amount, price), row.tier
    wanted = book.requirement
    if isinstance(wanted, Marginal | Flat):
        if float(size) > highest_size(book):
            return False
        tier = wanted.table.at(size)
        return bool(np.isclose(tier.mmr, rate, rtol=SAME_RATE) and np.isclose(tier.cum, deduction, rtol=SAME_RATE))
    value = book.notional(row.amount, price)
    found = float(book.maintenance_margin(value, size)) / float(value)
    return deduction == 0 and bool(np.isclose(found, rate, rtol=SAME_RATE))
