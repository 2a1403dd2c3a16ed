"""The table of an option chain as it is in the file: columns found, stamps in UTC, one currency, one unit.

    timestamp         when the quotes were taken, ISO 8601 in UTC; all rows within an hour of each other
    expiry            ISO 8601 in UTC
    option_type       call or put (or C, P)
    strike            in quote currency
    bid_price, ask_price    empty or 0: no quote on that side
    mark_price        the venue's own value, used where there is no quote on both sides; may be there instead of them
    underlying_price  the forward of the expiry; optional where prices are in quote currency
    currency          optional: the underlying; else the beginning of instrument_name ("BTC-30JAN26-90000-C")
    unit              optional: "coin" (an inverse option: times underlying_price for quote currency) or "quote"

Names in any case; other columns are not read. CSV (plain or compressed) or Parquet.
"""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

from stresslab.calibrate import black
from stresslab.errors import require
from stresslab.market_data.stamps import first_words, read_frame, seconds
from stresslab.units import format_duration

REQUIRED = ("timestamp", "expiry", "option_type", "strike")
NUMBERS = ("strike", "bid_price", "ask_price", "mark_price", "underlying_price")
SYNONYMS = {"bid": "bid_price", "ask": "ask_price", "mark": "mark_price", "mid": "mark_price", "price": "mark_price"}
SYNONYMS |= {"type": "option_type", "expiration": "expiry", "forward": "underlying_price", "underlying": "currency"}
TYPES = {"call": True, "c": True, "put": False, "p": False}
UNITS = ("coin", "quote")
SNAPSHOT = 3600  # seconds that the rows of one snapshot may lie apart


def read_table(path: str | Path, currency: str = "", unit: str = "") -> pd.DataFrame:
    """The rows of one currency with prices in quote currency; stamps are seconds since 1970, `call` is a boolean.

    `attrs` holds the underlying, the unit that the prices were in, and the hash of the file.
    """
    file = str(path)
    frame = _columns(read_frame(Path(path), file, "chain"), file)
    table = pd.DataFrame({name: _numbers(frame, name, file) for name in NUMBERS})
    for name in ("timestamp", "expiry"):
        table[name] = seconds(frame[name], file, cut=True)
    table["call"] = _calls(frame["option_type"], file)
    own, underlying = _one_currency(frame, currency, file)
    frame, table = frame[own], table[own].reset_index(drop=True)
    apart = int(np.ptp(table["timestamp"]))
    rule = f"a chain is one snapshot: its rows must lie within {format_duration(SNAPSHOT)} of each other"
    require(apart <= SNAPSHOT, rule, file=file, key="timestamp", got=format_duration(apart))
    unit = _unit(frame, table, unit, file)
    if unit == "coin":
        for name in ("bid_price", "ask_price", "mark_price"):
            table[name] *= table["underlying_price"]
    digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    table.attrs = {"underlying": underlying, "unit": unit, "sha256": digest}
    return table


def _columns(frame: pd.DataFrame, file: str) -> pd.DataFrame:
    """The table with columns under their usual names."""
    frame = frame.rename(columns=lambda name: str(name).strip().lower())
    for old, new in SYNONYMS.items():
        if new not in frame.columns:
            frame = frame.rename(columns={old: new})
    priced = REQUIRED if "mark_price" in frame.columns else (*REQUIRED, "bid_price", "ask_price")
    missing = [name for name in priced if name not in frame.columns]
    require(not missing, "a column is missing", file=file, key=", ".join(missing), got=list(frame.columns))
    require(len(frame) > 0, "the chain holds no quotes", file=file)
    return frame


def _one_currency(frame: pd.DataFrame, wanted: str, file: str) -> tuple[np.ndarray, str]:
    """Which rows are of the one underlying, and its name; InputError where it is not clear which one is meant."""
    if "currency" in frame.columns:
        names = frame["currency"].astype("string").str.strip().str.upper().fillna("")
    elif "instrument_name" in frame.columns:
        names = frame["instrument_name"].astype("string").str.split("-").str[0].str.upper().fillna("")
    else:
        return np.ones(len(frame), bool), wanted.upper()  # the file does not say: it is what the caller says
    known = sorted(set(names) - {""})
    rule = f"the chain holds {', '.join(known) or 'no currency'}: choose one"
    require(bool(wanted) or len(known) == 1, rule, file=file, key="currency", hint="Give --currency")
    wanted = wanted.upper() or known[0]
    require(wanted in known, rule, file=file, key="currency", got=wanted)
    return (names == wanted).to_numpy(bool), wanted


def _numbers(frame: pd.DataFrame, name: str, file: str) -> np.ndarray:
    """A column of numbers, NaN where it is empty or absent."""
    if name not in frame.columns:
        return np.full(len(frame), np.nan)
    values = pd.to_numeric(frame[name], errors="coerce").to_numpy(float, na_value=np.nan)
    empty = frame[name].astype("string").str.strip().str.lower().fillna("").isin(["", "nan", "none", "null"])
    bad = np.flatnonzero(~np.isfinite(values) & ~empty.to_numpy(bool))
    require(bad.size == 0, "must be numbers, or empty", file=file, key=name, got=first_words(frame[name], bad))
    return values


def _calls(column: pd.Series, file: str) -> np.ndarray:
    found = column.astype("string").str.strip().str.lower().map(TYPES)
    bad = np.flatnonzero(found.isna())
    require(bad.size == 0, "must be call or put", file=file, key="option_type", got=first_words(column, bad))
    return found.to_numpy(bool)


def _unit(frame: pd.DataFrame, table: pd.DataFrame, wanted: str, file: str) -> str:
    """The unit that was said, or the one under which fewer marks and quotes lie outside the no-arbitrage bounds."""
    said = sorted(set(frame["unit"].astype("string").str.strip().str.lower())) if "unit" in frame.columns else []
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
