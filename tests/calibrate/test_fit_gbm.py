import numpy as np
import pytest
from calibrate.price_histories import YEAR, hourly

from stresslab.calibrate import gbm


def test_round_trip():
    """n = 37,500 hours, seed 1, sigma 0.6; standard error 0.6 / sqrt(2 n) = 0.0022."""
    n, sigma = 37_500, 0.6
    returns = hourly(sigma / np.sqrt(YEAR) * np.random.default_rng(1).standard_normal(n) - sigma**2 / 2 / YEAR)
    found, error = gbm.volatility(returns), gbm.volatility_error(returns, block_seconds=3600)
    assert error == pytest.approx(sigma / np.sqrt(2 * n), rel=0.03)  # of the error: sqrt(2 / n) and less
    assert abs(found - sigma) < 3 * error
    assert abs(found - 1.02 * sigma) > 3 * error  # the twin: a year of 9,114 hours or so
    fit = gbm.fit(returns)
    assert fit.parameters == {"sigma": found} and fit.standard_errors == {"sigma": gbm.volatility_error(returns)}


def test_error_is_robust_to_kurtosis():
    """300 histories of 2,000 Student returns (6 degrees of freedom, seed 2); relative error of a spread 1 / sqrt(600)
    = 4 %."""
    rng, sigma = np.random.default_rng(2), 0.6
    draws = rng.standard_t(6, (300, 2000)) * np.sqrt(4 / 6) * sigma / np.sqrt(YEAR)
    histories = [hourly(row) for row in draws]
    spread = np.std([gbm.volatility(history) for history in histories], ddof=1)
    stated = np.mean([gbm.volatility_error(history, block_seconds=3600) for history in histories])
    assert abs(stated / spread - 1) < 3 * 0.04
    assert abs(sigma / np.sqrt(2 * 2000) / spread - 1) > 5 * 0.04  # the twin: the normal formula


def test_error_allows_for_clusters():
    """Volatility that changes every 20 days (seed 3): blocks of 60 days see it, blocks of one bar do not.

    600 stretches of 480 hours, sigma^2 exponential with mean 0.36, so that Var(mean) = 0.36^2 (1 + 3 / 480 ...) /
    600; 200 blocks, relative error of the stated deviation 5 % and more for the fat tails of sigma^2: 15 % allowed.
    """
    rng = np.random.default_rng(3)
    variances = np.repeat(rng.exponential(0.36, 600), 480)
    history = hourly(np.sqrt(variances / YEAR) * rng.standard_normal(len(variances)))
    truth = 0.36 / np.sqrt(600) / (2 * 0.6)
    assert gbm.volatility_error(history) == pytest.approx(truth, rel=0.15)
    assert gbm.volatility_error(history, block_seconds=3600) < truth / 5
