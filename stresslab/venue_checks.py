"""Recorded positions against the rulebooks, on the command line."""

import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from stresslab.errors import InputError, require
from stresslab.files.ccxt_positions import ACCOUNT
from stresslab.files.layout import Layout
from stresslab.files.position_row import Row, parse_time
from stresslab.files.position_table import read_positions
from stresslab.venues.recomputed import Compared, compare
from stresslab.venues.recorded_rules import Shelf

FEW_DIGITS = 1e-3  # relative: a difference that a figure of three digits hides
_OUT = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 220)


class Said(NamedTuple):
    """What the user says of the file where it does not say so itself."""

    venue: str | None = None
    at: str | None = None  # time of the positions that have none
    wallet: float | None = None  # balance of the cross account, without PnL
    tolerance: float | None = None
    rulebooks: Path | None = None
    decimal: str = ""


def check_positions(path: Path, said: Said, as_json: bool) -> bool:
    """Print every recorded figure beside the recomputed one; whether all agree."""
    require(said.tolerance is None or 0 <= said.tolerance < 1, "must lie between 0 and 1", key="--tolerance")
    folder = said.rulebooks
    require(folder is None or folder.is_dir(), "there is no such folder", key="--rulebooks", got=str(folder))
    notes: list[str] = []
    rows = [_completed(row, said) for row in read_positions(path, notes, Layout(decimal=said.decimal))]
    try:
        found = compare(rows, Shelf(said.venue, folder), said.tolerance)
    except InputError as problem:
        raise problem.at(file=str(path)) from None
    rule = "no row has a figure to compare"
    hint = "Give for example a column liquidation_price or maintenance_margin, as the venue shows it"
    require(bool(found), rule, file=str(path), hint=hint)
    if as_json:
        _OUT.print(json.dumps(_as_dict(rows, found, notes), indent=2), markup=False)
    else:
        _print(rows, found, notes)
    return all(one.agrees for one in found)


def _completed(row: Row, said: Said) -> Row:
    """The row with the time and the wallet that the user names."""
    if row.time is None and said.at is not None:
        row = row._replace(time=parse_time(said.at, "--at"))
    if row.wallet is None and row.margin_mode == "cross" and said.wallet is not None:
        row = row._replace(wallet=said.wallet)
    return row


def _print(rows: Sequence[Row], found: Sequence[Compared], notes: Sequence[str]) -> None:
    _print_table(found)
    for line in (*notes, *_nothing(rows)):
        _say(line)
    for one in found:
        if not one.agrees:
            _say(f"{_name(one.row)}, {one.figure}: {_reason(one)}")
    bad = {one.row.name for one in found if not one.agrees}
    compared = sum(bool(row.expected) for row in rows)
    agreed = sum(one.agrees for one in found)
    _say(f"{compared - len(bad)} of {compared} positions agree ({agreed} of {len(found)} figures)")


def _nothing(rows: Sequence[Row]) -> list[str]:
    words = "nothing recorded to compare; give for example its liquidation_price"
    return [f"{_name(row)}: {words}" for row in rows if not row.expected]


def _name(row: Row) -> str:
    own = row.account not in (None, ACCOUNT, row.name)
    return f"{row.account}, {row.name}" if own else row.name


def _print_table(found: Sequence[Compared]) -> None:
    table = Table("position", "symbol", "rulebook", "figure", "recorded", "recomputed", "difference", "")
    for one in found:
        computed = "-" if one.computed is None else f"{one.computed:.10g}"
        error = "-" if one.error is None else f"{one.error:.2g}"
        words = "-" if one.rules is None else one.rules.words
        recorded = f"{one.recorded:.10g}"
        cells = _name(one.row), one.row.symbol or "", words, one.figure, recorded, computed, error, _verdict(one)
        table.add_row(*(escape(cell) for cell in cells))
    _OUT.print(table)


def _verdict(one: Compared) -> str:
    if one.computed is None:
        return "not recomputed"
    if not one.agrees:
        return "DIFFERS"
    assert one.error is not None
    return "agrees" if one.error <= FEW_DIGITS else "agrees to the few digits recorded"


def _reason(one: Compared) -> str:
    if one.computed is None:
        return f"not recomputed: {one.missing}"
    words = "no rule that was tried gives the recorded figure"
    if one.points_to:
        words = "agrees with " + ", or with ".join(one.points_to)
    if one.figure == "initial_margin" and one.row.leverage_set is None:
        words += "; the row has no leverage_set, and the least margin of its tier was taken"
    doubt = one.rules.doubt if one.rules else None
    return f"{words} ({doubt})" if doubt else words


def _as_dict(rows: Sequence[Row], found: Sequence[Compared], notes: Sequence[str]) -> dict[str, Any]:
    return {
        "figures": [_figure(one) for one in found],
        "notes": [*notes, *_nothing(rows)],
        "agree": sum(one.agrees for one in found),
        "compared": len(found),
    }


def _figure(one: Compared) -> dict[str, Any]:
    return {
        "position": one.row.name,
        "account": one.row.account,
        "venue": one.row.venue,
        "symbol": one.row.symbol,
        "rulebook": one.rules.words if one.rules else None,
        "doubt": one.rules.doubt if one.rules else None,
        "figure": one.figure,
        "recorded": one.recorded,
        "recomputed": _finite(one.computed),
        "relative_difference": _finite(one.error),
        "allowed": one.allowed,
        "agrees": one.agrees,
        "points_to": list(one.points_to),
        "missing": one.missing or None,
    }


def _finite(value: float | None) -> float | None:
    """JSON has no infinity: a price that nothing reaches is null."""
    return value if value is not None and math.isfinite(value) else None


def _say(text: str) -> None:
    _OUT.print(text, markup=False)
