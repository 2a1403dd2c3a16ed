"""An option chain at one moment: forwards, quotes and implied volatilities (Black 1976), cleaned.

Prices are undiscounted in quote currency, times in years of 365 days, volatilities per square root of a year.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from stresslab.calibrate import black
from stresslab.calibrate.chain_clean import clean
from stresslab.calibrate.chain_table import read_chain_table
from stresslab.errors import InputError, require
from stresslab.files.layout import AS_FOUND, Layout
from stresslab.units import YEAR_SECONDS, parse_duration, years

LEAST_QUOTES = 10
FLOOR = 0.005  # volatility: no quote counts as known better than to half a point
MARK_ERROR = 0.03  # volatility: error of a price that is only the venue's mark


@dataclass(frozen=True)
class Chain:
    """Quotes sorted by expiry and strike; arrays have an entry per quote, but for the first three."""

    expiries: np.ndarray  # seconds since 1970, rising, one per expiry
    times: np.ndarray  # years to each expiry
    forwards: np.ndarray  # of each expiry, quote currency
    expiry: np.ndarray  # which expiry the quote has: its place in `expiries`
    strikes: np.ndarray
    calls: np.ndarray  # True: call, False: put
    bids: np.ndarray
    asks: np.ndarray
    mids: np.ndarray  # the middle of bid and ask, or the venue's mark
    volatilities: np.ndarray  # implied by the middle
    vegas: np.ndarray
    marked: np.ndarray  # True where there is no quote on both sides: all three prices are the mark
    dropped: dict[str, int]  # rows left out, by reason
    end: int  # when the quotes were taken, seconds since 1970
    underlying: str
    unit: str  # of the prices in the file: "coin" or "quote"
    sha256: str  # of the file
    notes: tuple[str, ...] = ()  # how the file was read

    @property
    def observations(self) -> int:
        """How many quotes there are."""
        return len(self.strikes)

    @property
    def provenance(self) -> dict[str, Any]:
        """For the model's file: the underlying, the quotes, and what was left out."""
        found: dict[str, Any] = {"underlying": self.underlying, "unit": self.unit, "quotes": self.observations}
        found |= {"marks": int(self.marked.sum()), "expiries": len(self.expiries), "dropped": self.dropped}
        return found | {"sha256": self.sha256} | ({"read_as": list(self.notes)} if self.notes else {})

    @cached_property
    def errors(self) -> np.ndarray:
        """What each implied volatility is taken to be known to: half the spread, a floor, and more where marked."""
        spread = (self.asks - self.bids) / (2 * self.vegas)
        return np.sqrt(FLOOR**2 + spread**2 + np.where(self.marked, MARK_ERROR, 0.0) ** 2)

    @cached_property
    def at_the_money(self) -> np.ndarray:
        """Implied volatility of each expiry at the forward, interpolated in the strike."""
        found = []
        for place, forward in enumerate(self.forwards):
            own = self.expiry == place
            found.append(np.interp(forward, self.strikes[own], self.volatilities[own]))
        return np.array(found)

    def implied(self, prices: np.ndarray) -> np.ndarray:
        """Volatilities that other prices of the same options imply; NaN where there is none."""
        place = self.expiry
        return black.implied_volatility(prices, self.forwards[place], self.strikes, self.times[place], self.calls)

    def nearest_place(self, t: float) -> int:
        """Which expiry is nearest to t years."""
        return int(np.abs(self.times - t).argmin())

    def nearest(self, t: float) -> "Chain":
        """The chain of the one expiry nearest to t years."""
        place = self.nearest_place(t)
        kept = self.expiry == place
        per_expiry = {name: getattr(self, name)[[place]] for name in ("expiries", "times", "forwards")}
        per_quote = {name: getattr(self, name)[kept] for name in _PER_QUOTE}
        return replace(self, **per_expiry, **per_quote, expiry=np.zeros(kept.sum(), int))


_PER_QUOTE = ("strikes", "calls", "bids", "asks", "mids", "volatilities", "vegas", "marked")


def read_chain(
    path: str | Path,
    currency: str = "",
    unit: str = "",
    expiry: str = "",
    at: int | None = None,
    layout: Layout = AS_FOUND,
) -> Chain:
    """The cleaned chain of a file (columns: chain_table.py).

    `expiry` ("30D") keeps the expiry nearest to it; `at` (seconds since 1970) takes the last quotes up to then.
    """
    table = read_chain_table(path, currency, unit, at, layout)
    try:
        chain = make_chain(*clean(table), end=int(table["timestamp"].max()), **table.attrs)
        return chain.nearest(years(parse_duration(expiry))) if expiry else chain
    except InputError as error:
        raise error.at(file=str(path)) from error


def make_chain(
    rows: pd.DataFrame,
    dropped: dict[str, int],
    *,
    end: int,
    underlying: str,
    unit: str,
    sha256: str,
    notes: tuple[str, ...] = (),
) -> Chain:
    """A chain from the rows that `clean` left."""
    hint = "Dropped: " + "; ".join(f"{reason}: {count}" for reason, count in dropped.items()) if dropped else ""
    rule = f"at least {LEAST_QUOTES} usable quotes are needed"
    require(len(rows) >= LEAST_QUOTES, rule, key="quotes", got=len(rows), hint=hint)
    expiries, first, place = np.unique(rows["expiry"], return_index=True, return_inverse=True)
    return Chain(
        expiries=expiries,
        times=(expiries - end) / YEAR_SECONDS,
        forwards=rows["forward"].to_numpy()[first],
        expiry=place,
        strikes=rows["strike"].to_numpy(),
        calls=rows["call"].to_numpy(bool),
        bids=rows["bid_price"].to_numpy(),
        asks=rows["ask_price"].to_numpy(),
        mids=rows["mid"].to_numpy(),
        volatilities=rows["volatility"].to_numpy(),
        vegas=rows["vega"].to_numpy(),
        marked=rows["marked"].to_numpy(bool),
        dropped=dropped,
        end=end,
        underlying=underlying,
        unit=unit,
        sha256=sha256,
        notes=notes,
    )
