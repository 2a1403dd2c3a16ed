"""Recorded funding rates: a CSV or Parquet file of timestamp, funding_rate and, where there are several, exchange.

A rate is a fraction of notional for one interval, positive where longs pay; its stamp is when it was paid, in UTC.
Fractions of a second, which venues add to their stamps, are cut off. Rows may stand in any order. A payment that is
there twice with one rate, as where downloaded pages overlap, is one payment; with two rates it is refused.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from stresslab.errors import require
from stresslab.market_data.stamps import first_words, read_frame, seconds

RATES = ("funding_rate", "fundingrate", "rate")


@dataclass(frozen=True)
class FundingRates:
    """Rates in the order of time, each stamp once."""

    stamps: np.ndarray  # whole seconds since 1970, UTC
    rates: np.ndarray  # float64
    exchange: str  # empty where the file names none
    file: str
    sha256: str  # of the file
    repeated: int = 0  # rows left out because their payment was there before


def read_funding(path: Path, exchange: str | None = None) -> FundingRates:
    """The rates in a file, of one exchange. InputError with file, row and the next move."""
    file = str(path)
    frame = read_frame(path, file, "funding rates")
    names = {str(name).strip().lower(): name for name in frame.columns}
    rate = next((names[name] for name in RATES if name in names), None)
    found = [str(name) for name in frame.columns]
    require("timestamp" in names, "a column is missing", file=file, key="timestamp", got=found)
    require(rate is not None, "a column is missing", file=file, key="funding_rate", got=found)
    require(len(frame) > 0, "the file has no rows", file=file)
    frame, chosen = _of_exchange(frame, names.get("exchange"), exchange, file)
    stamps = seconds(frame[names["timestamp"]], file, cut=True)
    rates = pd.to_numeric(frame[rate], errors="coerce").to_numpy(float)
    bad = np.flatnonzero(~(np.abs(rates) < 1))
    shown = first_words(frame[rate], bad)
    rule = "funding rates are fractions of notional, between -1 and 1"
    require(bad.size == 0, rule, file=file, key="funding_rate", got=shown)
    order = np.argsort(stamps, kind="stable")
    again = np.flatnonzero(np.diff(stamps[order]) == 0) + 1
    torn = order[again[rates[order[again]] != rates[order[again - 1]]]]
    rule = "two rates are given for one payment"
    hint = "Leave the rows of one market in the file, or name the exchange"
    shown = first_words(frame[names["timestamp"]], torn)
    require(torn.size == 0, rule, file=file, key="timestamp", got=shown, hint=hint)
    order = np.delete(order, again)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return FundingRates(stamps[order], rates[order], chosen, file, sha256, len(again))


def _of_exchange(frame: pd.DataFrame, column: str | None, wanted: str | None, file: str) -> tuple[pd.DataFrame, str]:
    if column is None:
        require(wanted is None, "the file names no exchange", file=file, key="exchange", got=wanted)
        return frame, ""
    there = sorted(frame[column].astype(str).str.strip().unique())
    hint = f"It has {', '.join(there)}"
    require(wanted is not None or len(there) == 1, "name one exchange", file=file, key="exchange", hint=hint)
    chosen = wanted if wanted is not None else there[0]
    require(chosen in there, "is no exchange of this file", file=file, key="exchange", got=chosen, hint=hint)
    return frame[frame[column].astype(str).str.strip() == chosen].reset_index(drop=True), chosen
