"""The columns of a table of bars: the stamp, the prices, the volume; and what was taken for what."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from stresslab.errors import InputError, require
from stresslab.files.columns import CLOSES_OF_BARS, INSTRUMENTS, OPENS_OF_BARS, PRICES, STAMPS, find, find_volume, plain
from stresslab.files.headerless import name_columns
from stresslab.files.layout import Layout
from stresslab.files.stamps import Instants, instants, whole_seconds
from stresslab.files.table import Table

OHLC = ("open", "high", "low", "close")
COLUMNS_HINT = "Give --columns with the names of all columns in their order"


class BarColumns(NamedTuple):
    """Columns by what they hold; `frame` keeps the rows of the chosen instrument."""

    frame: pd.DataFrame
    prices: dict[str, object]
    volume: object | None
    confirmed: object | None
    symbol: str
    notes: list[str]


def bar_columns(table: Table, layout: Layout) -> BarColumns:
    """The columns of the prices; InputError that names all that are missing."""
    frame, notes, file = table.frame, list(table.notes), table.file
    if not table.has_names:
        frame, said = name_columns(frame, file)
        notes.append(said)
    frame, symbol = one_instrument(frame, layout, file, notes)
    names = [name for name in frame.columns if not _counts_rows(frame, name)]
    found = {name: find(names, PRICES[name], file) for name in OHLC}
    others = [name for name in OHLC[:3] if found[name] is not None]
    missing = [name for name in (OHLC if others else ("close",)) if found[name] is None]
    hint = "Prices are close alone, or open, high, low and close"
    rule = f"a column is missing; the file has {', '.join(map(str, names))}"
    require(not missing, rule, file=file, key=", ".join(missing), hint=hint)
    prices = {name: found[name] for name in (OHLC if others else ("close",))}
    volume = find_volume(names, file)
    taken = [f"{name} = {column!r}" for name, column in prices.items() if plain(column) != name]
    if volume is not None and plain(volume) != "volume":
        taken.append(f"volume = {volume!r}")
    if taken:
        notes.append(f"columns: {', '.join(taken)}")
    return BarColumns(frame, prices, volume, find(names, PRICES["confirmed"], file), symbol, notes)


def _counts_rows(frame: pd.DataFrame, name: object) -> bool:
    """Whether a column of the name index counts the rows or holds their stamps: it is no price of an index then."""
    if plain(name) != "index" or list(frame.columns).count(name) > 1:
        return False
    values = pd.to_numeric(frame[name], errors="coerce").to_numpy(float, na_value=np.nan)
    counts = bool(np.isnan(values).all() or (np.diff(values) == 1).all())
    return counts or pd.api.types.is_datetime64_any_dtype(frame[name])


def one_instrument(frame: pd.DataFrame, layout: Layout, file: str, notes: list[str]) -> tuple[pd.DataFrame, str]:
    """The rows of one instrument, and its name; InputError where the table holds several and none is chosen."""
    column, wanted = find(list(frame.columns), INSTRUMENTS, file), layout.symbol
    if column is None:  # a header of two levels has named it already
        chosen = str(frame.attrs.get("symbol", ""))
        key = f"{layout.prefix}symbol"
        rule = "the file names no instrument"
        require(wanted in ("", chosen), rule, file=file, key=key, got=wanted, hint=f"Leave {key} out")
        return frame, chosen
    names = frame[column].astype(str).str.strip()
    known = list(names.unique())
    if not wanted and len(known) > 1:
        shown = ", ".join(known[:8]) + (", ..." if len(known) > 8 else "")
        raise InputError(
            f"holds {shown}: choose one", file=file, key=str(column), hint=f"Give {layout.option('symbol', known[0])}"
        )
    require(not wanted or wanted in known, "is no instrument of this file", file=file, key=str(column), got=wanted)
    chosen = wanted or known[0]
    notes.append(f"instrument {chosen}")
    return frame[names == chosen], chosen


def bar_stamps(frame: pd.DataFrame, file: str, layout: Layout, notes: list[str]) -> tuple[pd.Series, np.ndarray]:
    """The column of the stamps, and the seconds since 1970 at which the bars open.

    Where several columns hold instants they must agree: one that says its zone decides for those that do not.
    """
    names = list(frame.columns)
    column, found = _stamp(frame, names, file, layout)
    notes.append(f"stamps: column {str(column.name)!r}, {found.read_as}")
    return column, whole_seconds(column, found, file)


def _stamp(frame: pd.DataFrame, names: list[object], file: str, layout: Layout) -> tuple[pd.Series, Instants]:
    opens = find(names, OPENS_OF_BARS, file)
    split = _date_and_time(frame, names, file) if opens is None else frame[opens]
    if split is not None:
        return split, instants(split, file, layout)
    candidates = [name for name in (find(names, (one,), file) for one in STAMPS) if name is not None]
    if not candidates:
        candidates = _unnamed(frame, names)
    closes = [str(name) for name in names if plain(name) in CLOSES_OF_BARS]
    hint = f"{closes[0]} is the end of a bar: give the open time" if closes else f"A stamp is missing. {COLUMNS_HINT}"
    rule = f"a column is missing; the file has {', '.join(map(str, names))}"
    require(bool(candidates), rule, file=file, key="timestamp", hint=hint)
    read = {}
    refusals = []
    for name in candidates:
        try:
            read[name] = instants(frame[name], file, layout)
        except InputError as error:
            refusals.append(error)
    if not read or (refusals and any(plain(error.key) == "time" for error in refusals)):
        raise refusals[0]  # a time of day that cannot be read would otherwise be dropped in silence
    sure = [name for name, one in read.items() if one.has_zone] or list(read)
    first = read[sure[0]].microseconds
    for name in sure[1:]:
        if not np.array_equal(read[name].microseconds // 60_000_000, first // 60_000_000):
            rule = f"the columns {sure[0]} and {name} name different instants"
            raise InputError(rule, file=file, key=str(name), got=str(frame[name].iloc[0]), hint=COLUMNS_HINT)
    return frame[sure[0]], read[sure[0]]


def _date_and_time(frame: pd.DataFrame, names: list[object], file: str) -> pd.Series | None:
    """Stamps whose date and time of day stand in two columns."""
    date, time = find(names, ("date",), file), find(names, ("time",), file)
    if date is None or time is None:
        return None
    clock = frame[time].astype(str).str.strip()
    if clock.str.fullmatch(r"\d{6}").all():  # 143000
        clock = clock.str.replace(r"(\d\d)(\d\d)(\d\d)", r"\1:\2:\3", regex=True)
    if not clock.str.fullmatch(r"\d{1,2}:\d\d(:\d\d)?( ?[AaPp][Mm])?").all():
        return None
    clock = clock.str.replace(r" ?([AaPp][Mm])$", r" \1", regex=True)
    return (frame[date].astype(str).str.strip() + " " + clock).rename(f"{date} {time}")


def _unnamed(frame: pd.DataFrame, names: list[object]) -> list[object]:
    """Columns that bear no name of a stamp and hold instants: the index of a data frame, written without its name."""
    typed = [name for name in names if pd.api.types.is_datetime64_any_dtype(frame[name])]
    nameless = [name for name in names if plain(name) in ("", "index", "unnamed0", "level0", "indexlevel0")]
    return typed if len(typed) == 1 else nameless[:1] if not typed else []
