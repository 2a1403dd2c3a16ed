"""Recorded positions against the rulebooks, on the command line."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from stresslab.files.position_table import read_positions
from stresslab.venues.recomputed import Compared, compare

_OUT = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 200)


def check_positions(path: Path, venue: str | None, tolerance: float, as_json: bool) -> bool:
    """Print every recorded figure beside the recomputed one; whether all agree."""
    rows = read_positions(path)
    found = compare(rows, venue, tolerance)
    if as_json:
        _OUT.print(json.dumps([_as_dict(one) for one in found], indent=2), markup=False)
        return all(one.agrees for one in found)
    _print_table(found)
    for row in rows:
        if not row.expected:
            _say(f"{row.name}: nothing recorded to compare; give for example its liquidation_price")
    for one in found:
        if not one.agrees:
            _say(f"{one.row.name}, {one.figure}: {_reason(one)}")
    good = {row.name for row in rows if row.expected} - {one.row.name for one in found if not one.agrees}
    compared = sum(bool(row.expected) for row in rows)
    agreed = sum(one.agrees for one in found)
    _say(f"{len(good)} of {compared} positions agree ({agreed} of {len(found)} figures)")
    return bool(found) and agreed == len(found)


def _print_table(found: Sequence[Compared]) -> None:
    table = Table("position", "rulebook", "figure", "recorded", "recomputed", "difference", "")
    for one in found:
        computed = "-" if one.computed is None else f"{one.computed:.10g}"
        error = "-" if one.error is None else f"{one.error:.2g}"
        verdict = "agrees" if one.agrees else "not recomputed" if one.computed is None else "DIFFERS"
        cells = one.row.name, one.rules.words, one.figure, f"{one.recorded:.10g}", computed, error, verdict
        table.add_row(*(escape(cell) for cell in cells))
    _OUT.print(table)


def _reason(one: Compared) -> str:
    if one.computed is None:
        return "something that it needs is not recorded: " + _NEEDS.get(one.figure, "the mark price")
    if not one.points_to:
        return "no rule that was tried gives the recorded figure"
    return "agrees with " + ", or with ".join(one.points_to)


_NEEDS = {
    "liquidation_price": "the entry price, and the margin (isolated) or the wallet (cross)",
    "bankruptcy_price": "entry and mark price, and the margin (isolated) or the wallet (cross)",
    "margin_ratio": "entry and mark price, and the margin (isolated) or the wallet (cross)",
}


def _as_dict(one: Compared) -> dict[str, object]:
    return {
        "position": one.row.name,
        "rulebook": one.rules.words,
        "figure": one.figure,
        "recorded": one.recorded,
        "recomputed": one.computed,
        "relative_difference": one.error,
        "agrees": one.agrees,
        "points_to": list(one.points_to),
    }


def _say(text: str) -> None:
    _OUT.print(text, markup=False)
