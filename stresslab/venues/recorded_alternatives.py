"""Other rules by which a recorded figure might have been made: editions, tiers, fees, bases, and readings of the row.

Each is tried alone. A fee level is tried only where the requirement has a fee.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from stresslab.errors import InputError
from stresslab.venues.catalogue import variant
from stresslab.venues.recorded_figures import Asked, Missing, answer
from stresslab.venues.recorded_rules import Rules, Shelf, other_editions, rules_of, with_tier
from stresslab.venues.schema.requirement import Marginal

_TAKER_FEES = (0.0, 0.0002, 0.00025, 0.0003, 0.00035, 0.0004, 0.00045, 0.0005, 0.00055, 0.0006, 0.00075)
_NEAR = 10.0  # times the difference of the closest one
_NEAR_ENOUGH = 0.01  # of the tolerance: closer than this, none is closer than another
_REQUIREMENTS: Mapping[str, dict[str, Any]] = {
    "no closing fee in the requirement": {"include_close_fee": "none"},
    "a closing fee on the notional": {"include_close_fee": "on_notional"},
    "a closing fee at the bankruptcy price of the leverage set": {"include_close_fee": "at_bankruptcy"},
    "a closing fee on entry value and margin": {"include_close_fee": "on_entry_and_margin"},
    "a requirement on the entry notional": {"basis": "entry"},
    "a requirement on the mark notional": {"basis": "mark"},
}


def alternatives(asked: Asked, shelf: Shelf) -> Iterator[tuple[str, Asked]]:
    """The position by other rules, each with the words that name it."""
    yield from (*_by_rules(asked, shelf), *_by_reading(asked, shelf), *_by_fee(asked, shelf))


def _by_rules(asked: Asked, shelf: Shelf) -> Iterator[tuple[str, Asked]]:
    row, rules = asked.row, asked.rules
    for one in other_editions(row, shelf):
        if one.hash != rules.book.hash:
            yield f"the edition of {one.edition}", _with(asked, Rules(one, 0.0, "", rules.is_own))
    if row.tier is not None and rules.is_own and not rules.words.startswith("rules of"):
        yield "the tier of the record", _with(asked, Rules(with_tier(rules.book, row), row.tier[1], ""))
    try:
        amount = _maintenance_amount(asked)
    except Missing:
        amount = 0.0
    if amount:
        yield "the rate of the tier alone, without its deduction", _with(asked, rules._replace(deduction=-amount))
    for words, changes in _REQUIREMENTS.items():
        now = rules.book.requirement
        if all(getattr(now, key) == value for key, value in changes.items()):
            continue
        if "basis" in changes:
            at = "entry" if changes["basis"] == "entry" else "trigger_price"
            changes = changes | {"tier_at": at, "with_funding": False}
        try:
            book = variant(rules.book, {"requirement": changes})
        except InputError:  # this shape of requirement has no such rule
            continue
        yield words, _with(asked, rules._replace(book=book))


def _maintenance_amount(asked: Asked) -> float:
    """The deduction of the tier at the position's size."""
    wanted = asked.book.requirement
    if not isinstance(wanted, Marginal):
        return 0.0
    asked.check_size()
    cum = float(wanted.table.at(asked.book.size(asked.row.amount, asked.weighed_at)).cum)
    return cum if asked.rules.deduction == 0 else asked.rules.deduction


def _by_reading(asked: Asked, shelf: Shelf) -> Iterator[tuple[str, Asked]]:
    """The row, read otherwise."""
    row = asked.row
    if row.funding_rate:
        yield "no funding in the requirement", Asked(row._replace(funding_rate=0.0), asked.rules, asked.beside)
    if row.closing_fee is not None:
        words = "the closing fee by the rule, not the recorded one"
        yield words, Asked(row._replace(closing_fee=None), asked.rules, asked.beside)
    if asked.beside:
        alone = row if row.wallet is not None else row._replace(wallet=_wallet(asked))
        yield "the position alone, without the rest of its account", Asked(alone, asked.rules)
    if row.margin_mode == "isolated" and row.margin is not None:
        changed = row._replace(margin=None, margin_with_pnl=row.margin)
        yield "the margin taken as one with the PnL in it", Asked(changed, asked.rules)
    elif row.margin_mode == "isolated" and row.margin_with_pnl is not None:
        changed = row._replace(margin=row.margin_with_pnl, margin_with_pnl=None)
        yield "the margin taken as one without the PnL", Asked(changed, asked.rules)
    if row.margin_mode in ("isolated", "cross"):
        other = "cross" if row.margin_mode == "isolated" else "isolated"
        try:
            rules = rules_of(row._replace(margin_mode=other), shelf)
        except InputError:
            return
        if rules.book.hash != asked.rules.book.hash:
            yield f"the rules of {other} margin", _with(asked, rules)


def _by_fee(asked: Asked, shelf: Shelf) -> Iterator[tuple[str, Asked]]:
    """Other fee levels of the account."""
    if asked.book.requirement.include_close_fee == "none" or asked.row.closing_fee is not None:
        return
    now = asked.row.taker_fee if asked.row.taker_fee is not None else asked.book.closing_fee_rate
    for fee in _TAKER_FEES:
        if fee != now:
            rules = rules_of(asked.row._replace(taker_fee=fee), shelf)
            yield f"a taker fee of {100 * fee:.10g} %", _with(asked, rules)


def _with(asked: Asked, rules: Rules) -> Asked:
    return Asked(asked.row, rules, asked.beside)


def _wallet(asked: Asked) -> float | None:
    return next((one.row.wallet for one in asked.beside if one.row.wallet is not None), None)


def pointed_to(figure: str, recorded: float, allowed: float, asked: Asked, shelf: Shelf) -> tuple[str, ...]:
    """The words of the alternatives that give the recorded figure; the closest first, those far behind it left out."""
    found = []
    for words, one in alternatives(asked, shelf):
        try:
            apart = abs(answer(figure, one) - recorded)
        except (Missing, InputError):  # the other rule needs what the record lacks, or does not suit the contract
            continue
        if apart <= allowed:
            found.append((apart, words))
    found.sort(key=lambda one: one[0])
    near = max(_NEAR * found[0][0], _NEAR_ENOUGH * allowed) if found else 0.0
    return tuple(words for apart, words in found if apart <= near)
