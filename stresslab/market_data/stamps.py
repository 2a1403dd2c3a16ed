"""Tables from CSV or Parquet files, and the instants in their columns.

Instants are ISO 8601 in UTC that say so, or numbers since 1970 in seconds, milli-, micro- or nanoseconds; anything else
is refused with its row, the header being row 1.
"""

import zipfile
import zlib
from pathlib import Path

import numpy as np
import pandas as pd

from stresslab.errors import InputError, require

UTC_ZONE = r"(?:Z|\+00:?00)$"  # a stamp must say that it is UTC: a local time read as UTC would shift every day
ANY_ZONE = r"(?:Z|[+-]\d\d:?\d\d)$"
EPOCHS = {1e8: "s", 1e11: "ms", 1e14: "us", 1e17: "ns"}  # lowest number, from 1973 on, that is read in the unit
_UNREADABLE = (OSError, ValueError, EOFError, zlib.error, zipfile.BadZipFile, pd.errors.ParserError)
RULE, HINT = "stamps must be ISO 8601 in UTC and say so", "Write 2024-12-31T23:00:00Z"


def read_frame(path: Path, file: str, what: str = "prices") -> pd.DataFrame:
    """The table of a file; every column of a CSV as text."""
    try:
        if path.suffix in (".parquet", ".pq"):
            frame = pd.read_parquet(path)
            return frame if isinstance(frame.index, pd.RangeIndex) else frame.reset_index()
        return pd.read_csv(path, dtype=str, keep_default_na=False, skipinitialspace=True)
    except _UNREADABLE as error:
        hint = "Give a CSV (plain, gz or zip) or Parquet file"
        raise InputError(f"the {what} cannot be read: {error}", file=file, hint=hint) from error


def seconds(column: pd.Series, file: str, utc: bool = False, cut: bool = False) -> np.ndarray:
    """Whole seconds since 1970 of every row; refusals bear the column's name.

    `utc`: stamps without a zone are UTC. `cut`: fractions of a second are cut off, where they are refused otherwise.
    """
    key, parsed = str(column.name), _instants(column, file, utc)
    missing = np.flatnonzero(parsed.isna().to_numpy())
    require(missing.size == 0, "a stamp is missing", file=file, key=key, got=row_words(missing))
    exact = parsed.dt.tz_localize(None).to_numpy().astype("datetime64[ns]").astype(np.int64)
    parts = np.flatnonzero(exact % 10**9 * (not cut))
    require(parts.size == 0, "stamps must be whole seconds", file=file, key=key, got=first_words(column, parts))
    return exact // 10**9


def first_words(column: pd.Series, rows: np.ndarray | list[int]) -> object:
    """What a refusal shows of the first of these rows."""
    return None if len(rows) == 0 else f"{column.iloc[int(rows[0])]}{row_words(rows)}"


def row_words(rows: np.ndarray | list[int]) -> str:
    """The number in the file of the first of these rows."""
    return f" (row {int(rows[0]) + 2})" if len(rows) else ""


def _instants(column: pd.Series, file: str, utc: bool) -> pd.Series:
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        require(
            str(column.dt.tz) in ("UTC", "utc", "Etc/UTC"), RULE, file=file, key=str(column.name), got=str(column.dt.tz)
        )
        return column
    if pd.api.types.is_datetime64_any_dtype(column):
        require(
            utc,
            f"{RULE}; the zone is missing",
            file=file,
            key=str(column.name),
            got=first_words(column, [0]),
            hint=_zone(),
        )
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
    require(bad.size == 0, rule, file=file, key=str(column.name), got=first_words(column, bad))
    return pd.to_datetime(numbers.astype(np.int64), unit=units[0], utc=True)


def _texts(text: pd.Series, file: str, utc: bool) -> pd.Series:
    zoned, in_utc = text.str.contains(ANY_ZONE).to_numpy(), text.str.contains(UTC_ZONE).to_numpy()
    others, naive = np.flatnonzero(zoned & ~in_utc), np.flatnonzero(~zoned)
    if zoned.any() and (naive.size or in_utc.any() and others.size):
        odd = naive if naive.size else others
        rule = f"time zones are mixed: {RULE}"
        require(False, rule, file=file, key=str(text.name), got=first_words(text, odd), hint=HINT)
    require(others.size == 0, RULE, file=file, key=str(text.name), got=first_words(text, others), hint=HINT)
    try:
        parsed = pd.to_datetime(text, utc=True, format="ISO8601")
    except ValueError as error:
        raise InputError(f"{RULE}: {error}", file=file, key=str(text.name), hint=HINT) from error
    require(utc or naive.size == 0, RULE, file=file, key=str(text.name), got=first_words(text, naive), hint=_zone())
    return parsed


def _zone() -> str:
    return f"{HINT}, or, if they are UTC, say so with --utc"
