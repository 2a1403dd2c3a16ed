"""Reading bars from a CSV (plain or compressed) or Parquet file, and refusing what is not what it should be.

Columns, in any case: a stamp (timestamp, time, date, datetime or open_time: the open of the bar), close (or price),
and open, high and low, all of them or none. Stamps are ISO 8601 in UTC that say so, or numbers since 1970 in seconds,
milli-, micro- or nanoseconds. Nothing is sorted, dropped or filled here: missing bars are counted as gaps, all else
that is wrong is refused with its row, the header being row 1.
"""

import hashlib
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pandas as pd

from stresslab.calibrate.prices import COLUMNS, Bars
from stresslab.errors import InputError, require
from stresslab.units import format_duration

STAMPS = ("timestamp", "time", "datetime", "date", "open_time", "open time")
CLOSES = ("close", "price")
LEAST_BARS = 3
UTC_ZONE = r"(?:Z|\+00:?00)$"  # a stamp must say that it is UTC: a local time read as UTC would shift every day
ANY_ZONE = r"(?:Z|[+-]\d\d:?\d\d)$"
EPOCHS = {1e8: "s", 1e11: "ms", 1e14: "us", 1e17: "ns"}  # lowest number, from 1973 on, that is read in the unit
_UNREADABLE = (OSError, ValueError, EOFError, zlib.error, zipfile.BadZipFile, pd.errors.ParserError)
RULE, HINT = "stamps must be ISO 8601 in UTC and say so", "Write 2024-12-31T23:00:00Z"


def read_bars(path: str | Path, utc: bool = False) -> Bars:
    """The bars of a file. `utc`: stamps without a zone are UTC. InputError with file, row and the next move."""
    file = str(path)
    frame = _columns(_read(Path(path), file), file)
    require(len(frame) >= LEAST_BARS, f"at least {LEAST_BARS} bars are needed", file=file, got=len(frame))
    stamps = _stamps(frame["timestamp"], file, utc)
    prices = _prices(frame, file)
    widths = np.diff(stamps)
    seconds = int(widths.min())
    odd = np.flatnonzero(widths % seconds)
    rule = f"bars must start a whole number of bars ({format_duration(seconds)}, the shortest distance) apart"
    hint = f"{odd.size} of {len(widths)} distances are not; give bars of one length"
    require(odd.size == 0, rule, file=file, key="timestamp", got=_shown(frame, odd + 1), hint=hint)
    digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    return Bars(stamps, prices, seconds, file, digest, close_only="open" not in frame.columns)


def _read(path: Path, file: str) -> pd.DataFrame:
    try:
        if path.suffix in (".parquet", ".pq"):
            frame = pd.read_parquet(path)
            return frame if isinstance(frame.index, pd.RangeIndex) else frame.reset_index()
        return pd.read_csv(path, dtype=str, keep_default_na=False, skipinitialspace=True)
    except _UNREADABLE as error:
        hint = "Give a CSV (plain, gz or zip) or Parquet file"
        raise InputError(f"the prices cannot be read: {error}", file=file, hint=hint) from error


def _columns(frame: pd.DataFrame, file: str) -> pd.DataFrame:
    """The columns that are used, under their usual names."""
    by_name = {str(name).strip().lower(): name for name in reversed(list(frame.columns))}
    found = {"timestamp": next((by_name[name] for name in STAMPS if name in by_name), None)}
    found["close"] = next((by_name[name] for name in CLOSES if name in by_name), None)
    others = [name for name in COLUMNS if name != "close" and name in by_name]
    wanted = ["timestamp", "close"] + ([name for name in COLUMNS if name != "close"] if others else [])
    missing = [name for name in wanted if found.get(name, by_name.get(name)) is None]
    hint = "Prices are close alone, or open, high, low and close"
    names = [str(name) for name in frame.columns]
    require(not missing, "a column is missing", file=file, key=", ".join(missing), got=names, hint=hint)
    return pd.DataFrame({name: frame[found.get(name, by_name.get(name))] for name in wanted})


def _stamps(column: pd.Series, file: str, utc: bool) -> np.ndarray:
    """Seconds since 1970, rising."""
    parsed = _instants(column, file, utc)
    missing = np.flatnonzero(parsed.isna().to_numpy())
    require(missing.size == 0, "a stamp is missing", file=file, key="timestamp", got=_row(missing))
    exact = parsed.dt.tz_localize(None).to_numpy().astype("datetime64[ns]").astype(np.int64)
    stamps = exact // 10**9
    parts = np.flatnonzero(exact % 10**9)
    require(parts.size == 0, "stamps must be whole seconds", file=file, key="timestamp", got=_first(column, parts))
    twice, back = np.flatnonzero(np.diff(stamps) == 0) + 1, np.flatnonzero(np.diff(stamps) < 0) + 1
    rule = "stamps must rise from row to row, each once"
    for rows, hint in ((back, "Sort the rows by time"), (twice, "Remove the rows that are there twice")):
        count = f"{hint}: {rows.size} of them"
        require(rows.size == 0, rule, file=file, key="timestamp", got=_first(column, rows), hint=count)
    return stamps


def _instants(column: pd.Series, file: str, utc: bool) -> pd.Series:
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        require(str(column.dt.tz) in ("UTC", "utc", "Etc/UTC"), RULE, file=file, key="timestamp", got=str(column.dt.tz))
        return column
    if pd.api.types.is_datetime64_any_dtype(column):
        require(utc, f"{RULE}; the zone is missing", file=file, key="timestamp", got=_first(column, [0]), hint=_zone())
        return column.dt.tz_localize("UTC")
    numbers = pd.to_numeric(column, errors="coerce")
    if numbers.notna().all():
        return _epochs(column, numbers, file)
    return _texts(column.astype(str).str.strip(), file, utc)


def _epochs(column: pd.Series, numbers: pd.Series, file: str) -> pd.Series:
    """Numbers since 1970; the unit is told by their size, and is one for all."""
    units = [next((unit for least, unit in reversed(EPOCHS.items()) if n >= least), "") for n in numbers]
    odd = np.flatnonzero(np.array(units) != units[0])
    rule = "a stamp that is a number counts seconds, milli-, micro- or nanoseconds since 1970, the same in all rows"
    bad = odd if units[0] else np.array([0])
    require(bad.size == 0, rule, file=file, key="timestamp", got=_first(column, bad))
    return pd.to_datetime(numbers.astype(np.int64), unit=units[0], utc=True)


def _texts(text: pd.Series, file: str, utc: bool) -> pd.Series:
    zoned, in_utc = text.str.contains(ANY_ZONE).to_numpy(), text.str.contains(UTC_ZONE).to_numpy()
    others, naive = np.flatnonzero(zoned & ~in_utc), np.flatnonzero(~zoned)
    if zoned.any() and (naive.size or in_utc.any() and others.size):
        odd = naive if naive.size else others
        rule = f"time zones are mixed: {RULE}"
        require(False, rule, file=file, key="timestamp", got=_first(text, odd), hint=HINT)
    require(others.size == 0, RULE, file=file, key="timestamp", got=_first(text, others), hint=HINT)
    try:
        parsed = pd.to_datetime(text, utc=True, format="ISO8601")
    except ValueError as error:
        raise InputError(f"{RULE}: {error}", file=file, key="timestamp", hint=HINT) from error
    require(utc or naive.size == 0, RULE, file=file, key="timestamp", got=_first(text, naive), hint=_zone())
    return parsed


def _zone() -> str:
    return f"{HINT}, or, if they are UTC, say so with --utc"


def _prices(frame: pd.DataFrame, file: str) -> np.ndarray:
    """A row per bar, in the order of COLUMNS; of closes alone the four are equal."""
    hint = "Remove the row: a missing bar is counted as a gap, and no return spans it"
    names = [name for name in COLUMNS if name in frame.columns]
    columns = {}
    for name in names:
        columns[name] = pd.to_numeric(frame[name], errors="coerce").to_numpy(float)
        bad = np.flatnonzero(~(np.isfinite(columns[name]) & (columns[name] > 0)))
        rule = "prices must be positive numbers"
        require(
            bad.size == 0, rule, file=file, key=name, got=_shown(frame, bad, name), hint=f"{hint}. Rows: {bad.size}"
        )
    prices = np.column_stack([columns.get(name, columns["close"]) for name in COLUMNS])
    low, high = prices[:, COLUMNS.index("low")], prices[:, COLUMNS.index("high")]
    bad = np.flatnonzero((low > prices.min(axis=1)) | (high < prices.max(axis=1)))
    rule = "low and high must enclose open and close"
    require(bad.size == 0, rule, file=file, key="timestamp", got=_shown(frame, bad), hint=f"{bad.size} rows do not")
    close = prices[:, COLUMNS.index("close")]
    require(bool(np.ptp(close) > 0), "the close never changes", file=file, key="close", got=float(close[0]))
    return prices


def _shown(frame: pd.DataFrame, rows: np.ndarray, name: str = "") -> object:
    """What a refusal shows: the value in the first offending row, its stamp and its number in the file."""
    if len(rows) == 0:
        return None
    row = int(rows[0])
    value = f"{frame[name].iloc[row]} at " if name else ""
    return f"{value}{frame['timestamp'].iloc[row]}{_row(rows)}"


def _first(column: pd.Series, rows: np.ndarray | list[int]) -> object:
    return None if len(rows) == 0 else f"{column.iloc[int(rows[0])]}{_row(rows)}"


def _row(rows: np.ndarray | list[int]) -> str:
    return f" (row {int(rows[0]) + 2})" if len(rows) else ""
