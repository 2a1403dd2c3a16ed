"""The law of Merton's log return over a time t: a Poisson mixture of normals.

    density(x) = sum over k of Poisson(k; lambda t) Normal(x; b t + k m, sigma^2 t + k s^2),
    b = -sigma^2/2 - lambda (e^(m + s^2/2) - 1)        (a martingale)

The series is cut where less than 1e-16 of the Poisson mass is left. Merton (1976), equation 16 and after.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import log_ndtr, logsumexp, ndtr, ndtri_exp
from scipy.stats import poisson


class Jumps(NamedTuple):
    """Merton's parameters as the series needs them."""

    sigma: float
    intensity: float  # 1/year
    mean: float
    std: float


def log_density(x: np.ndarray, law: Jumps, t: float) -> np.ndarray:
    """Log density of the log return over t years at each x."""
    log_weights, means, deviations = _components(law, t)
    z = (x[:, None] - means) / deviations
    return logsumexp(log_weights - np.log(deviations) - z * z / 2, axis=1) - np.log(2 * np.pi) / 2


def log_probability_within(bound: float, law: Jumps, t: float) -> float:
    """Log P(-bound < x < bound), from the tails, which keep their digits where they are small."""
    log_weights, means, deviations = _components(law, t)
    above = logsumexp(log_weights + log_ndtr((means - bound) / deviations))
    below = logsumexp(log_weights + log_ndtr((-bound - means) / deviations))
    return float(np.log1p(-np.exp(above) - np.exp(below)))


def cdf(x: float, law: Jumps, t: float) -> float:
    """P(log return over t years <= x)."""
    log_weights, means, deviations = _components(law, t)
    return float(np.exp(log_weights) @ ndtr((x - means) / deviations))


def normal_scores(x: np.ndarray, law: Jumps, t: float) -> np.ndarray:
    """Normal quantiles of P(log return over t years <= x): standard normal if x follows the law."""
    log_weights, means, deviations = _components(law, t)
    z = (x[:, None] - means) / deviations
    # from the nearer tail, which keeps its digits
    below, above = logsumexp(log_weights + log_ndtr(z), axis=1), logsumexp(log_weights + log_ndtr(-z), axis=1)
    return np.where(below < above, ndtri_exp(below), -ndtri_exp(above))


def quantile(probability: float, law: Jumps, t: float) -> float:
    """The log return over t years that is undershot with this probability."""
    width = 60 * np.sqrt((law.sigma**2 + law.intensity * (law.mean**2 + law.std**2)) * t)
    return float(brentq(lambda x: cdf(x, law, t) - probability, -width, width, xtol=1e-12))


def _components(law: Jumps, t: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    count = np.arange(int(poisson.isf(1e-16, law.intensity * t)) + 2)
    drift = -(law.sigma**2) / 2 - law.intensity * np.expm1(law.mean + law.std**2 / 2)
    variances = law.sigma**2 * t + count * law.std**2
    return poisson.logpmf(count, law.intensity * t), drift * t + count * law.mean, np.sqrt(variances)
