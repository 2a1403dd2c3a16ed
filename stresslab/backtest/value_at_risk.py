"""Were losses beyond the value at risk as rare as promised, and did they come alone?

I_t = 1 where the loss exceeds the value at risk of confidence c; n dates, x of them exceedances, p = 1 - c:

    unconditional   LR_uc  = 2 [log L(x / n) - log L(p)],   L(q) = q^x (1 - q)^(n - x)           chi2(1), Kupiec (1995)
    independence    LR_ind = 2 [log L(pi_01, pi_11) - log L(pi_2)]                                chi2(1)
    conditional     LR_cc  = LR_uc + LR_ind                                                       chi2(2)

pi_ij is the share of transitions from I = i that go to j, pi_2 the share of all that go to 1; 0 log 0 = 0.
Christoffersen (1998), "Evaluating interval forecasts", equations 5 to 11. The tests want exceedances that are
independent under the hypothesis: of forecasts whose horizons overlap only every k-th is taken, beginning with the
first. A pair of dates counts as a transition only where nothing was left out between them.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import xlogy
from scipy.stats import chi2


class Coverage(NamedTuple):
    """The tests of one forecaster, side and confidence; p-values, NaN without a forecast."""

    dates: int
    exceedances: int
    unconditional: float
    independence: float
    conditional: float


def thinned(dates: np.ndarray, horizon: int) -> np.ndarray:
    """Indices of dates whose horizons do not overlap, taken greedily from the first."""
    kept, free = [], -np.inf
    for place, date in enumerate(dates.tolist()):
        if date >= free:
            kept.append(place)
            free = date + horizon
    return np.array(kept, int)


def coverage(exceeded: np.ndarray, dates: np.ndarray, confidence: float, spacing: int) -> Coverage:
    """The tests; `spacing` is the distance of neighbouring dates in seconds."""
    if exceeded.size == 0:
        return Coverage(0, 0, np.nan, np.nan, np.nan)
    follows = np.diff(dates) == spacing
    unconditional = kupiec(exceeded, 1 - confidence)
    independence = christoffersen(exceeded[:-1][follows], exceeded[1:][follows])
    p_values = (chi2.sf(unconditional, 1), chi2.sf(independence, 1), chi2.sf(unconditional + independence, 2))
    return Coverage(exceeded.size, int(exceeded.sum()), *map(float, p_values))


def kupiec(exceeded: np.ndarray, p: float) -> float:
    """LR_uc."""
    n, x = exceeded.size, int(exceeded.sum())
    return max(0.0, 2 * (_log_likelihood(x, n, x / n) - _log_likelihood(x, n, p)))


def christoffersen(before: np.ndarray, after: np.ndarray) -> float:
    """LR_ind from pairs of neighbouring dates."""
    found = 0.0
    for state in (False, True):
        chosen = after[before == state]
        if chosen.size:
            found += _log_likelihood(int(chosen.sum()), chosen.size, float(chosen.mean()))
    if after.size:
        found -= _log_likelihood(int(after.sum()), after.size, float(after.mean()))
    return max(0.0, 2 * found)


def _log_likelihood(x: int, n: int, q: float) -> float:
    return float(xlogy(x, q) + xlogy(n - x, 1 - q))
