"""Recorded positions recomputed by the rulebook of their time.

The rulebook is the edition in force at the time of the record. Where its table does not hold the tier that the record
names, another edition of an undated record may; else the record's own tier is put in place of the table, and this is
said. A symbol without a rulebook is recomputed by the rules of another contract of the venue with its own tier.

A venue that charges its closing fee on the notional shows the maintenance margin without it (OKX, KuCoin), one whose
fee is fixed shows it with the fee (Bybit, BitMEX). Margins of an open position are on the mark notional, or at entry
where the requirement is frozen there.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from stresslab.errors import InputError, require
from stresslab.files.position_table import Row
from stresslab.venues.account import Position, others
from stresslab.venues.catalogue import IMPORTED, available, history, variant
from stresslab.venues.editions import in_force
from stresslab.venues.rulebook import Rulebook
from stresslab.venues.schema.requirement import Flat, Marginal
from stresslab.venues.symbols import own_symbol

SAME_RATE = 1e-6  # relative: rates are recorded to eight or ten digits
TOLERANCE = 1e-4  # relative, where the record has none
_ACCOUNT_TYPES: Mapping[tuple[str, str], dict[str, Any]] = {
    # maintenance by tiers on the mark value, without the fee: a position of 2026-03-25 (ccxt, KuCoin's unified account)
    ("kucoin", "unified"): {"requirement": {"include_close_fee": "none"}, "cross_requirement": None},
}


class Rules(NamedTuple):
    """What a position is recomputed by."""

    book: Rulebook
    deduction: float | None  # of the record's own tier, which stands in place of the table
    words: str


@dataclass(frozen=True)
class Compared:
    """One figure of a position."""

    row: Row
    rules: Rules
    figure: str
    recorded: float
    computed: float | None  # None where something that it needs is not recorded
    tolerance: float
    points_to: tuple[str, ...] = ()  # rules by which a figure that does not agree would

    @property
    def error(self) -> float | None:
        """Relative difference."""
        if self.computed is None:
            return None
        return abs(self.computed - self.recorded) / abs(self.recorded) if self.recorded else abs(self.computed)

    @property
    def agrees(self) -> bool:
        """Whether the figure is the recorded one, to the tolerance and to one tick of a price."""
        if self.computed is None:
            return False
        slack = self.tolerance * abs(self.recorded)
        if self.figure.endswith("price"):
            slack += self.row.tick or self.rules.book.contract.tick or 0.0
        return abs(self.computed - self.recorded) <= slack


def compare(rows: Sequence[Row], venue: str | None = None, tolerance: float = TOLERANCE) -> list[Compared]:
    """Every recorded figure of every position; InputError where a venue or a symbol is not known."""
    found = []
    for row in rows:
        rules = rules_of(row, venue)
        beside = [one for one in rows if one is not row and _shares_account(one, row)]
        for figure, recorded in row.expected.items():
            allowed = row.tolerance.get(figure, tolerance)
            got = _answer(figure, row, rules, beside, venue)
            one = Compared(row, rules, figure, recorded, got, allowed)
            if got is not None and not one.agrees:
                one = Compared(row, rules, figure, recorded, got, allowed, tuple(_explained(one, beside, venue)))
            found.append(one)
    return found


def rules_of(row: Row, venue: str | None = None) -> Rules:
    """The edition of the row's time, with the account's own fee; or the venue's rules with the row's own tier."""
    name, is_own = _rulebook_id(row, venue)
    editions = history(name)
    book = editions[-1] if row.time is None else in_force(editions, row.time)
    if row.tier is not None and is_own and row.time is None and not _has_tier(_adapted(book, row), row):
        book = next((one for one in reversed(editions) if _has_tier(_adapted(one, row), row)), book)
    known = _adapted(book, row)
    if row.tier is None:
        require(is_own, f"has no rulebook ({name} is of another contract)", **_place(row), hint=_import_hint(name))
        return Rules(known, None, f"{name}@{book.edition}")
    if is_own and _has_tier(known, row):
        return Rules(known, None, f"{name}@{book.edition}")
    return Rules(_with_tier(known, row), row.tier[1], f"rules of {name}@{book.edition}, tier of the record")


def _answer(figure: str, row: Row, rules: Rules, beside: Sequence[Row], venue: str | None) -> float | None:
    """One figure by the public answers of the rulebook; None where the record lacks what it needs."""
    if row.mark_price is None and figure != "liquidation_price":
        return None
    try:
        found = _ANSWERS[figure](_Asked(row, rules, beside, venue))
    except _Missing:
        return None
    return float(found)


class _Missing(Exception):
    """Something that a figure needs is not recorded."""


@dataclass(frozen=True)
class _Asked:
    """A position as the answers take it."""

    row: Row
    rules: Rules
    beside: Sequence[Row]
    venue: str | None

    @property
    def book(self) -> Rulebook:
        return self.rules.book

    @property
    def entry(self) -> float:
        found = self.row.entry_price or self.row.mark_price
        return _given(found)

    @property
    def position(self) -> tuple[str, float, float]:
        """Side, entry price and quantity."""
        return self.row.side or "long", self.entry, self.row.amount

    @property
    def at_venue(self) -> dict[str, Any]:
        row = self.row
        return {"leverage_set": row.leverage_set, "funding_rate": row.funding_rate, "closing_fee": row.closing_fee}

    @property
    def fee_at_venue(self) -> dict[str, Any]:
        return {"leverage_set": self.row.leverage_set, "closing_fee": self.row.closing_fee}

    @property
    def margin(self) -> float:
        """Without the PnL since entry: the position's own, or the wallet."""
        row = self.row
        if row.margin_mode != "isolated":
            return _given(row.wallet)
        if row.margin is not None:
            return row.margin
        side, entry, amount = self.position
        pnl = float(self.book.equity(side, entry, amount, 0.0, _given(row.mark_price)))
        return _given(row.margin_with_pnl) - pnl

    @property
    def others(self) -> dict[str, Any]:
        """PnL and maintenance of the rest of the account, and the deduction of the record's own tier."""
        pnl, maintenance = self.row.other_pnl, self.row.other_maintenance
        for one in self.beside:
            rules = rules_of(one, self.venue)
            mark = _given(one.mark_price)
            entry = one.entry_price or mark
            found = others([Position(rules.book, one.side or "long", entry, one.amount, mark, one.leverage_set)])
            pnl += float(found.other_pnl)
            maintenance += float(found.other_maintenance) - (rules.deduction or 0.0)
        return {"other_pnl": pnl, "other_maintenance": maintenance - (self.rules.deduction or 0.0)}

    @property
    def weighed_at(self) -> float:
        """The price of the notional that margins are on."""
        return self.entry if self.book.requirement.basis == "entry" else _given(self.row.mark_price)


def _given(value: float | None) -> float:
    if value is None:
        raise _Missing
    return value


def _maintenance(asked: _Asked) -> float:
    book, fee, mark = asked.book, 0.0, _given(asked.row.mark_price)
    wanted = float(book.required(*asked.position, 0.0, mark, **asked.at_venue))
    if book.requirement.include_close_fee == "on_notional" and book.requirement.basis == "mark":
        fee = float(book.close_fee(*asked.position, 0.0, mark, **asked.fee_at_venue))
    return wanted - fee - (asked.rules.deduction or 0.0)


def _initial(asked: _Asked) -> float:
    book, row = asked.book, asked.row
    value = float(book.notional(row.amount, asked.weighed_at))
    if row.leverage_set is None:
        return float(book.initial_margin(value, size=book.size(row.amount, asked.weighed_at)))
    margin = value / row.leverage_set
    if book.requirement.include_close_fee != "at_bankruptcy":
        return margin
    return margin + float(book.close_fee(*asked.position, 0.0, asked.weighed_at, **asked.fee_at_venue))


def _liquidation_price(asked: _Asked) -> float:
    side, entry, amount = asked.position
    given = asked.others | asked.at_venue
    return float(asked.book.liquidation_price(side, entry, amount, asked.margin, **given))


def _bankruptcy_price(asked: _Asked) -> float:
    pnl = asked.others["other_pnl"]
    return float(asked.book.bankruptcy_price(*asked.position, asked.margin, other_pnl=pnl, **asked.fee_at_venue))


def _margin_ratio(asked: _Asked) -> float:
    pnl, maintenance = asked.others["other_pnl"], asked.others["other_maintenance"]
    mark = _given(asked.row.mark_price)
    left = float(asked.book.equity(*asked.position, asked.margin, mark, other_pnl=pnl))
    wanted = float(asked.book.required(*asked.position, asked.margin, mark, **asked.at_venue))
    return left / (wanted + maintenance)


_ANSWERS: Mapping[str, Callable[[_Asked], float]] = {
    "maintenance_margin": _maintenance,
    "initial_margin": _initial,
    "liquidation_price": _liquidation_price,
    "bankruptcy_price": _bankruptcy_price,
    "margin_ratio": _margin_ratio,
}


def _explained(wrong: Compared, beside: Sequence[Row], venue: str | None) -> Iterator[str]:
    """The rules by which a figure that does not agree would."""
    for words, rules in _alternatives(wrong.row, wrong.rules, venue):
        got = _answer(wrong.figure, wrong.row, rules, beside, venue)
        if got is None:
            continue
        if Compared(wrong.row, rules, wrong.figure, wrong.recorded, got, wrong.tolerance).agrees:
            yield words


def _alternatives(row: Row, rules: Rules, venue: str | None) -> Iterator[tuple[str, Rules]]:
    """Other rules, each with the words that name it."""
    name, is_own = _rulebook_id(row, venue)
    if is_own:
        for one in history(name):
            adapted = _adapted(one, row)
            if adapted.hash != rules.book.hash:
                yield f"the edition of {one.edition}", Rules(adapted, None, "")
    if row.tier is not None and rules.deduction is None:
        yield "the tier of the record", Rules(_with_tier(rules.book, row), row.tier[1], "")
    now = rules.book.requirement
    for words, changes in _CHANGES.items():
        entry = changes.get("basis")
        if all(getattr(now, key) == value for key, value in changes.items() if hasattr(now, key)):
            continue
        if entry is not None:
            changes = changes | {"tier_at": "entry" if entry == "entry" else "trigger_price", "with_funding": False}
        try:
            yield words, Rules(variant(rules.book, {"requirement": changes}), rules.deduction, "")
        except InputError:
            continue


_CHANGES: Mapping[str, dict[str, Any]] = {
    "no closing fee in the requirement": {"include_close_fee": "none"},
    "a closing fee on the notional": {"include_close_fee": "on_notional"},
    "a closing fee at the bankruptcy price of the leverage set": {"include_close_fee": "at_bankruptcy"},
    "a closing fee on entry value and margin": {"include_close_fee": "on_entry_and_margin"},
    "a requirement on the entry notional": {"basis": "entry"},
    "a requirement on the mark notional": {"basis": "mark"},
}


def _rulebook_id(row: Row, venue: str | None) -> tuple[str, bool]:
    """The id of the row's rulebook, and whether it is of this contract and no other of the venue."""
    known, named = available(), row.venue or venue
    if named is None:
        hint = "Give --venue, such as binance_usdm, or a column venue"
        raise InputError("the venue is not named", **_place(row), hint=hint)
    own, _, symbol = named.partition("/")
    wanted = f"{own}/{own_symbol(own, symbol or row.symbol or '')}"
    if wanted in known:
        return wanted, True
    there = [name for name in known if name.split("/")[0] == own]
    rule = "is no venue that has a rulebook"
    hint = f"It is one of {', '.join(sorted({name.split('/')[0] for name in known}))}"
    require(bool(there), rule, key=f"{row.name}.venue", got=own, hint=hint)
    require(row.tier is not None, "has no rulebook", key=f"{row.name}.symbol", got=wanted, hint=_import_hint(wanted))
    like = [name for name in there if history(name)[-1].contract.kind == row.contract]
    return (like or there)[0], False


def _place(row: Row) -> dict[str, Any]:
    return {"key": f"{row.name}.symbol", "got": row.symbol}


def _import_hint(name: str) -> str:
    venue = name.partition("/")[0]
    way = f", or write its rulebook: stresslab venues import FILE --venue {venue}" if venue in IMPORTED else ""
    return f"Name its tier in the columns tier_rate and tier_deduction{way}"


def _adapted(book: Rulebook, row: Row) -> Rulebook:
    """The rulebook for the row's account: its margin mode, type and taker fee."""
    changes = _ACCOUNT_TYPES.get((book.id.split("/")[0], row.account_type or ""))
    found = variant(book, changes) if changes else book.in_mode(row.margin_mode)
    if book.contract.kind != row.contract:
        found = variant(found, {"contract": _contract(book, row), "requirement": {"tier_unit": "quote"}})
    if row.taker_fee is None:
        return found
    if found.requirement.close_fee_rate is not None:
        return variant(found, {"requirement": {"close_fee_rate": row.taker_fee}})
    return variant(found, {"fees": {"taker": row.taker_fee}})


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
        if float(size) > wanted.table.highest:
            return False
        tier = wanted.table.at(size)
        return bool(np.isclose(tier.mmr, rate, rtol=SAME_RATE) and np.isclose(tier.cum, deduction, rtol=SAME_RATE))
    found = float(book.maintenance_margin(book.notional(row.amount, price), size)) / float(
        book.notional(row.amount, price)
    )
    return deduction == 0 and bool(np.isclose(found, rate, rtol=SAME_RATE))


def _with_tier(book: Rulebook, row: Row) -> Rulebook:
    """The rulebook with the record's rate for all sizes; its deduction is taken off beside."""
    assert row.tier is not None
    now = book.requirement
    rate = row.tier[0]
    tier = {"floor": 0.0, "cap": None, "mmr": rate, "imr": 1.0, "max_leverage": 1.0, "cum": 0.0}
    kept = now.model_dump(include=set(Marginal.model_fields))
    kept |= {"shape": "marginal", "tiers": [tier], "tier_unit": _moving_unit(book)}
    return variant(book.model_copy(update={"cross_requirement": None}), {"requirement": kept})


def _moving_unit(book: Rulebook) -> str:
    return {"linear": "quote", "inverse": "coin", "quanto": "coin"}[book.contract.kind]


def _shares_account(one: Row, other: Row) -> bool:
    """Whether two cross positions stand in one account."""
    named = one.account is not None and one.account == other.account and one.venue == other.venue
    return named and one.margin_mode == other.margin_mode == "cross"
