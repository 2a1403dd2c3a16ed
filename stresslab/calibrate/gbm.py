"""Geometric Brownian motion from realised variance.

    sigma^2 = mean(r^2) / dt,        r = log return of one bar, dt = bar in years of 365 days

The mean of r is not taken out: over a bar it is two orders below the deviation. The growth rate mu stays 0: its
standard error over T years is sigma / sqrt(T), as large as any growth that one would believe. The standard error
allows for kurtosis and for the clustering of volatility; the figure robust to kurtosis alone (`block_seconds` of one
bar) is several times smaller.
"""

import numpy as np
from scipy import stats

from stresslab.calibrate.blocks import BLOCK_SECONDS, block_covariance
from stresslab.calibrate.fit import Fit, make_fit
from stresslab.calibrate.prices import Returns

METHOD = (
    "Square root of the realised variance: mean squared log return per bar, over a year of 365 days, uncentred. "
    "Returns across missing bars are left out ({dropped} of them). Standard error by the delta method from sums "
    "over blocks of 60 days, so it allows for fat tails and clustering; robust to fat tails alone it would be "
    "{narrow:.2g}. Growth is not estimated: mu is 0, a martingale."
)


def fit(returns: Returns) -> Fit:
    """Volatility and its standard error."""
    sigma = volatility(returns)
    narrow = volatility_error(returns, block_seconds=returns.seconds)
    method = METHOD.format(dropped=returns.dropped, narrow=narrow)
    error = volatility_error(returns)
    return make_fit(
        "gbm",
        returns,
        {"sigma": sigma},
        {"sigma": error},
        method,
        log_likelihood(returns, sigma),
        covariance=np.array([[error**2]]),
        residuals=returns.values / (sigma * np.sqrt(returns.dt)),
        volatility=np.full(len(returns.values), sigma),
    )


def log_likelihood(returns: Returns, sigma: float) -> float:
    """Of independent normal returns without drift."""
    return float(stats.norm.logpdf(returns.values, scale=sigma * np.sqrt(returns.dt)).sum())


def volatility(returns: Returns) -> float:
    """Realised volatility per square root of a year."""
    return float(np.sqrt(np.mean(returns.values**2) / returns.dt))


def volatility_error(returns: Returns, block_seconds: int = BLOCK_SECONDS) -> float:
    """Standard error of `volatility`."""
    sigma = volatility(returns)
    influence = (returns.values**2 / returns.dt - sigma**2) / (2 * sigma)
    return float(np.sqrt(block_covariance(influence[:, None], returns.stamps, block_seconds)[0, 0]))
