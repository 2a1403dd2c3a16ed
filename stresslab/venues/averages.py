"""Averages of prices that venues use: index without outliers, weighted median, averages over time.

Every function reduces the last axis, the sources or the samples, and is elementwise over the others. A price that is
not there is NaN. Sources: Binance FAQ 360033525071 (index), Hyperliquid docs, robust-price-indices (median, EMA).
"""

import numpy as np
from numpy.typing import ArrayLike

from stresslab.venues.inputs import (
    FloatArray,
    finite,
    not_negative,
    numeric,
    positive,
    refuse_where,
    series,
    shapes_in_words,
    whole,
)


@shapes_in_words
def index_price(prices: ArrayLike, weights: ArrayLike = 1.0, limit: float = 0.05) -> FloatArray:
    """Weighted mean of the sources; one that is more than `limit` from their median is left out.

    With more than one such source the index is the median of all of them. At a limit of 5 % this is Binance's rule.
    """
    quotes = series("prices", positive("prices", prices))
    middle = np.median(quotes, axis=-1, keepdims=True)
    outside = np.abs(quotes / middle - 1) > positive("limit", limit)
    kept = np.where(outside, 0.0, not_negative("weights", weights))
    total = kept.sum(axis=-1)
    mean = (kept * quotes).sum(axis=-1) / np.where(total > 0, total, 1.0)
    return np.where((outside.sum(axis=-1) > 1) | (total == 0), middle[..., 0], mean)[()]


@shapes_in_words
def weighted_median(values: ArrayLike, weights: ArrayLike = 1.0) -> FloatArray:
    """The value with half of the weight on either side; the middle of two where the halves meet between them.

    With whole weights this is the median of every value repeated as often as its weight says. A NaN weighs nothing;
    where no value is left the answer is NaN.
    """
    given, weight = np.broadcast_arrays(series("values", numeric("values", values)), not_negative("weights", weights))
    refuse_where(np.isinf(given), given, "must be finite, or NaN where there is none", "values")
    weight = np.where(np.isnan(given), 0.0, weight)
    order = np.argsort(given, axis=-1)  # NaN last
    ranked, below = (np.take_along_axis(x, order, axis=-1) for x in (given, weight))
    below = np.cumsum(below, axis=-1)
    half = below[..., -1:] / 2
    lower = np.take_along_axis(ranked, np.argmax(below >= half, axis=-1)[..., None], axis=-1)
    upper = np.take_along_axis(ranked, np.argmax(below > half, axis=-1)[..., None], axis=-1)
    return np.where(half > 0, 0.5 * (lower + upper), np.nan)[..., 0][()]


def moving_average(samples: ArrayLike, count: int) -> FloatArray:
    """Mean of the last `count` samples, or of all of them while there are fewer."""
    return series("samples", finite("samples", samples))[..., -whole("count", count, 1) :].mean(axis=-1)


def exponential_update(
    numerator: ArrayLike, denominator: ArrayLike, sample: ArrayLike, elapsed: ArrayLike, window: ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """One update of an average kept as numerator / denominator, `elapsed` seconds after the one before it.

        numerator   -> numerator exp(-elapsed / window) + sample elapsed
        denominator -> denominator exp(-elapsed / window) + elapsed

    Both start at 0, so that the first sample counts in full. Hyperliquid's windows are 150 s and 30 s.
    """
    since = not_negative("elapsed", elapsed)
    decay = np.exp(-since / positive("window", window))
    return (
        finite("numerator", numerator) * decay + finite("sample", sample) * since,
        not_negative("denominator", denominator) * decay + since,
    )


@shapes_in_words
def exponential_average(samples: ArrayLike, elapsed: ArrayLike, window: float) -> FloatArray:
    """The average after all of the samples, the k-th of them `elapsed[k]` seconds after the one before it."""
    values, since = np.broadcast_arrays(series("samples", finite("samples", samples)), not_negative("elapsed", elapsed))
    refuse_where(since.sum(axis=-1) == 0, since.sum(axis=-1), "some time must have passed", "elapsed")
    later = since[..., ::-1].cumsum(axis=-1)[..., ::-1] - since
    weight = since * np.exp(-later / positive("window", window))
    return (weight * values).sum(axis=-1) / weight.sum(axis=-1)
