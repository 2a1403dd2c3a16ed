"""A table in JSON as the interfaces of venues and libraries give it.

A list of rows, each a list or a mapping; a mapping of equally long lists; or either of them inside an envelope
({"result": {"list": [...]}}). One row a line (JSON lines) is a list of rows. Data frames of pandas are read in the
orientations split, index and columns too, with the index as a column.
"""

import json
from typing import Any

import pandas as pd

from stresslab.errors import InputError, require

DEEPEST = 6  # envelopes within one another


def read_json(text: str, file: str) -> pd.DataFrame:
    """The rows, as text; columns are 0, 1, 2, ... where the rows are lists. The index counts them from 1."""
    try:
        found = json.loads(text, parse_float=str, parse_int=str)
    except (json.JSONDecodeError, RecursionError) as error:
        found = _lines(text, file, error)
    table = _table(found, DEEPEST)
    hint = "Give a list of rows, or a CSV"
    require(table is not None, "no table is to be seen in this JSON", file=file, hint=hint)
    assert table is not None
    require(len(table) > 0, "the file has no rows", file=file)
    table.index = range(1, len(table) + 1)
    return table.map(lambda value: "" if value is None else str(value))


def _lines(text: str, file: str, error: Exception) -> Any:
    try:
        rows = [json.loads(line, parse_float=str, parse_int=str) for line in text.splitlines() if line.strip()]
    except (json.JSONDecodeError, RecursionError):
        hint = "Is the file torn? Fetch it again"
        raise InputError(f"not valid JSON: {error}", file=file, hint=hint) from None
    return rows


def _table(value: Any, deepest: int) -> pd.DataFrame | None:
    if isinstance(value, list):
        return _rows(value)
    if not isinstance(value, dict) or deepest == 0:
        return None
    frame = _split(value) if {"columns", "data"} <= set(value) else _nested(value)
    if frame is not None:
        return frame
    columns = {name: column for name, column in value.items() if isinstance(column, list)}
    lengths = {len(column) for column in columns.values()}
    if (
        len(columns) >= 2
        and len(lengths) == 1
        and not any(isinstance(c, list | dict) for v in columns.values() for c in v)
    ):
        return pd.DataFrame(columns)
    inner = [_table(one, deepest - 1) for one in value.values() if isinstance(one, list | dict)]
    tables = [one for one in inner if one is not None and len(one)]
    return tables[0] if len(tables) == 1 else None


def _split(value: dict[str, Any]) -> pd.DataFrame | None:
    """{"columns": [...], "index": [...], "data": [[...], ...]}"""
    table, names = _rows(value["data"]) if isinstance(value["data"], list) else None, value["columns"]
    if table is None or not isinstance(names, list) or len(names) != table.shape[1]:
        return None
    table.columns = pd.Index([str(name) for name in names])
    index = value.get("index")
    if isinstance(index, list) and len(index) == len(table) and index != [str(n) for n in range(len(index))]:
        table.insert(0, "index", index)
    return table


def _nested(value: dict[str, Any]) -> pd.DataFrame | None:
    """{"close": {"0": 1.5, ...}, ...} by column, or {"2024-01-01": {"close": 1.5}, ...} by row.

    The outer keys are columns where there are fewer of them than inner ones, and rows otherwise.
    """
    inner = list(value.values())
    if len(inner) < 2 or not all(isinstance(one, dict) and one.keys() == inner[0].keys() for one in inner):
        return None
    if any(isinstance(one, list | dict) for mapping in inner for one in mapping.values()):
        return None
    by_column = len(value) < len(inner[0])
    table = pd.DataFrame(value if by_column else list(inner))
    index = list(inner[0]) if by_column else list(value)
    table = table.reset_index(drop=True)
    if index != [str(n) for n in range(len(index))]:
        table.insert(0, "index", index)
    return table


def _rows(rows: list[Any]) -> pd.DataFrame | None:
    if rows and all(isinstance(row, dict) for row in rows):
        plain = [{key: one for key, one in row.items() if not isinstance(one, list | dict)} for row in rows]
        return pd.DataFrame(plain)
    if rows and all(isinstance(row, list) and len(row) == len(rows[0]) for row in rows):
        return None if any(isinstance(one, list | dict) for one in rows[0]) else pd.DataFrame(rows)
    return None
