"""Reliability: of the dates on which about p was forecast, on what share did it happen?

Dates are put into bins of equally many by their forecast. Even a perfect forecaster misses the diagonal by chance: the
consistency bar of a bin is where 95 % of its shares would fall if every forecast were true. Bröcker and Smith (2007),
"Increasing the reliability of reliability diagrams". Dates whose horizons overlap are given the same chance, which
makes the bars wider than those of independent dates, as they must be.

Calibration in the large: (events - sum p) over the root of its variance under the forecasts, a standard normal score.
Its variance sums the covariances of dates whose horizons overlap (Newey and West 1987, with the residuals y - p).
"""

from typing import NamedTuple

import numpy as np

BINS = 10
LEAST_DATES = 10  # in a bin
REPLICATES = 1000
TAILS = (0.025, 0.975)


class Bins(NamedTuple):
    """One entry per bin, NaN beyond the bins that there are."""

    forecast: np.ndarray  # mean probability
    share: np.ndarray  # of dates on which it happened
    lower: np.ndarray  # of the consistency bar
    upper: np.ndarray
    dates: np.ndarray


def reliability(probability: np.ndarray, happened: np.ndarray, overlap: int, seed: int) -> Bins:
    """Bins of the dates that have a forecast; `overlap` neighbouring dates share a horizon."""
    known = np.flatnonzero(np.isfinite(probability))
    nothing = np.full((4, BINS), np.nan)
    found = Bins(nothing[0], nothing[1], nothing[2], nothing[3], np.zeros(BINS, int))
    n_bins = min(BINS, known.size // LEAST_DATES)
    if n_bins == 0:
        return found
    p, y = probability[known], happened[known]
    chance = np.random.default_rng(seed).random((REPLICATES, known[-1] // overlap + 1))[:, known // overlap]
    replayed = chance < p
    order = np.argsort(p, kind="stable")
    for place, chosen in enumerate(np.array_split(order, n_bins)):
        shares = replayed[:, chosen].mean(axis=1)
        found.forecast[place], found.share[place] = p[chosen].mean(), y[chosen].mean()
        found.lower[place], found.upper[place] = np.quantile(shares, TAILS)
        found.dates[place] = chosen.size
    return found


def calibration_score(probability: np.ndarray, happened: np.ndarray, overlap: int) -> float:
    """Standard score of the number of events against the forecasts: above 0 where more happened than was said."""
    known = np.isfinite(probability)
    p, miss = probability[known], (happened - probability)[known]
    variance = float(np.sum(p * (1 - p)))
    for lag in range(1, overlap):
        weight = 1 - lag / overlap
        variance += 2 * weight * float(np.sum(miss[lag:] * miss[:-lag]))
    return float(miss.sum() / np.sqrt(variance)) if variance > 0 else float("nan")
