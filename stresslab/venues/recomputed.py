"""Recorded positions recomputed by the rulebook of their time, each figure beside the recorded one.

A figure agrees within the record's own relative tolerance, or else within `TOLERANCE` of it and half a unit of its last
printed digit; a price within one tick more, where the tick is known.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from stresslab.errors import Faults, InputError
from stresslab.files.position_row import Row
from stresslab.venues.recorded_alternatives import pointed_to
from stresslab.venues.recorded_figures import Asked, Beside, Missing, answer
from stresslab.venues.recorded_rules import Rules, Shelf, Unshipped, rules_of, venue_of

TOLERANCE = 1e-4  # relative, where the record has none
ONE_LOOK = timedelta(minutes=1)  # rows of one account that a venue answered one after the other


@dataclass(frozen=True)
class Compared:
    """One figure of a position."""

    row: Row
    rules: Rules | None  # None where its symbol has no rulebook
    figure: str
    recorded: float
    computed: float | None  # None where something that it needs is not recorded, which `missing` names
    allowed: float  # absolute
    points_to: tuple[str, ...] = ()  # rules by which a figure that does not agree would
    missing: str = ""

    @property
    def error(self) -> float | None:
        """Relative difference."""
        if self.computed is None:
            return None
        return abs(self.computed - self.recorded) / abs(self.recorded) if self.recorded else abs(self.computed)

    @property
    def agrees(self) -> bool:
        """Whether the figure is the recorded one."""
        return self.computed is not None and abs(self.computed - self.recorded) <= self.allowed


def compare(rows: Sequence[Row], shelf: Shelf = Shelf(), tolerance: float | None = None) -> list[Compared]:  # noqa: B008
    """Every recorded figure of every position; InputError where a venue is not known, with all such rows.

    A `tolerance` (relative) replaces those of the records.
    """
    faults, rules = Faults(), []
    for row in rows:
        with faults.gathered():
            rules.append(_rules(row, shelf))
    faults.raise_any()
    accounts = _accounts(rows, rules, shelf)
    found = []
    for place, (row, (known, why)) in enumerate(zip(rows, rules, strict=True)):
        account = accounts.get(_account(row, shelf), ())
        beside = [one for other, one in account if other != place and _at_one_time(row, one.row)]
        for figure, recorded in row.expected.items():
            allowed = _allowed(figure, row, known, tolerance)
            if known is None:
                found.append(Compared(row, None, figure, recorded, None, allowed, missing=why))
            else:
                found.append(_compared(figure, recorded, Asked(row, known, beside), allowed, shelf))
    return found


def _rules(row: Row, shelf: Shelf) -> tuple[Rules | None, str]:
    try:
        return rules_of(row, shelf), ""
    except Unshipped as problem:
        return None, str(problem)


def _compared(figure: str, recorded: float, asked: Asked, allowed: float, shelf: Shelf) -> Compared:
    try:
        got = answer(figure, asked)
    except Missing as missing:
        return Compared(asked.row, asked.rules, figure, recorded, None, allowed, missing=f"it needs {missing}")
    except InputError as problem:
        return Compared(asked.row, asked.rules, figure, recorded, None, allowed, missing=str(problem))
    one = Compared(asked.row, asked.rules, figure, recorded, got, allowed)
    if one.agrees:
        return one
    points = pointed_to(figure, recorded, allowed, asked, shelf)
    return Compared(asked.row, asked.rules, figure, recorded, got, allowed, points)


def _allowed(figure: str, row: Row, rules: Rules | None, tolerance: float | None) -> float:
    recorded = abs(row.expected[figure])
    if tolerance is not None:
        slack = tolerance * recorded
    elif figure in row.tolerance:
        slack = row.tolerance[figure] * recorded
    else:
        slack = TOLERANCE * recorded + row.half_unit.get(figure, 0.0)
    if not figure.endswith("price"):
        return slack
    own = rules.book.contract.tick if rules is not None and rules.is_own else None
    return slack + (row.tick or own or 0.0) * (1 + math.ulp(1e6))


def _accounts(
    rows: Sequence[Row], rules: Sequence[tuple[Rules | None, str]], shelf: Shelf
) -> dict[tuple[str, str] | None, list[tuple[int, Beside]]]:
    """The cross positions of each account, with their places in the file."""
    found: dict[tuple[str, str] | None, list[tuple[int, Beside]]] = {}
    for place, (row, (known, _)) in enumerate(zip(rows, rules, strict=True)):
        key = _account(row, shelf)
        if key is not None:
            found.setdefault(key, []).append((place, Beside(row, known)))
    return found


def _at_one_time(row: Row, other: Row) -> bool:
    """Whether two rows are of one look at the account; an older one is no part of it."""
    return row.time is None or other.time is None or abs(row.time - other.time) <= ONE_LOOK


def _account(row: Row, shelf: Shelf) -> tuple[str, str] | None:
    """Account and venue of a cross position; None for an isolated one, and where no account is named."""
    if row.account is None or row.margin_mode != "cross":
        return None
    return row.account, venue_of(row, shelf)
