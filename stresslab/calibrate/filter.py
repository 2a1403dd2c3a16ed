"""Tonight's variance from the squared returns of the last days: the steady state of the Kalman-Bucy filter.

    signal     dv = kappa (theta - v) dt + noise of density Q = xi^2 theta
    measured   r^2 / dt = v + noise of density N, from the noise of daily realised variance
    estimate   (kappa / g) theta + (1 - kappa / g) (sum of r^2 over sum of dt, weights e^(-g age))
               with g = sqrt(kappa^2 + Q / N)

It is the best linear estimate for noise of constant density. Both noises grow with v, so the error is given at the
estimate: N scaled by v^2 / E[v^2], Q by v / theta. Kalman and Bucy (1961), "New results in linear filtering and
prediction theory".
"""

from typing import NamedTuple

import numpy as np

from stresslab.calibrate.prices import Returns
from stresslab.units import YEAR_SECONDS


class Filtered(NamedTuple):
    """Variance per year at the end of the prices, its standard error, and what the estimate rests on."""

    variance: float
    error: float
    memory: float  # years in which a weight falls by e
    shrinkage: float  # weight of theta


def filter_variance(
    returns: Returns, kappa: float, theta: float, xi: float, daily_noise: float, day: float
) -> Filtered:
    """The variance at the close of the last bar; `daily_noise` is the noise variance of a day's realised variance."""
    density = daily_noise / day
    rate = np.sqrt(kappa**2 + xi**2 * theta / density)
    ages = (returns.end - returns.move_stamps - returns.seconds) / YEAR_SECONDS + returns.elapsed / 2
    weights = np.exp(-rate * ages)
    weighted = float((weights * returns.moves**2).sum() / (weights * returns.elapsed).sum())
    shrinkage = kappa / rate
    variance = shrinkage * theta + (1 - shrinkage) * weighted
    second_moment = theta**2 + theta * xi**2 / (2 * kappa)
    measured, moved = density * variance**2 / second_moment, xi**2 * variance
    error = np.sqrt(((rate - kappa) ** 2 * measured + moved) / (2 * rate))
    return Filtered(float(variance), float(error), float(1 / rate), float(shrinkage))


def variance_before(returns: Returns, filtered: Filtered, theta: float) -> np.ndarray:
    """What the filter said at the open of each bar, variance per year: theta before the first, and after a long gap."""
    waited = np.diff(returns.stamps, prepend=returns.stamps[0] - returns.seconds) / YEAR_SECONDS - returns.dt
    kept, new = np.exp(-waited / filtered.memory), -np.expm1(-returns.dt / filtered.memory)
    levels, level = np.empty(len(returns.values)), theta
    for bar, square in enumerate(returns.values**2 / returns.dt):
        level = theta + kept[bar] * (level - theta)
        levels[bar] = level
        level += new * (square - level)
    return filtered.shrinkage * theta + (1 - filtered.shrinkage) * levels
