import numpy as np
import pytest
from price_histories import YEAR, heston_returns, hourly

from stresslab.calibrate import heston
from stresslab.calibrate.filter import filter_variance
from stresslab.calibrate.prices import Days, daily
from stresslab.errors import InputError

TRUE = {"kappa": 40.0, "theta": 0.4, "xi": 5.0, "rho": -0.5}
PATHS = 16


@pytest.fixture(scope="module")
def histories():
    """16 histories of 10 years, seed 1, and the true variance at the end of each."""
    returns, last = heston_returns(np.random.default_rng(1), 10 * YEAR, PATHS, **TRUE)
    return [hourly(path) for path in returns.T], last


@pytest.fixture(scope="module")
def fits(histories):
    return [heston.fit(history) for history in histories[0]]


def test_round_trip(fits):
    """Mean of 16 estimates; standard error: their spread over 4."""
    for name, truth in TRUE.items():
        found = np.array([fit.parameters[name] for fit in fits])
        error = found.std(ddof=1) / np.sqrt(PATHS)
        print(name, found.mean(), error, found.std(), np.mean([f.standard_errors[name] for f in fits]))
