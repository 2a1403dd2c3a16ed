"""The table of an option chain as venues and libraries write it: columns found, stamps in UTC, one currency, one unit.

    timestamp         when the quotes were taken; all rows within an hour of each other, or the last ones before --at
    expiry            an instant
    option_type       call or put (or C, P)
    strike            in quote currency
    bid_price, ask_price    empty or 0: no quote on that side
    mark_price        the venue's own value, used where there is no quote on both sides; may be there instead of them
    underlying_price  the forward of the expiry; optional where prices are in quote currency
    currency          optional: the underlying
    unit              optional: "coin" (an inverse option: times underlying_price for quote currency) or "quote"

Expiry, strike, type and currency come from the instrument's name where there is no column. Names are those of Deribit,
Tardis, Bybit, OKX and ccxt (files/columns.py); other columns are not read.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from stresslab.calibrate import black
from stresslab.errors import Faults, InputError, require
from stresslab.files.columns import CHAIN, find
from stresslab.files.instruments import EXPIRY_HOUR, parse_option_name
from stresslab.files.layout import AS_FOUND, Layout
from stresslab.files.numbers import decimal_of, numbers
from stresslab.files.stamps import SECOND, instants, row_of
from stresslab.files.table import Table, read_table
from stresslab.units import format_duration

NUMBERS = ("strike", "bid_price", "ask_price", "mark_price", "underlying_price")
NAMED = ("expiry", "strike", "option_type")  # what an instrument's name says
TYPES = {"call": True, "c": True, "put": False, "p": False}
UNITS = ("coin", "quote")
SNAPSHOT = 3600  # seconds that the rows of one snapshot may lie apart


def read_chain_table(
    path: str | Path, currency: str = "", unit: str = "", at: int | None = None, layout: Layout = AS_FOUND
) -> pd.DataFrame:
    """The rows of one currency with prices in quote currency; stamps are seconds since 1970, `call` is a boolean.

    `at` (seconds since 1970) selects from a record of quotes the last ones up to that instant. `attrs` holds the
    underlying, the unit of the prices, the hash of the file, and notes on how the file was read.
    """
    source = read_table(Path(path), layout, "chain")
    file = source.file
    hint = "Add a header line, or give --columns with a name for each column"
    require(source.has_names, "the header line is missing", file=file, hint=hint)
    notes = list(source.notes)
    frame = _columns(source, notes)
    table = _values(frame, file, layout, notes)
    own, underlying = _one_currency(frame, currency, file)
    frame, table = frame[own].reset_index(drop=True), table[own].reset_index(drop=True)
    frame, table = _snapshot(frame, table, at, file, notes)
    unit, said = _unit(frame, table, unit, file)
    notes += [said] if said else []
    if unit == "coin":
        for name in ("bid_price", "ask_price", "mark_price"):
            table[name] *= table["underlying_price"]
    table.attrs = {"underlying": underlying, "unit": unit, "sha256": source.sha256, "notes": tuple(notes)}
    return table


def _columns(source: Table, notes: list[str]) -> pd.DataFrame:
    """The columns that are used, under the names of `CHAIN`; those of an instrument's name are filled from it."""
    frame, file = source.frame, source.file
    found = {name: find(list(frame.columns), wanted, file) for name, wanted in CHAIN.items()}
    taken = {name: column for name, column in found.items() if column is not None}
    renamed = [f"{name} = {column!r}" for name, column in taken.items() if str(column).strip().lower() != name]
    chosen = pd.DataFrame({name: frame[column] for name, column in taken.items()})
    absent = [name for name in NAMED if name not in taken]
    if absent and "instrument" in taken:
        _fill_from_names(chosen, absent, file)
        renamed.append(f"{', '.join(absent)} from the names in {taken['instrument']!r} (expiry at 08:00 UTC)")
    if renamed:
        notes.append(f"columns: {', '.join(renamed)}")
    wanted = ["timestamp", *NAMED, *([] if "mark_price" in taken else ["bid_price", "ask_price"])]
    missing = [name for name in wanted if name not in chosen]
    names = [str(name) for name in frame.columns]
    hint = "Rename the columns, or give --columns with the names of all columns in their order"
    rule = f"a column is missing; the file has {', '.join(names)}"
    require(not missing, rule, file=file, key=", ".join(missing), hint=hint)
    return chosen


def _fill_from_names(frame: pd.DataFrame, absent: list[str], file: str) -> None:
    parsed = [parse_option_name(str(name)) for name in frame["instrument"]]
    bad = [place for place, one in enumerate(parsed) if one is None]
    rule = "is not the name of an option, such as BTC-27JUN25-105000-C"
    got = f"{frame['instrument'].iloc[bad[0]]} ({row_of(frame['instrument'], bad[0])})" if bad else None
    hint = f"{len(bad)} rows. Remove them, or give columns of {', '.join(absent)}"
    require(not bad, rule, file=file, key="instrument", got=got, hint=hint)
    values = {
        "expiry": [one.expiry for one in parsed if one],
        "strike": [one.strike for one in parsed if one],
        "option_type": ["call" if one.call else "put" for one in parsed if one],
    }
    for name in absent:
        frame[name] = values[name]


def _values(frame: pd.DataFrame, file: str, layout: Layout, notes: list[str]) -> pd.DataFrame:
    """Numbers, instants in seconds, and `call`; one refusal for all columns that cannot be read."""
    faults, table = Faults(), pd.DataFrame(index=frame.index)
    decimal = decimal_of([frame[name] for name in NUMBERS if name in frame], file, layout)
    for name in NUMBERS:
        with faults.gathered():
            table[name] = _numbers(frame, name, decimal, file)
    for name in ("timestamp", "expiry"):
        with faults.gathered():
            found = instants(frame[name], file, layout)
            table[name] = found.microseconds // SECOND
            notes.append(f"{name}: {found.read_as}")
            if name == "expiry" and _are_days(frame[name]):
                table[name] += EXPIRY_HOUR * 3600
                notes[-1] += f", at {EXPIRY_HOUR:02d}:00 UTC of the day"
    with faults.gathered():
        table["call"] = _calls(frame["option_type"], file)
    faults.raise_any()
    return table


def _are_days(column: pd.Series) -> bool:
    """Whether expiries are days without a time: the venues settle at 08:00 UTC."""
    return not column.astype(str).str.contains(r":|\d{9}").any()


def _numbers(frame: pd.DataFrame, name: str, decimal: str, file: str) -> np.ndarray:
    """A column of numbers, NaN where it is empty or absent."""
    if name not in frame:
        return np.full(len(frame), np.nan)
    values = numbers(frame[name], decimal)
    empty = frame[name].astype("string").str.strip().str.lower().fillna("").isin(["", "nan", "none", "null", "-"])
    bad = np.flatnonzero(~np.isfinite(values) & ~empty.to_numpy(bool))
    got = f"{frame[name].iloc[bad[0]]} ({row_of(frame[name], int(bad[0]))})" if bad.size else None
    require(bad.size == 0, "must be numbers, or empty", file=file, key=name, got=got)
    return values


def _calls(column: pd.Series, file: str) -> np.ndarray:
    found = column.astype("string").str.strip().str.lower().map(TYPES)
    bad = np.flatnonzero(found.isna())
    got = f"{column.iloc[bad[0]]} ({row_of(column, int(bad[0]))})" if bad.size else None
    require(bad.size == 0, "must be call or put", file=file, key="option_type", got=got)
    return found.to_numpy(bool)


def _one_currency(frame: pd.DataFrame, wanted: str, file: str) -> tuple[np.ndarray, str]:
    """Which rows are of the one underlying, and its name; InputError where it is not clear which one is meant."""
    if "currency" in frame:
        names = frame["currency"].astype("string").str.strip().str.upper().fillna("")
    elif "instrument" in frame:
        names = frame["instrument"].astype("string").str.upper().str.split("-").str[0].fillna("")
    else:
        return np.ones(len(frame), bool), wanted.upper()  # the file does not say: it is what the caller says
    known = sorted(set(names) - {""})
    rule = f"the chain holds {', '.join(known) or 'no currency'}: choose one"
    require(bool(wanted) or len(known) == 1, rule, file=file, key="currency", hint="Give --currency")
    wanted = wanted.upper() or known[0]
    require(wanted in known, rule, file=file, key="currency", got=wanted)
    return (names == wanted).to_numpy(bool), wanted


def _snapshot(
    frame: pd.DataFrame, table: pd.DataFrame, at: int | None, file: str, notes: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of one moment: the last quote of each option, up to `at` where it is given."""
    if at is not None:
        near = (table["timestamp"] <= at) & (table["timestamp"] > at - SNAPSHOT)
        first, last = (
            f"{np.datetime64(int(edge), 's')}Z" for edge in (table["timestamp"].min(), table["timestamp"].max())
        )
        rule = f"no quotes within {format_duration(SNAPSHOT)} before this instant; they reach from {first} to {last}"
        require(bool(near.any()), rule, file=file, key="--at", got=f"{np.datetime64(at, 's')}Z")
        frame, table = frame[near], table[near]
    apart = int(np.ptp(table["timestamp"]))
    rule = f"a chain is one snapshot: its rows must lie within {format_duration(SNAPSHOT)} of each other"
    hint = f"Give --at with an instant, such as --at {np.datetime64(int(table['timestamp'].max()), 's')}Z"
    require(apart <= SNAPSHOT, rule, file=file, key="timestamp", got=format_duration(apart), hint=hint)
    latest = table.groupby(["expiry", "strike", "call"])["timestamp"].transform("max")
    superseded = table.index[table["timestamp"] < latest]
    if len(superseded):
        notes.append(f"{len(superseded)} quotes superseded by later ones of the same option are left out")
    frame, table = frame.drop(superseded).reset_index(drop=True), table.drop(superseded).reset_index(drop=True)
    _require_one_quote(table, file)
    return frame, table


def _require_one_quote(table: pd.DataFrame, file: str) -> None:
    """InputError where an option has two rows of one instant with different quotes; equal ones are cleaned later."""
    differ = np.flatnonzero(table.duplicated(["expiry", "strike", "call"]) & ~table.duplicated())
    if differ.size:
        row = table.iloc[int(differ[0])]
        got = f"{row['strike']:g} {'call' if row['call'] else 'put'} of {np.datetime64(int(row['expiry']), 's')}Z"
        rule = "one option has two rows of one instant with different quotes"
        hint = f"Keep the right rows, or give the chain of one venue and instant: {differ.size} rows"
        raise InputError(rule, file=file, key="strike", got=got, hint=hint)


def _unit(frame: pd.DataFrame, table: pd.DataFrame, wanted: str, file: str) -> tuple[str, str]:
    """The unit that was said, or the one under which fewer marks and quotes lie outside the no-arbitrage bounds."""
    said = sorted(set(frame["unit"].astype("string").str.strip().str.lower())) if "unit" in frame else []
    rule = f"the unit of the prices must be one of {', '.join(UNITS)}, the same in every row"
    require(len(said) <= 1, rule, file=file, key="unit", got=said)
    given = wanted or (str(said[0]) if said else "")
    unit = given or _unit_of(table)
    hint = "Give --unit: the prices fit both" if not unit else ""
    if unit not in UNITS:
        raise InputError(rule, file=file, key="unit", got=unit, hint=hint)
    known = unit == "quote" or bool(table["underlying_price"].gt(0).any())
    require(known, "prices in coin need the column underlying_price", file=file, key="underlying_price")
    return unit, "" if given else f"prices are in {unit}, inferred from the no-arbitrage bounds"


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
