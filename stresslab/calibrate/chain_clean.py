"""Which rows of an option chain are quotes that a fit may use; every other row is dropped for a reason and counted.

A row without a quote on both sides takes the venue's mark for its price (`marked`); its weight in a fit is lower.
"""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pandas as pd

from stresslab.calibrate import black
from stresslab.calibrate.chain_arbitrage import butterfly_conflicts, vertical_conflicts, without_conflicts
from stresslab.calibrate.chain_forward import forwards
from stresslab.units import YEAR_SECONDS

WIDEST = 0.25  # volatility: half of the widest spread that still says something
RESOLUTION = 1e-5  # of the forward: what a price is known to at best

# in this order; each sees what the ones before it left
RULES: tuple[tuple[str, Callable[[pd.DataFrame], pd.Series]], ...] = (
    ("strike not positive", lambda rows: ~(rows["strike"] > 0)),
    ("negative price", lambda rows: (rows[["bid_price", "ask_price", "mark_price"]] < 0).any(axis=1)),
    ("expired", lambda rows: rows["expiry"] <= rows["timestamp"].max()),
    ("duplicate", lambda rows: rows.duplicated(["expiry", "strike", "call"])),
    ("crossed: bid above ask", lambda rows: (rows["bid_price"] > rows["ask_price"]) & (rows["ask_price"] > 0)),
    ("no quote on both sides and no mark", lambda rows: ~_quoted(rows) & ~(rows["mark_price"] > 0)),
)


def clean(table: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """The usable rows, with columns forward, t, mid, volatility, vega and marked; and how many were dropped, by reason.

    Sorted by expiry and strike, puts before calls.
    """
    dropped: Counter[str] = Counter()

    def keep(rows: pd.DataFrame, good: pd.Series | np.ndarray, reason: str) -> pd.DataFrame:
        dropped[reason] += int((~good).sum())
        return rows[good]

    rows = table
    for reason, bad in RULES:
        rows = keep(rows, ~bad(rows), reason)
    rows = _priced(rows)
    rows = rows.assign(forward=rows["expiry"].map(forwards(rows)).astype(float))
    rows = keep(rows, rows["forward"].notna(), "no forward: neither underlying_price nor parity")
    rows = keep(rows, _within_bounds(rows), "outside the no-arbitrage bounds")
    rows = keep(rows, _consistent(rows, vertical_conflicts), "vertical-spread arbitrage")
    rows = keep(rows, _consistent(rows, butterfly_conflicts), "butterfly arbitrage")
    rows = _with_volatility(rows, int(table["timestamp"].max()))
    reach = WIDEST * rows["vega"]
    wide = np.maximum((rows["ask_price"] - rows["bid_price"]) / 2, RESOLUTION * rows["forward"]) > reach
    rows = keep(rows, ~wide & rows["volatility"].notna(), f"known to less than {WIDEST:.0%} of volatility")
    rows = rows.sort_values(["expiry", "strike", "call"], ignore_index=True)
    return rows, {reason: count for reason, count in dropped.items() if count}


def _quoted(rows: pd.DataFrame) -> pd.Series:
    return (rows["bid_price"] > 0) & (rows["ask_price"] > 0)


def _priced(rows: pd.DataFrame) -> pd.DataFrame:
    """Bid, ask and middle of each row; all three the mark where a side is missing."""
    marked = ~_quoted(rows)
    bid, ask = (rows[name].where(~marked, rows["mark_price"]) for name in ("bid_price", "ask_price"))
    return rows.assign(bid_price=bid, ask_price=ask, mid=(bid + ask) / 2, marked=marked)


def _within_bounds(rows: pd.DataFrame) -> np.ndarray:
    forward, strike, call = (rows[name].to_numpy() for name in ("forward", "strike", "call"))
    mid = rows["mid"].to_numpy()
    return (mid > black.intrinsic(forward, strike, call)) & (mid < np.where(call, forward, strike))


def _consistent(rows: pd.DataFrame, conflicts: Callable[..., np.ndarray]) -> np.ndarray:
    """Which rows stay when every expiry's calls, and its puts, are freed of conflicts."""
    good = np.ones(len(rows), bool)
    for place in rows.groupby(["expiry", "call"]).indices.values():
        part = rows.iloc[place]
        forward, strike = part["forward"].to_numpy(), part["strike"].to_numpy() / part["forward"].to_numpy()
        parity = np.where(part["call"], 0.0, 1 - strike)
        bid, ask = (part[name].to_numpy() / forward + parity for name in ("bid_price", "ask_price"))
        good[place] = without_conflicts(strike, bid, ask, conflicts)
    return good


def _with_volatility(rows: pd.DataFrame, end: int) -> pd.DataFrame:
    t = (rows["expiry"].to_numpy() - end) / YEAR_SECONDS
    forward, strike, call = (rows[name].to_numpy() for name in ("forward", "strike", "call"))
    volatility = black.implied_volatility(rows["mid"].to_numpy(), forward, strike, t, call)
    return rows.assign(t=t, volatility=volatility, vega=black.vega(forward, strike, volatility, t))
