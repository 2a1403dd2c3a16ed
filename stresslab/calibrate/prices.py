"""Price history: bars read from a file, their gaps, and log returns that never span a gap.

A missing bar is never filled. The return across it is dropped and counted; a day with a return missing is no day of
data.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from stresslab.calibrate.model_yaml import utc
from stresslab.errors import InputError, require
from stresslab.units import format_duration, years

COLUMNS = ("open", "high", "low", "close")
DAY_SECONDS = 86_400
ZONE = r"(?:Z|\+00:?00)$"  # a stamp must say that it is UTC: a local time read as UTC would shift every day


@dataclass(frozen=True)
class Bars:
    """OHLC bars of one length, some of them missing."""

    stamps: np.ndarray  # opens, seconds since 1970, UTC
    prices: np.ndarray  # a row per bar, in the order of COLUMNS
    seconds: int  # length of a bar
    gaps: int  # places where bars are missing
    longest_gap: int  # the most bars missing in one place
    file: str
    sha256: str  # of the file


@dataclass(frozen=True)
class Returns:
    """Log returns from close to close over one bar each; `stamps` are the opens of the bars that end them."""

    stamps: np.ndarray
    values: np.ndarray
    seconds: int
    dropped: int  # returns left out because they span a gap
    bars: int  # bars that they come from
    first: int  # open of the first bar, seconds since 1970
    last: int  # open of the last bar
    origin: Bars | None = None  # the bars that they come from: open, high, low; None for returns made by hand

    @property
    def observations(self) -> int:
        """How many returns there are."""
        return len(self.values)

    @property
    def provenance(self) -> dict[str, Any]:
        """For the model's file: dates, bars, and what was left out."""
        found: dict[str, Any] = {"first": utc(self.first), "last": utc(self.last)}
        found |= {"bar": format_duration(self.seconds), "bars": self.bars, "dropped_returns": self.dropped}
        return found | ({} if self.origin is None else {"sha256": self.origin.sha256})

    @property
    def dt(self) -> float:
        """A bar in years."""
        return years(self.seconds)

    @property
    def end(self) -> int:
        """Close of the last bar, seconds since 1970."""
        return self.last + self.seconds


@dataclass(frozen=True)
class Days:
    """UTC days from the first to the last that is complete; NaN where a return of the day is missing."""

    stamps: np.ndarray  # start of the day, seconds since 1970
    returns: np.ndarray
    variances: np.ndarray  # realised: the sum of the squared returns
    bars: int  # per day


def read_bars(path: str | Path) -> Bars:
    """The bars of a CSV file (plain or gzip) with columns timestamp (open, UTC, ISO 8601), open, high, low, close."""
    file = str(path)
    try:
        frame = pd.read_csv(path, dtype={"timestamp": str})
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError(f"the prices cannot be read: {error}", file=file, hint="Give a CSV or CSV.gz file") from error
    missing = [name for name in ("timestamp", *COLUMNS) if name not in frame.columns]
    require(not missing, "a column is missing", file=file, key=", ".join(missing), got=list(frame.columns))
    require(len(frame) >= 3, "at least 3 bars are needed", file=file, got=len(frame))
    stamps = _stamps(frame["timestamp"], file)
    prices = _prices(frame, file)
    widths = np.diff(stamps)
    seconds = int(widths.min())
    odd = np.flatnonzero(widths % seconds)
    rule = f"bars must start a whole number of bars ({format_duration(seconds)}, the shortest distance) apart"
    require(odd.size == 0, rule, file=file, key="timestamp", got=_shown(frame, odd, 1))
    missed = widths // seconds - 1
    digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    return Bars(stamps, prices, seconds, int((missed > 0).sum()), int(missed.max()), file, digest)


def log_returns(bars: Bars) -> Returns:
    """Log returns from close to close, without those that span missing bars."""
    whole = np.diff(bars.stamps) == bars.seconds
    values = np.diff(np.log(bars.prices[:, COLUMNS.index("close")]))[whole]
    first, last = int(bars.stamps[0]), int(bars.stamps[-1])
    dropped = int((~whole).sum())
    return Returns(bars.stamps[1:][whole], values, bars.seconds, dropped, len(bars.stamps), first, last, bars)


def daily(returns: Returns) -> Days:
    """Return and realised variance of each UTC day; the first day lacks its first return unless bars precede it."""
    rule = "bars must divide a day"
    require(DAY_SECONDS % returns.seconds == 0, rule, key="bar", got=format_duration(returns.seconds))
    bars = DAY_SECONDS // returns.seconds
    number = returns.stamps // DAY_SECONDS
    row = number - number[0]
    counts = np.bincount(row)
    whole = np.flatnonzero(counts == bars)
    require(whole.size > 0, "no day of the prices is complete", key="bar", got=format_duration(returns.seconds))
    kept = slice(whole[0], whole[-1] + 1)
    sums, squares = np.bincount(row, returns.values)[kept], np.bincount(row, returns.values**2)[kept]
    gap = np.where(counts[kept] == bars, 0.0, np.nan)
    stamps = (number[0] + np.arange(kept.start, kept.stop)) * DAY_SECONDS
    return Days(stamps, sums + gap, squares + gap, bars)


def _stamps(text: pd.Series, file: str) -> np.ndarray:
    naive = np.flatnonzero(~text.fillna("").str.contains(ZONE).to_numpy())
    hint = "Write 2024-12-31T23:00:00Z"
    rule = "stamps must be ISO 8601 in UTC and say so"
    require(naive.size == 0, rule, file=file, key="timestamp", got=_first(text, naive), hint=hint)
    try:
        parsed = pd.to_datetime(text, utc=True, format="ISO8601")
    except ValueError as error:
        raise InputError(f"{rule}: {error}", file=file, key="timestamp", hint=hint) from error
    stamps = parsed.dt.tz_localize(None).to_numpy().astype("datetime64[s]").astype(np.int64)
    wrong = np.flatnonzero(np.diff(stamps) <= 0)
    rule = "stamps must rise from row to row, each once"
    require(wrong.size == 0, rule, file=file, key="timestamp", got=_first(text, wrong + 1))
    return stamps


def _prices(frame: pd.DataFrame, file: str) -> np.ndarray:
    for name in COLUMNS:
        column = pd.to_numeric(frame[name], errors="coerce").to_numpy(float)
        bad = np.flatnonzero(~(np.isfinite(column) & (column > 0)))
        require(bad.size == 0, "prices must be positive numbers", file=file, key=name, got=_shown(frame, bad, 0, name))
    prices = frame[list(COLUMNS)].to_numpy(float)
    low, high = prices[:, COLUMNS.index("low")], prices[:, COLUMNS.index("high")]
    bad = np.flatnonzero((low > prices.min(axis=1)) | (high < prices.max(axis=1)))
    rule = "low and high must enclose open and close"
    require(bad.size == 0, rule, file=file, key="timestamp", got=_shown(frame, bad, 0))
    return prices


def _shown(frame: pd.DataFrame, rows: np.ndarray, offset: int, name: str = "timestamp") -> object:
    """What a refusal shows: the value in the first offending row and its stamp."""
    if rows.size == 0:
        return None
    row = frame.iloc[int(rows[0]) + offset]
    return row["timestamp"] if name == "timestamp" else f"{row[name]} at {row['timestamp']}"


def _first(text: pd.Series, rows: np.ndarray) -> object:
    return None if rows.size == 0 else text.iloc[int(rows[0])]
