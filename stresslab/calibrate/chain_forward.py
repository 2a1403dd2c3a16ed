"""The forward of each expiry, from the venue's own price of it or from put-call parity.

    call - put = F - K        (undiscounted, as an option is margined in the coin itself)

The column underlying_price is taken (its median) unless most pairs of a call and a put of one strike contradict it by
their bids and asks:  K + call bid - put ask <= F <= K + call ask - put bid.  Where it is absent or contradicted, the
forward is the median of K + call - put over the pairs nearest the money.
"""

import numpy as np
import pandas as pd

NEAREST = 6  # pairs nearest the money whose median is the forward
SLACK = 1e-4  # of the forward: venues round prices, and quotes are some seconds apart


def forwards(table: pd.DataFrame) -> dict[int, float]:
    """Forward by expiry (seconds since 1970); an expiry without one is left out."""
    found = {}
    for expiry, rows in table.groupby("expiry"):
        pairs = _pairs(rows)
        said = rows["underlying_price"].where(rows["underlying_price"] > 0).median()
        if np.isfinite(said) and not _contradicted(pairs, said):
            found[int(expiry)] = float(said)
        elif len(pairs):
            middle = pairs.assign(distance=(pairs["call"] - pairs["put"]).abs()).nsmallest(NEAREST, "distance")
            found[int(expiry)] = float((middle["strike"] + middle["call"] - middle["put"]).median())
    return found


def _pairs(rows: pd.DataFrame) -> pd.DataFrame:
    """A row per strike with quotes on both sides of call and put: their middles, and the bounds of the forward."""
    quoted = rows[~rows["marked"]]
    calls, puts = (quoted[quoted["call"] == side] for side in (True, False))
    both = calls.merge(puts, on="strike", suffixes=("_call", "_put"))
    return pd.DataFrame(
        {
            "strike": both["strike"],
            "call": (both["bid_price_call"] + both["ask_price_call"]) / 2,
            "put": (both["bid_price_put"] + both["ask_price_put"]) / 2,
            "low": both["strike"] + both["bid_price_call"] - both["ask_price_put"],
            "high": both["strike"] + both["ask_price_call"] - both["bid_price_put"],
        }
    )


def _contradicted(pairs: pd.DataFrame, forward: float) -> bool:
    slack = SLACK * forward
    outside = (pairs["low"] - slack > forward) | (pairs["high"] + slack < forward)
    return bool(outside.sum() * 2 > len(pairs))
