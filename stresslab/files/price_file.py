"""Bars from files as venues and libraries write them: one step that recognises the table, and refuses what it is not.

Columns are found by name (columns.py), or by their figures where there is no header line (headerless.py). Rows in
exactly reversed order are turned round; rows that are there twice are taken once; a bar of volume 0 is a bar without a
trade and is left out. Nothing is filled. What was taken for what stands in `Bars.notes`. All else that is wrong is
refused in one message that names every fault.
"""

import glob
import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from stresslab.errors import Faults, InputError, require
from stresslab.files.bar_columns import OHLC, BarColumns, bar_columns, bar_stamps
from stresslab.files.bar_length import bar_length
from stresslab.files.bars import COLUMNS, NO_STAMPS, Bars
from stresslab.files.layout import AS_FOUND, Layout
from stresslab.files.numbers import decimal_of, numbers
from stresslab.files.stamps import row_of
from stresslab.files.table import read_table
from stresslab.units import format_duration

LEAST_BARS = 3
PARTS_HINT = "Name files of one market that follow each other in time"


class _Rows(NamedTuple):
    """One file's rows in the order of time."""

    stamps: np.ndarray
    prices: np.ndarray  # (row, 4)
    volumes: np.ndarray | None
    close_only: bool
    symbol: str
    notes: list[str]
    file: str
    sha256: str


def read_bars(paths: str | Path | Sequence[str | Path], layout: Layout = AS_FOUND) -> Bars:
    """The bars of a file, or of several (names or patterns) joined in time. InputError with file, row and next move."""
    parts = [_read(path, layout) for path in _expanded([paths] if isinstance(paths, str | Path) else paths)]
    parts.sort(key=lambda part: int(part.stamps[0]))
    rows = _joined(parts)
    require(
        len(rows.stamps) >= LEAST_BARS, f"at least {LEAST_BARS} bars are needed", file=rows.file, got=len(rows.stamps)
    )
    rows, untraded = _traded(rows)
    bar = bar_length(rows.stamps, rows.file)
    close = rows.prices[:, COLUMNS.index("close")]
    require(bool(np.ptp(close) > 0), "the close never changes", file=rows.file, key="close", got=float(close[0]))
    return Bars(
        rows.stamps,
        rows.prices,
        bar,
        rows.file,
        rows.sha256,
        close_only=rows.close_only,
        untraded=untraded,
        has_volume=rows.volumes is not None,
        symbol=rows.symbol,
        files=tuple(part.file for part in parts),
        notes=tuple(rows.notes),
        layout=layout,
    )


def _expanded(paths: Sequence[str | Path]) -> list[Path]:
    """The files that names and patterns stand for."""
    found: list[Path] = []
    for path in paths:
        is_pattern = glob.has_magic(str(path)) and not os.path.lexists(path)
        matches = [Path(name) for name in sorted(glob.glob(str(path)))] if is_pattern else [Path(path)]
        require(bool(matches), "no file matches this pattern", file=str(path))
        found += [one for one in matches if one not in found]
    return found


def _read(path: Path, layout: Layout) -> _Rows:
    table = read_table(path, layout, "prices")
    file, faults = table.file, Faults()
    with faults.gathered():
        columns = bar_columns(table, layout)
    faults.raise_any()
    notes = columns.notes
    with faults.gathered():
        column, stamps = bar_stamps(columns.frame, file, layout, notes)
    with faults.gathered():
        taken = list(columns.prices.values())
        others = [columns.frame.iloc[:, at] for at, name in enumerate(columns.frame.columns) if name not in taken]
        decimal = decimal_of([columns.frame[name] for name in taken], file, layout, others)
    faults.raise_any()
    if decimal == "comma":
        notes.append("a comma precedes the fraction")
    prices = _prices(columns, decimal, file, faults)
    volumes = _volumes(columns, decimal, notes)
    order = _order(column, stamps, prices, file, notes, faults)
    faults.raise_any()
    order = order[_complete(columns, notes)[order]]
    volumes = None if volumes is None else volumes[order]
    close_only = "open" not in columns.prices
    return _Rows(stamps[order], prices[order], volumes, close_only, columns.symbol, notes, file, table.sha256)


def _prices(columns: BarColumns, decimal: str, file: str, faults: Faults) -> np.ndarray:
    """A row per bar, in the order of COLUMNS; of closes alone the four are equal."""
    found = {}
    for name, column in columns.prices.items():
        found[name] = numbers(columns.frame[column], decimal)
        bad = np.flatnonzero(~(np.isfinite(found[name]) & (found[name] > 0)))
        if bad.size:
            got = f"{columns.frame[column].iloc[bad[0]]} ({row_of(columns.frame[column], int(bad[0]))})"
            some = f"Remove the rows, {bad.size}: a missing bar is counted as missing"
            hint = some if bad.size < len(found[name]) else "Write plain numbers such as 60123.45 in all rows"
            faults.add(InputError("prices must be positive numbers", file=file, key=str(column), got=got, hint=hint))
    prices = np.column_stack([found.get(name, found["close"]) for name in COLUMNS])
    if not faults and len(found) == len(OHLC):
        low, high = prices[:, COLUMNS.index("low")], prices[:, COLUMNS.index("high")]
        bad = np.flatnonzero((low > prices.min(axis=1)) | (high < prices.max(axis=1)))
        if bad.size:
            row = row_of(columns.frame[columns.prices["low"]], int(bad[0]))
            got = ", ".join(f"{name} {prices[bad[0], place]:g}" for place, name in enumerate(COLUMNS)) + f" ({row})"
            hint = f"Fetch these rows again, or remove them: {bad.size}"
            rule = "low and high must enclose open and close"
            faults.add(InputError(rule, file=file, key="low, high", got=got, hint=hint))
    return prices


def _volumes(columns: BarColumns, decimal: str, notes: list[str]) -> np.ndarray | None:
    """Traded volumes, NaN in rows without one; None where no row has any."""
    if columns.volume is None:
        return None
    volumes = numbers(columns.frame[columns.volume], decimal)
    unknown = ~(np.isfinite(volumes) & (volumes >= 0))
    if unknown.any():
        one = unknown.sum() == 1
        said = "row has no volume and counts as a bar" if one else "rows have no volume and count as bars"
        notes.append(f"{unknown.sum()} {said} with a trade")
    return None if unknown.all() else np.where(unknown, np.nan, volumes)


def _order(
    column: pd.Series, stamps: np.ndarray, prices: np.ndarray, file: str, notes: list[str], faults: Faults
) -> np.ndarray:
    """The places of the rows in the order of time, each once."""
    place = np.arange(len(stamps))
    widths = np.diff(stamps)
    if (widths < 0).sum() > (widths > 0).sum():
        place, widths = place[::-1], -widths[::-1]
        notes.append("newest row first: turned round")
    back = np.flatnonzero(widths < 0) + 1
    if back.size:
        hint = f"Sort the rows by time: {back.size} of them are earlier than the row before"
        got = f"{column.iloc[place[back[0]]]} ({row_of(column, int(place[back[0]]))})"
        faults.add(InputError("stamps must rise from row to row", file=file, key="timestamp", got=got, hint=hint))
        return place
    twice = np.flatnonzero(widths == 0) + 1
    differ = twice[np.any(prices[place[twice]] != prices[place[twice - 1]], axis=1)]
    if differ.size:
        got = f"{column.iloc[place[differ[0]]]} ({row_of(column, int(place[differ[0]]))})"
        hint = f"Keep the right one: {differ.size} stamps"
        rule = "two rows of one stamp have different prices"
        faults.add(InputError(rule, file=file, key="timestamp", got=got, hint=hint))
    elif twice.size:
        notes.append(f"{twice.size} rows that are there twice are taken once")
    return np.delete(place, twice)


def _complete(columns: BarColumns, notes: list[str]) -> np.ndarray:
    """Which bars are complete, where the table says it."""
    if columns.confirmed is None:
        return np.ones(len(columns.frame), bool)
    complete = ~columns.frame[columns.confirmed].astype(str).str.strip().str.lower().isin(["0", "false"]).to_numpy(bool)
    if not complete.all():
        notes.append(f"{(~complete).sum()} bars that are not complete yet are left out")
    return complete


def _joined(parts: list[_Rows]) -> _Rows:
    whole = parts[0]
    for part in parts[1:]:
        whole = _appended(whole, part)
    return whole


def _appended(older: _Rows, newer: _Rows) -> _Rows:
    """Two files in one; rows that both hold must be equal."""
    for part in (older, newer):
        if len(part.stamps) >= LEAST_BARS and len(older.stamps) >= LEAST_BARS:
            own, other = (int(np.diff(one.stamps).min()) for one in (part, older))
            rule = f"bars of all files must have one length: those of {older.file} have {format_duration(other)}"
            require(own == other, rule, file=part.file, got=format_duration(own), hint=PARTS_HINT)
    same = older.symbol == newer.symbol or not (older.symbol and newer.symbol)
    require(same, f"holds another instrument than {older.file}", file=newer.file, got=newer.symbol, hint=PARTS_HINT)
    kept = np.searchsorted(newer.stamps, older.stamps[-1], side="right")
    if kept:
        at = np.searchsorted(older.stamps, newer.stamps[:kept])
        at = np.minimum(at, len(older.stamps) - 1)
        alike = np.array_equal(older.stamps[at], newer.stamps[:kept]) and np.array_equal(
            older.prices[at], newer.prices[:kept]
        )
        rule = f"overlaps {older.file} and holds other rows there"
        require(alike, rule, file=newer.file, got=f"{kept} rows", hint=PARTS_HINT)
    known = older.volumes is not None and newer.volumes is not None
    said = [f"{newer.file} joined" + (f", {kept} rows are in both" if kept else "")]
    return _Rows(
        np.concatenate([older.stamps, newer.stamps[kept:]]),
        np.concatenate([older.prices, newer.prices[kept:]]),
        np.concatenate([older.volumes, newer.volumes[kept:]]) if known else None,  # type: ignore[index]
        older.close_only or newer.close_only,
        older.symbol or newer.symbol,
        older.notes + [note for note in newer.notes if note not in older.notes] + said,
        f"{older.file}, {newer.file}",
        sha256((older.sha256 + newer.sha256).encode()).hexdigest(),
    )


def _traded(rows: _Rows) -> tuple[_Rows, np.ndarray]:
    """The rows of bars with a trade, and the opens of those without one.

    A bar without a trade repeats the last price. A table whose volumes are all 0 (of mark prices, say) does not tell.
    """
    if rows.volumes is None or not (rows.volumes > 0).any():
        return rows._replace(volumes=None), NO_STAMPS
    flat = np.ptp(rows.prices, axis=1) == 0
    still = np.append(True, np.diff(rows.prices[:, COLUMNS.index("close")]) == 0)
    untraded = (rows.volumes == 0) & flat & still
    kept = ~untraded
    odd = int(((rows.volumes == 0) & ~untraded).sum())
    notes = rows.notes + ([f"{odd} bars of volume 0 have a price of their own: they are kept"] if odd else [])
    require(
        kept.sum() >= LEAST_BARS,
        f"at least {LEAST_BARS} bars with a trade are needed",
        file=rows.file,
        got=int(kept.sum()),
    )
    left = rows._replace(stamps=rows.stamps[kept], prices=rows.prices[kept], volumes=rows.volumes[kept], notes=notes)
    return left, rows.stamps[untraded]
