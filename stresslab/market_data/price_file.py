"""Reading bars from a CSV (plain or compressed) or Parquet file, and refusing what is not what it should be.

Columns, in any case: a stamp (timestamp, time, date, datetime or open_time: the open of the bar), close (or price),
and open, high and low, all of them or none. Stamps are ISO 8601 in UTC that say so, or numbers since 1970 in seconds,
milli-, micro- or nanoseconds. Nothing is sorted, dropped or filled here: missing bars are counted as gaps, all else
that is wrong is refused with its row, the header being row 1.
"""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

from stresslab.errors import require
from stresslab.market_data.bars import COLUMNS, Bars
from stresslab.market_data.stamps import first_words, read_frame, row_words, seconds
from stresslab.units import format_duration

STAMPS = ("timestamp", "time", "datetime", "date", "open_time", "open time")
CLOSES = ("close", "price")
LEAST_BARS = 3


def read_bars(path: str | Path, utc: bool = False) -> Bars:
    """The bars of a file. `utc`: stamps without a zone are UTC. InputError with file, row and the next move."""
    file = str(path)
    frame = _columns(read_frame(Path(path), file), file)
    require(len(frame) >= LEAST_BARS, f"at least {LEAST_BARS} bars are needed", file=file, got=len(frame))
    stamps = _stamps(frame["timestamp"], file, utc)
    prices = _prices(frame, file)
    widths = np.diff(stamps)
    bar = int(widths.min())
    odd = np.flatnonzero(widths % bar)
    rule = f"bars must start a whole number of bars ({format_duration(bar)}, the shortest distance) apart"
    hint = f"{odd.size} of {len(widths)} distances are not; give bars of one length"
    require(odd.size == 0, rule, file=file, key="timestamp", got=_shown(frame, odd + 1), hint=hint)
    digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    return Bars(stamps, prices, bar, file, digest, close_only="open" not in frame.columns)


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
    stamps = seconds(column, file, utc)
    twice, back = np.flatnonzero(np.diff(stamps) == 0) + 1, np.flatnonzero(np.diff(stamps) < 0) + 1
    rule = "stamps must rise from row to row, each once"
    for rows, hint in ((back, "Sort the rows by time"), (twice, "Remove the rows that are there twice")):
        count = f"{hint}: {rows.size} of them"
        require(rows.size == 0, rule, file=file, key="timestamp", got=first_words(column, rows), hint=count)
    return stamps


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
    return f"{value}{frame['timestamp'].iloc[row]}{row_words(rows)}"
