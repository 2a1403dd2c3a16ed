"""Mark prices: what triggers a liquidation, made of index, funding, book and oracle.

    fair price        index (1 + rate * time to funding / interval)            BitMEX; P1 of Binance and Bybit
    median of three   median(P1, P2, last), P2 = index + mean(mid - index)     Binance, Bybit
    dated future      index (1 + mean relative basis)                          Bybit
    index plus EMA    index + EMA(market - index), held near the index         Deribit
    oracle            median(oracle + EMA(mid - oracle), book, perpetuals)     Hyperliquid

Prices in quote currency, times in any one unit. Averages are those of `stresslab.venues.averages`. Sources: BitMEX fair
price; Binance FAQ 360033525071; Bybit help (2024-10); Deribit specification; Hyperliquid docs, robust-price-indices.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stresslab.venues.averages import weighted_median
from stresslab.venues.inputs import (
    FloatArray,
    finite,
    not_negative,
    numeric,
    positive,
    refuse_where,
    series,
    shapes_in_words,
)

PERPETUAL_WEIGHTS = (3.0, 2.0, 2.0, 1.0, 1.0)  # Binance, OKX, Bybit, Gate, MEXC: Hyperliquid docs
SPOT_WEIGHTS = (3.0, 2.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0)  # Binance, OKX, Bybit, Kraken, KuCoin, Gate, MEXC, Hyperliquid


def fair_price(
    index: ArrayLike, funding_rate: ArrayLike, time_to_funding: ArrayLike, interval: ArrayLike
) -> FloatArray:
    """The index with the part of the funding that is still to come: BitMEX's mark, and P1 of Binance and Bybit."""
    share = not_negative("time_to_funding", time_to_funding) / positive("interval", interval)
    refuse_where(share > 1, share, "must not be above 1, of the interval", "time_to_funding")
    return positive("index", index) * (1 + finite("funding_rate", funding_rate) * share)


@shapes_in_words
def basis_price(index: ArrayLike, mids: ArrayLike, indices: ArrayLike) -> FloatArray:
    """P2: the index now plus the mean of mid - index over the window's samples (last axis).

    The window is 30 samples in 30 s at Binance since 2025-09-18 (seen in a copy), 5 minutes at 1 s at Bybit.
    """
    basis = positive("mids", mids) - positive("indices", indices)
    return positive("index", index) + series("mids", basis).mean(axis=-1)


@shapes_in_words
def median_of_three(price_1: ArrayLike, price_2: ArrayLike, last: ArrayLike) -> FloatArray:
    """Binance's and Bybit's mark: the middle one of P1, P2 and the last price."""
    prices = np.broadcast_arrays(positive("price_1", price_1), positive("price_2", price_2), positive("last", last))
    return np.median(np.stack(prices), axis=0)


def dated_future_mark(index: ArrayLike, relative_basis: ArrayLike) -> FloatArray:
    """Bybit's mark of a dated future: index times 1 + mean relative basis of impact mids (last axis, 10 min)."""
    basis = series("relative_basis", finite("relative_basis", relative_basis))
    return positive("index", index) * (1 + basis.mean(axis=-1))


def index_plus_average(index: ArrayLike, average_basis: ArrayLike, clamp: ArrayLike | None = None) -> FloatArray:
    """Deribit's mark: index plus the 30 s EMA of market - index, at most `clamp` (fraction of the index) away from it.

    How far the mark may leave the index was not verified: give the clamp that is meant, or None for no clamp.
    """
    reference, basis = positive("index", index), finite("average_basis", average_basis)
    if clamp is None:
        return reference + basis
    reach = not_negative("clamp", clamp) * reference
    return reference + np.clip(basis, -reach, reach)


@shapes_in_words
def book_price(bid: ArrayLike, ask: ArrayLike, last: ArrayLike) -> FloatArray:
    """The middle one of best bid, best ask and last trade; NaN where one of them is not there."""
    prices = (numeric(key, x) for key, x in (("bid", bid), ("ask", ask), ("last", last)))
    return np.median(np.stack(np.broadcast_arrays(*prices)), axis=0)


@shapes_in_words
def oracle_price(spot: ArrayLike, stakes: ArrayLike, weights: ArrayLike = SPOT_WEIGHTS) -> FloatArray:
    """Hyperliquid's oracle from spot prices (..., validator, exchange), NaN where a validator does not see one.

    The stake-weighted median over validators of each one's weighted median over exchanges.
    """
    return weighted_median(weighted_median(spot, weights), stakes)


@shapes_in_words
def oracle_mark(
    oracle: ArrayLike,
    average_basis: ArrayLike,
    book: ArrayLike,
    perpetuals: ArrayLike,
    *,
    book_average: ArrayLike = np.nan,
    weights: ArrayLike = PERPETUAL_WEIGHTS,
) -> FloatArray:
    """Hyperliquid's mark: median of oracle + 150 s EMA(mid - oracle), `book_price` and other venues' perpetuals.

    `perpetuals` has the exchanges on its last axis. NaN is an input that is not there; where exactly two of the three
    are, `book_average`, the 30 s EMA of the book price, is the third.
    """
    own = finite("average_basis", average_basis) + numeric("oracle", oracle)
    others = weighted_median(perpetuals, weights)
    average = numeric("book_average", book_average)
    inputs = np.stack(np.broadcast_arrays(own, numeric("book", book), others, average), axis=-1)
    two = np.isfinite(inputs[..., :3]).sum(axis=-1) == 2
    inputs[..., 3] = np.where(two, inputs[..., 3], np.nan)
    return weighted_median(inputs)


def is_stale(age: ArrayLike, max_age: ArrayLike) -> NDArray[np.bool_]:
    """Whether a price is older than the venue accepts; it must not trigger a liquidation then."""
    return not_negative("age", age) > not_negative("max_age", max_age)
