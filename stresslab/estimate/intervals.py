"""Intervals for probabilities: 95 %, never without an upper bound.

Independent paths: Clopper-Pearson (1934), which covers at least 95 %. Antithetic pairs: the variance between pairs
gives an effective number of paths for the same interval; where every pair says the same, that of the pairs.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import betaincinv

CONFIDENCE = 0.95
Z = 1.959963984540054  # two-sided normal quantile of CONFIDENCE


class Estimate(NamedTuple):
    """A probability with its 95 % interval and standard error; arrays of one shape."""

    probability: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    standard_error: np.ndarray


def clopper_pearson(hits: np.ndarray, n: int | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper bound of a binomial proportion: no hit gives 1 - (0.025)^(1/n) above 0, not 0."""
    hits, n = np.broadcast_arrays(np.asarray(hits, float), np.asarray(n, float))
    tail = (1 - CONFIDENCE) / 2
    with np.errstate(invalid="ignore"):
        lower = np.where(hits > 0, betaincinv(np.where(hits > 0, hits, 1), n - hits + 1, tail), 0.0)
        upper = np.where(hits < n, betaincinv(hits + 1, np.where(hits < n, n - hits, 1), 1 - tail), 1.0)
    return lower, upper


def from_independent(hits: np.ndarray, n: int) -> Estimate:
    """From `hits` among `n` independent paths."""
    probability = np.asarray(hits, float) / n
    return Estimate(probability, *clopper_pearson(hits, n), np.sqrt(probability * (1 - probability) / n))


def from_pairs(hits: np.ndarray, both: np.ndarray, n_pairs: int) -> Estimate:
    """From antithetic pairs: `hits` counts paths, `both` the pairs in which both paths were hit."""
    hits, both = np.asarray(hits, float), np.asarray(both, float)
    probability = hits / (2 * n_pairs)
    # a pair's mean is 0, 1/2 or 1; E[mean^2] = (hits - 2 both) / 4 + both, over the pairs
    variance = np.maximum(((hits - 2 * both) / 4 + both) / n_pairs - probability**2, 0.0)
    standard_error = np.sqrt(variance / n_pairs)
    spread = probability * (1 - probability)
    with np.errstate(divide="ignore", invalid="ignore"):
        # antithetic paths may gain at most what the pairs themselves show, and never count for less than the pairs
        effective = np.clip(np.where(variance > 0, spread / standard_error**2, n_pairs), n_pairs, None)
    lower, upper = clopper_pearson(probability * effective, effective)
    either = hits - both
    pairs_lower, pairs_upper = clopper_pearson(either, n_pairs)[0] / 2, clopper_pearson(either, n_pairs)[1]
    sure = variance == 0
    return Estimate(
        probability,
        np.where(sure, np.minimum(pairs_lower, probability), lower),
        np.where(sure, pairs_upper, upper),
        standard_error,
    )
