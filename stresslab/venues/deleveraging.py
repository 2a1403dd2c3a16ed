"""Deleveraging: quantile, order, amounts and price, given the scores of `deleveraging_rank`.

The accounts of the winning side are on the last axis. Who is first closes all that is needed, as far as the position
goes, then the next one. Close prices: the bankruptcy price of the liquidated position (Binance, Bybit, BitMEX, dYdX),
the mark (OKX, Hyperliquid), or the oracle (GMX, Hyperliquid's older text). Sources: those of `deleveraging_rank`.
"""

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from stresslab.venues.inputs import (
    FloatArray,
    choice,
    finite,
    flags,
    not_negative,
    refuse_where,
    series,
    shapes_in_words,
)


@shapes_in_words
def quantile(scores: ArrayLike, sizes: ArrayLike | None = None) -> FloatArray:
    """Rank / users in (0, 1], the highest score at 1; equal scores share the higher rank.

    With `sizes` the share of the size of all positions that is held at this score or below, as BitMEX divides its
    queue: a position of half of the size is half of the queue. Venues show fifths (`lights`): above 0.8 is Binance's 4
    of 0 to 4, the front of the queue. A position without size at the end of it is at 0. Source: BitMEX support
    18589621443357.
    """
    given = series("scores", finite("scores", scores))
    if sizes is None:
        return np.asarray(rankdata(given, method="max", axis=-1)) / given.shape[-1]
    given, held = np.broadcast_arrays(given, not_negative("sizes", sizes))
    rank = np.asarray(rankdata(given, method="max", axis=-1))
    sorted_sizes = np.take_along_axis(held, np.argsort(given, axis=-1, kind="stable"), axis=-1)
    behind = np.cumsum(sorted_sizes, axis=-1)
    total = behind[..., -1:]
    refuse_where(total == 0, total, "must not all be 0", "sizes")
    return np.take_along_axis(behind, rank.astype(np.int64) - 1, axis=-1) / total


@shapes_in_words
def lights(quantiles: ArrayLike) -> NDArray[np.int64]:
    """The fifth of the queue that a quantile lies in, 1 to 5: as many lights as a venue shows, 5 the front.

    A quantile that ends a fifth belongs to it (0.2 is 1), to within rounding of the sums; without any size it is 1.
    """
    share = finite("quantiles", quantiles)
    refuse_where((share < 0) | (share > 1), share, "must be within 0 and 1", "quantiles")
    return np.clip(np.ceil(5 * share - 1e-9), 1, 5).astype(np.int64)


@shapes_in_words
def deleveraging_order(scores: ArrayLike, eligible: Any = True) -> NDArray[np.int64]:
    """Indices of the accounts, the first to be deleveraged first: by falling score, equal ones as they come.

    Accounts that are not eligible (no profit, say) come last.
    """
    given = series("scores", finite("scores", scores))
    keys = np.where(np.broadcast_to(flags("eligible", eligible), given.shape), -given, np.inf)
    return np.argsort(keys, axis=-1, kind="stable").astype(np.int64)


@shapes_in_words
def deleveraged_amounts(
    scores: ArrayLike, quantities: ArrayLike, needed: ArrayLike, eligible: Any = True
) -> FloatArray:
    """What each account has closed, so that they close `needed` together, or all that they have."""
    asked = not_negative("needed", needed)[..., None]
    score, held, able, asked = np.broadcast_arrays(
        finite("scores", scores), not_negative("quantities", quantities), flags("eligible", eligible), asked
    )
    order = deleveraging_order(score, able)
    queue = np.take_along_axis(np.where(able, held, 0.0), order, axis=-1)
    before = np.cumsum(queue, axis=-1) - queue
    amounts = np.empty_like(queue)
    np.put_along_axis(amounts, order, np.clip(asked - before, 0.0, queue), axis=-1)
    return amounts


def deleveraging_price(
    kind: Literal["bankruptcy", "mark", "oracle"], *, bankruptcy: ArrayLike, mark: ArrayLike, oracle: ArrayLike
) -> FloatArray:
    """The price at which the winner is closed."""
    prices = {"bankruptcy": bankruptcy, "mark": mark, "oracle": oracle}
    choice("kind", kind, prices)
    return finite(kind, prices[kind])
