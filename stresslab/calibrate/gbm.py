"""Geometric Brownian motion from realised variance.

    sigma^2 = sum(r^2) / T,        r = log return between successive rows, T = years of 365 days from first to last

A hole in the record, whether nothing was traded or the market was closed, changes neither sum nor T: the first price
after it carries the move. The mean of r is not taken out: over a bar it is two orders below the deviation. The growth
rate mu stays 0: its standard error over T years is sigma / sqrt(T), as large as any plausible growth. The
standard error allows for kurtosis and for the clustering of volatility; the figure robust to kurtosis alone
(`block_seconds` of one bar) is several times smaller.
"""

import numpy as np
from scipy import stats

from stresslab.calibrate.blocks import BLOCK_SECONDS, block_covariance
from stresslab.calibrate.fit import Fit, make_fit
from stresslab.calibrate.prices import Returns

METHOD = (
    "Square root of the realised variance: sum of squared log returns between successive rows over the time that has "
    "passed, per year of 365 days, uncentred. Standard error by the delta method from sums over blocks of 60 days, so "
    "it allows for fat tails and clustering; robust to fat tails alone it would be {narrow:.2g}. Growth is not "
    "estimated: mu is 0, a martingale."
)


def fit(returns: Returns) -> Fit:
    """Volatility and its standard error."""
    sigma = volatility(returns)
    narrow = volatility_error(returns, block_seconds=returns.seconds)
    method = METHOD.format(narrow=narrow)
    error = volatility_error(returns)
    return make_fit(
        "gbm",
        returns,
        {"sigma": sigma},
        {"sigma": error},
        method,
        log_likelihood(returns, sigma),
        covariance=np.array([[error**2]]),
        residuals=returns.moves / (sigma * np.sqrt(returns.elapsed)),
        volatility=np.full(len(returns.values), sigma),
    )


def log_likelihood(returns: Returns, sigma: float) -> float:
    """Of independent normal returns without drift."""
    return float(stats.norm.logpdf(returns.moves, scale=sigma * np.sqrt(returns.elapsed)).sum())


def volatility(returns: Returns) -> float:
    """Realised volatility per square root of a year."""
    return float(np.sqrt(returns.realised_variance))


def volatility_error(returns: Returns, block_seconds: int = BLOCK_SECONDS) -> float:
    """Standard error of `volatility`."""
    sigma = volatility(returns)
    share = returns.elapsed / returns.elapsed.mean()
    influence = (returns.moves**2 / returns.elapsed.mean() - sigma**2 * share) / (2 * sigma)
    return float(np.sqrt(block_covariance(influence[:, None], returns.move_stamps, block_seconds)[0, 0]))
