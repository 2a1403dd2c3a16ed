"""The table of an option chain as it is in the file: columns found, stamps in UTC, one currency, one unit.

    timestamp         when the quotes were taken, ISO 8601 in UTC; all rows within an hour of each other
    expiry            ISO 8601 in UTC
    option_type       call or put (or C, P)
    strike            in quote currency
    bid_price, ask_price    empty or 0: no quote on that side
    mark_price        optional: the venue's own value, used where there is no quote on both sides
    underlying_price  the forward of the expiry; optional where prices are in quote currency
    currency          optional: the underlying; else the beginning of instrument_name ("BTC-30JAN26-90000-C")
    unit              optional: "coin" (an inverse option: times underlying_price for quote currency) or "quote"

Other columns are not read. CSV (plain or gzip) or Parquet.
"""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

from stresslab.calibrate import black
from stresslab.errors import InputError, require
from stresslab.units import format_duration

REQUIRED = ("timestamp", "expiry", "option_type", "strike", "bid_price", "ask_price")
NUMBERS = ("strike", "bid_price", "ask_price", "mark_price", "underlying_price")
SYNONYMS = {"bid": "bid_price", "ask": "ask_price", "mark": "mark_price", "type": "option_type"}
SYNONYMS |= {"forward": "underlying_price", "expiration": "expiry", "underlying": "currency"}
TYPES = {"call": True, "c": True, "put": False, "p": False}
UNITS = ("coin", "quote")
SNAPSHOT = 3600  # seconds that the rows of one snapshot may lie apart
ZONE = r"(?:Z|\+00:?00)$"  # a stamp must say that it is UTC


def read_table(path: str | Path, currency: str = "", unit: str = "") -> pd.DataFrame:
    """The rows of one currency with prices in quote currency; stamps are seconds since 1970, `call` is a boolean.

    `attrs` holds the underlying, the unit that the prices were in, and the hash of the file.
    """
    file = str(path)
    frame = _read(path, file).rename(columns=str.strip)
    frame = frame.rename(columns={old: new for old, new in SYNONYMS.items() if new not in frame.columns})
    missing = [name for name in REQUIRED if name not in frame.columns]
    require(not missing, "a column is missing", file=file, key=", ".join(missing), got=list(frame.columns))
    require(len(frame) > 0, "the chain holds no quotes", file=file)
    frame, currency = _one_currency(frame, currency, file)
    table = pd.DataFrame({name: _numbers(frame, name, file) for name in NUMBERS})
    for name in ("timestamp", "expiry"):
        table[name] = _seconds(frame[name], file)
    table["call"] = _calls(frame["option_type"], file)
    apart = int(np.ptp(table["timestamp"]))
    rule = f"a chain is one snapshot: its rows must lie within {format_duration(SNAPSHOT)} of each other"
    require(apart <= SNAPSHOT, rule, file=file, key="timestamp", got=format_duration(apart))
    unit = _unit(frame, table, unit, file)
    if unit == "coin":
        for name in ("bid_price", "ask_price", "mark_price"):
            table[name] *= table["underlying_price"]
    digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    table.attrs = {"underlying": currency, "unit": unit, "sha256": digest}
    return table


def _read(path: str | Path, file: str) -> pd.DataFrame:
    try:
        if file.endswith((".parquet", ".pq")):
            return pd.read_parquet(path)
        return pd.read_csv(path, dtype={"timestamp": str, "expiry": str, "expiration": str})
    except (OSError, ValueError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        hint = "Give a CSV, CSV.gz or Parquet file"
        raise InputError(f"the chain cannot be read: {error}", file=file, hint=hint) from error


def _one_currency(frame: pd.DataFrame, wanted: str, file: str) -> tuple[pd.DataFrame, str]:
    """The rows of one underlying; InputError where it is not clear which."""
    if "currency" in frame.columns:
        names = frame["currency"].astype("string").str.strip().str.upper()
    elif "instrument_name" in frame.columns:
        names = frame["instrument_name"].astype("string").str.split("-").str[0].str.upper()
    else:
        return frame, wanted.upper()  # the file does not say: it is what the caller says
    known = sorted(names.dropna().unique())
    rule = f"the chain holds {', '.join(known) or 'no currency'}: choose one"
    require(bool(wanted) or len(known) == 1, rule, file=file, key="currency", hint="Give --currency")
    wanted = wanted.upper() or known[0]
    require(wanted in known, rule, file=file, key="currency", got=wanted)
    return frame[(names == wanted).fillna(False).to_numpy(bool)].reset_index(drop=True), wanted


def _numbers(frame: pd.DataFrame, name: str, file: str) -> np.ndarray:
    """A column of numbers, NaN where it is empty or absent."""
    if name not in frame.columns:
        return np.full(len(frame), np.nan)
    values = pd.to_numeric(frame[name], errors="coerce").to_numpy(float)
    text = frame[name].astype("string").str.strip().str.lower().fillna("")
    bad = np.flatnonzero(~np.isfinite(values) & ~text.isin(["", "nan", "none", "null"]).to_numpy(bool))
    got = None if bad.size == 0 else f"{frame[name].iloc[bad[0]]} in row {bad[0] + 1}"
    require(bad.size == 0, "must be numbers, or empty", file=file, key=name, got=got)
    return values


def _seconds(column: pd.Series, file: str) -> np.ndarray:
    """Stamps as seconds since 1970; InputError where one does not say that it is UTC."""
    text = column.astype("string").fillna("")
    bad = np.flatnonzero(~text.str.contains(ZONE).to_numpy(bool))
    rule, hint = "stamps must be ISO 8601 in UTC and say so", "Write 2026-01-30T08:00:00Z"
    key = str(column.name)
    require(bad.size == 0, rule, file=file, key=key, got=None if bad.size == 0 else text.iloc[bad[0]], hint=hint)
    try:
        stamps = pd.to_datetime(text, utc=True, format="ISO8601")
    except ValueError as error:
        raise InputError(f"{rule}: {error}", file=file, key=key, hint=hint) from error
    return stamps.dt.tz_localize(None).to_numpy().astype("datetime64[s]").astype(np.int64)


def _calls(column: pd.Series, file: str) -> np.ndarray:
    found = column.astype("string").str.strip().str.lower().map(TYPES)
    bad = np.flatnonzero(found.isna())
    got = None if bad.size == 0 else column.iloc[bad[0]]
    require(bad.size == 0, "must be call or put", file=file, key="option_type", got=got)
    return found.to_numpy(bool)


def _unit(frame: pd.DataFrame, table: pd.DataFrame, wanted: str, file: str) -> str:
    """The unit that was said, or the one under which fewer marks and quotes lie outside the no-arbitrage bounds."""
    said = sorted(frame["unit"].dropna().unique()) if "unit" in frame.columns else []
    rule = f"the unit of the prices must be one of {', '.join(UNITS)}, the same in every row"
    require(len(said) <= 1, rule, file=file, key="unit", got=said)
    unit = wanted or (str(said[0]) if said else _unit_of(table))
    hint = "Give --unit: the prices fit both" if not unit else ""
    require(unit in UNITS, rule, file=file, key="unit", got=unit, hint=hint)
    known = unit == "quote" or bool(table["underlying_price"].gt(0).any())
    require(known, "prices in coin need the column underlying_price", file=file, key="underlying_price")
    return unit


def _unit_of(table: pd.DataFrame) -> str:
    """One of `UNITS`, or nothing where the bounds do not tell."""
    forward, strike = table["underlying_price"].to_numpy(), table["strike"].to_numpy()
    if not np.any(forward > 0):
        return "quote"
    bid, ask = table["bid_price"].to_numpy(), table["ask_price"].to_numpy()
    price = np.where((bid > 0) & (ask > 0), (bid + ask) / 2, table["mark_price"].to_numpy())
    least = black.intrinsic(forward, strike, table["call"].to_numpy())
    most = np.where(table["call"], forward, strike)
    slack = 0.01 * forward  # the price of the underlying may be of another second, and deep quotes are wide
    coin, quote = (np.sum((value < least - slack) | (value > most + slack)) for value in (price * forward, price))
    return "" if coin == quote else "coin" if coin < quote else "quote"
