"""Recorded funding rates: a table of stamps and rates as a venue or library writes it.

A rate is a fraction of notional for one interval, positive where longs pay (0.01% is 0.0001); its stamp is when it was
paid. Fractions of a second, which venues add to their stamps, are cut off. Rows may stand in any order. A payment that
is there twice with one rate, as where downloaded pages overlap, is one payment; with two rates it is refused. Kraken's
relative rate is taken before its absolute one. A table of several exchanges or instruments is read for one of them.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from stresslab.errors import Faults, InputError, require
from stresslab.files.bar_columns import one_instrument
from stresslab.files.columns import EXCHANGES, FUNDING, FUNDING_STAMPS, find, plain
from stresslab.files.layout import AS_FOUND, Layout
from stresslab.files.numbers import decimal_of, numbers
from stresslab.files.stamps import SECOND, instants, row_of
from stresslab.files.table import Table, read_table


@dataclass(frozen=True)
class FundingRates:
    """Rates in the order of time, each stamp once."""

    stamps: np.ndarray  # whole seconds since 1970, UTC
    rates: np.ndarray  # float64
    exchange: str  # empty where the file names none
    file: str
    sha256: str  # of the file
    repeated: int = 0  # rows left out because their payment was there before
    notes: tuple[str, ...] = ()  # what was taken for what, for the `data:` lines

    def words(self) -> list[str]:
        """What the file holds, and what was taken for what."""
        first, last = (f"{datetime.fromtimestamp(int(self.stamps[at]), UTC):%Y-%m-%d %H:%M}" for at in (0, -1))
        least, mean, most = (f"{100 * one:.4g} %" for one in (self.rates.min(), self.rates.mean(), self.rates.max()))
        size = f"rates from {least} to {most} of notional per payment, {mean} on average"
        return [f"{len(self.stamps)} funding payments from {first} to {last} UTC", size, *self.notes]


def read_funding(path: Path, exchange: str | None = None, layout: Layout = AS_FOUND) -> FundingRates:
    """The rates in a file, of one exchange and instrument. InputError with file, row and the next move."""
    table = read_table(path, layout, "funding rates")
    file, notes, faults = table.file, list(table.notes), Faults()
    frame, chosen = _of_exchange(_named(table, notes), exchange, file, notes)
    frame, _ = one_instrument(frame, layout, file, notes)
    stamp, rate = _columns(frame, file, notes)
    with faults.gathered():
        found = instants(frame[stamp], file, layout)
        notes.append(f"stamps: column {str(stamp)!r}, {found.read_as}")
    with faults.gathered():
        rates = _fractions(frame[rate], file, layout, notes)
        bad = np.flatnonzero(~(np.abs(rates) < 1))
        shown = f"{frame[rate].iloc[bad[0]]} ({row_of(frame[rate], int(bad[0]))})" if bad.size else None
        rule = "funding rates are fractions of notional, between -1 and 1"
        require(bad.size == 0, rule, file=file, key=str(rate), got=shown)
    faults.raise_any()
    stamps, rates, repeated = _in_order(found.microseconds // SECOND, rates, frame, file, notes)
    return FundingRates(stamps, rates, chosen, file, table.sha256, repeated, tuple(notes))


def _named(table: Table, notes: list[str]) -> pd.DataFrame:
    if table.has_names:
        return table.frame
    rule = "the header line is missing, and columns without names cannot be told apart"
    got, hint = ", ".join(map(str, table.frame.iloc[0])), "Add a header line: timestamp,funding_rate"
    require(table.frame.shape[1] == 2, rule, file=table.file, got=got, hint=hint)
    notes.append("no header line: 2 columns taken as timestamp, funding_rate")
    return table.frame.set_axis(["timestamp", "funding_rate"], axis=1)


def _columns(frame: pd.DataFrame, file: str, notes: list[str]) -> tuple[object, object]:
    names = list(frame.columns)
    stamp, rate = find(names, FUNDING_STAMPS, file), find(names, FUNDING["rate"] + FUNDING["percent"], file)
    missing = [key for key, name in (("timestamp", stamp), ("funding_rate", rate)) if name is None]
    rule = f"a column is missing; the file has {', '.join(map(str, names))}"
    hint = "Rename the columns to timestamp and funding_rate"
    require(not missing, rule, file=file, key=", ".join(missing), hint=hint)
    if plain(rate) != "fundingrate":
        notes.append(f"rates: column {str(rate)!r}")
    return stamp, rate


def _fractions(column: pd.Series, file: str, layout: Layout, notes: list[str]) -> np.ndarray:
    """The rates as fractions; InputError where some rows have the sign of per cent and others have none."""
    rates = numbers(column, decimal_of([column], file, layout))
    signed = column.astype(str).str.strip().str.endswith("%").to_numpy(bool)
    if not signed.any() and plain(column.name) in FUNDING["percent"]:
        rates = rates / 100
    elif not signed.all() and signed.any():
        at = int(np.flatnonzero(~signed)[0])
        rule, hint = "some rates are in per cent and others are not", "Write all rates in one unit"
        got = f"{column.iloc[at]} ({row_of(column, at)})"
        raise InputError(rule, file=file, key=str(column.name), got=got, hint=hint)
    elif not signed.any():
        return rates
    notes.append("rates are in per cent")
    return rates


def _in_order(
    stamps: np.ndarray, rates: np.ndarray, frame: pd.DataFrame, file: str, notes: list[str]
) -> tuple[np.ndarray, np.ndarray, int]:
    """Stamps and rates in the order of time, and how many rows are left out because their payment is there twice."""
    order = np.argsort(stamps, kind="stable")
    again = np.flatnonzero(np.diff(stamps[order]) == 0) + 1
    torn = order[again[rates[order[again]] != rates[order[again - 1]]]]
    rule = "two rates are given for one payment"
    hint = "Leave the rows of one market in the file, or name the exchange or the symbol"
    if torn.size:
        got = f"{np.datetime64(int(stamps[torn[0]]), 's')}Z (row {frame.index[torn[0]]})"
        raise InputError(rule, file=file, key="timestamp", got=got, hint=hint)
    if (np.diff(stamps) < 0).all():
        notes.append("newest row first: turned round")
    elif (np.diff(stamps) < 0).any():
        notes.append("rows are not in the order of time: sorted")
    if again.size:
        notes.append(f"{again.size} rows that are there twice are taken once")
    order = np.delete(order, again)
    return stamps[order], rates[order], len(again)


def _of_exchange(frame: pd.DataFrame, wanted: str | None, file: str, notes: list[str]) -> tuple[pd.DataFrame, str]:
    column = find(list(frame.columns), EXCHANGES, file)
    if column is None:
        require(wanted is None, "the file names no exchange", file=file, key="exchange", got=wanted)
        return frame, ""
    there = sorted(frame[column].astype(str).str.strip().unique())
    hint = f"It has {', '.join(there)}"
    require(wanted is not None or len(there) == 1, "name one exchange", file=file, key="exchange", hint=hint)
    chosen = wanted if wanted is not None else there[0]
    require(chosen in there, "is no exchange of this file", file=file, key="exchange", got=chosen, hint=hint)
    notes.append(f"exchange {chosen}")
    return frame[frame[column].astype(str).str.strip() == chosen], chosen
