"""Positions in a table or in JSON, as venues and libraries show them.

Read are: a JSON file {"positions": [...]} whose rows have the columns of `position_row`, with the figures that the
venue shows under `expected`; ccxt's list of `fetch_positions`, in JSON or as a table; and a table (CSV, Parquet,
Feather) of the same columns, the figures beside the others. A further column of a table is a tag of its row, unless its
name is nearly that of a column. All faults of a file are told at once, each with its row and column.
"""

import difflib
import json
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from stresslab.errors import Faults, InputError, require
from stresslab.files import ccxt_positions
from stresslab.files.columns import plain
from stresslab.files.contents import is_binary_table, read_contents
from stresslab.files.layout import AS_FOUND, Layout
from stresslab.files.numbers import decimal_of
from stresslab.files.position_row import (
    COLUMNS,
    FIGURES,
    NUMBERS,
    TOLERANCE,
    Cells,
    Row,
    Written,
    is_missing,
    row_of,
)
from stresslab.files.table import read_table
from stresslab.files.validation import nearest

_PASSED_OVER = frozenset(  # of the JSON layout: words and checks of whoever wrote the record down
    (
        "time_note",
        "available",
        "formula",
        "recompute",
        "check",
        "derived",
        "other_legs",
        "evidence",
        "certainty",
        "note",
    )
)
_OF_EXTRA = {"exit_fee": "closing_fee", "tick": "tick"}
_ALIKE = 0.8  # a further column whose name is so like a known one is a misspelling
_BY_PLAIN_NAME = {plain(name): name for name in (*COLUMNS, *(TOLERANCE + name for name in FIGURES))}


class Record(NamedTuple):
    """A row of the file before it is read."""

    given: Mapping[str, Any]
    row: Hashable | None  # of a table; None in JSON
    place: int


def read_positions(path: Path, notes: list[str] | None = None, layout: Layout = AS_FOUND) -> list[Row]:
    """The positions of a file; InputError with all faults of its rows.

    What was left out is appended to `notes`: closed positions, and figures of ccxt's own.
    """
    file, said = str(path), [] if notes is None else notes
    records, decimal = _records(path, file, layout)
    faults, rows = Faults(), []
    for record in records:
        with faults.gathered():
            cells = _cells(record, decimal, file, said)
            if cells is not None:
                rows.append(row_of(cells, file))
    for problem in _repeated(records, rows if not faults else (), file):
        faults.add(problem)
    faults.raise_any()
    require(len(rows) > 0, "the file has no positions", file=file, hint="Give a row for each open position")
    return rows


def _records(path: Path, file: str, layout: Layout) -> tuple[list[Record], str]:
    """The rows, and which character precedes the fraction."""
    data, _ = read_contents(path, "table of positions")
    if is_binary_table(data) or data.lstrip()[:1] not in (b"[", b"{"):
        return _of_table(path, file, layout)
    try:
        found = json.loads(data, parse_float=Written)
    except (ValueError, RecursionError) as error:
        raise InputError(f"not valid JSON: {error}", file=file, hint="Is the file torn? Fetch it again") from None
    found = found.get("positions", found) if isinstance(found, dict) else found
    rule = "must be a list of positions, or a mapping with the key positions"
    require(isinstance(found, list) and all(isinstance(one, dict) for one in found), rule, file=file)
    return [Record(one, None, place) for place, one in enumerate(found)], "point"


def _of_table(path: Path, file: str, layout: Layout) -> tuple[list[Record], str]:
    table = read_table(path, layout, "table of positions")
    require(table.has_names, "the columns have no names", file=file, hint="Name them in the first line")
    frame = table.frame
    if not ccxt_positions.is_ccxt(set(frame.columns)):
        frame.columns = pd.Index(_known_names(list(frame.columns), file))
    numeric = [frame[name] for name in frame.columns if name in (*NUMBERS, *FIGURES, "quantity")]
    decimal = decimal_of([column.dropna() for column in numeric], file, layout)
    rows = zip(frame.index, frame.to_dict("records"), strict=True)
    return [
        Record({str(name): _cell(value) for name, value in one.items()}, row, place)
        for place, (row, one) in enumerate(rows)
    ], decimal


def _cell(value: Any) -> Any:
    """None for the missing values of a data frame."""
    return None if pd.api.types.is_scalar(value) and pd.isna(value) else value


def _known_names(names: list[str], file: str) -> list[str]:
    """Columns by their own names: Entry price is entry_price; InputError where two are one, or a name is misspelt."""
    found, faults = [_BY_PLAIN_NAME.get(plain(name), name) for name in names], Faults()
    for name, one in zip(names, found, strict=True):
        with faults.gathered():
            rule = "is there twice"
            require(found.count(one) == 1, rule, key=f"column {name}", file=file, hint="Rename one of the two")
            alike = difflib.get_close_matches(one.lower(), COLUMNS, n=1, cutoff=_ALIKE) if one not in COLUMNS else []
            misspelt = bool(alike) and not one.startswith(TOLERANCE)
            hint = f"Did you mean {alike[0]!r}? If it is a tag of yours, rename it" if alike else ""
            require(not misspelt, "there is no such column", key=f"column {name}", file=file, hint=hint)
    faults.raise_any()
    return found


def _cells(record: Record, decimal: str, file: str, notes: list[str]) -> Cells | None:
    """The columns of a row, from any of the layouts; None for a closed position, which is noted."""
    given, row = record.given, record.row
    name = f"row {record.place + 1 if row is None else row}"

    def place(column: str) -> str:
        return f"positions[{record.place}].{column}" if row is None else f"row {row}, {column}"

    if ccxt_positions.is_ccxt(set(given)):
        try:
            found = ccxt_positions.flat(given)
        except InputError as problem:
            raise InputError(
                problem.rule, key=place(problem.key), got=problem.got, hint=problem.hint, file=file
            ) from None
        if found is None:
            notes.append(f"{name}: 0 contracts, no position")
            return None
        columns, said = found
        notes += [f"{columns['id'] or name}: {one}" for one in said]
        return Cells(columns, place, name, decimal, True, {})
    if row is None:
        return Cells(_of_json(given, place, file), place, name, decimal, False, {})
    known = {key: value for key, value in given.items() if key in COLUMNS or key.startswith(TOLERANCE)}
    tags = {key: str(value) for key, value in given.items() if key not in known and not is_missing(value)}
    return Cells(known, place, name, decimal, True, tags)


def _of_json(given: Mapping[str, Any], place: Any, file: str) -> dict[str, Any]:
    """The columns of a row of the JSON layout on one level; InputError for a key that there is not."""
    nested = {name: given.get(name) or {} for name in ("expected", "rel_tol", "extra", "tier")}
    for name, one in nested.items():
        require(isinstance(one, Mapping), "must be a mapping", key=place(name), got=one, file=file)
    flat = {key: value for key, value in given.items() if key not in nested and key not in _PASSED_OVER}
    flat |= nested["expected"]
    for key in flat:
        hint = nearest(key, COLUMNS) or f"A position has {', '.join(sorted(COLUMNS))}"
        known = key in COLUMNS or key.removeprefix(TOLERANCE) in FIGURES
        require(known, "there is no such column", key=place(key), file=file, hint=hint)
    for name, column in _OF_EXTRA.items():
        found = nested["extra"].get(name)
        if found is not None:
            flat[column] = found.get("value") if isinstance(found, Mapping) else found
    flat |= {f"tier_{name}": nested["tier"].get(name) for name in ("rate", "deduction") if name in nested["tier"]}
    return flat | {TOLERANCE + name: value for name, value in nested["rel_tol"].items() if name in FIGURES}


def _repeated(records: list[Record], rows: Iterable[Row], file: str) -> list[InputError]:
    """A refusal for each row that is there before; else for each whose name is."""
    seen: dict[str, Record] = {}
    found = []
    for record in records:
        text = json.dumps(record.given, sort_keys=True, default=str)
        first = seen.setdefault(text, record)
        if first is not record:
            rule = f"repeats {_named(first)}"
            found.append(InputError(rule, key=_named(record), file=file, hint="Remove one of the two"))
    twice = [name for name, count in Counter(row.name for row in rows).items() if count > 1]
    hint = "Give each position an id of its own"
    return found or [InputError("two positions have this id", key="id", got=one, file=file, hint=hint) for one in twice]


def _named(record: Record) -> str:
    return f"positions[{record.place}]" if record.row is None else f"row {record.row}"
