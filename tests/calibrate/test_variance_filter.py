import numpy as np
import pytest
from calibrate.price_histories import YEAR, heston_returns, hourly

from stresslab.calibrate.filter import filter_variance

KAPPA, THETA, XI = 40.0, 0.4, 5.0
DAY = 1 / 365
W = THETA * XI**2 / (2 * KAPPA)
NORMAL_NOISE = 2 * (W + THETA**2) * DAY**2 / 24  # of a day's realised variance from 24 normal returns


def filtered(history, noise=NORMAL_NOISE):
    return filter_variance(history, KAPPA, THETA, XI, noise, DAY)


def test_constant_returns_give_their_variance_shrunk():
    history = hourly(np.full(2000, 0.01))
    state = filtered(history)
    rate = np.sqrt(KAPPA**2 + XI**2 * THETA * DAY / NORMAL_NOISE)
    assert state.memory == pytest.approx(1 / rate)
    assert state.shrinkage == pytest.approx(KAPPA / rate)
    assert state.variance == pytest.approx(KAPPA / rate * THETA + (1 - KAPPA / rate) * 1e-4 * YEAR)


def test_noise_lengthens_the_memory_and_trusts_theta():
    history = hourly(np.full(2000, 0.01))
    states = [filtered(history, NORMAL_NOISE * factor) for factor in (1, 10, 1e6)]
    assert states[0].memory < states[1].memory < 1 / KAPPA
    assert states[2].variance == pytest.approx(THETA, rel=0.01)


def test_estimate_follows_the_true_variance():
    """400 histories of 60 days (seed 1): root mean square error known to 1 / sqrt(800) = 3.5 % (fat tails: say 6 %)."""
    returns, truth = heston_returns(np.random.default_rng(1), 60 * 24, 400, KAPPA, THETA, XI, rho=-0.5)
    histories = [hourly(path) for path in returns.T]
    states = [filtered(history) for history in histories]
    miss = np.array([state.variance for state in states]) - truth
    root_mean_square = np.sqrt(np.mean(miss**2))
    assert abs(miss.mean()) < 3 * miss.std() / 20
    stated = np.sqrt(np.mean([state.error**2 for state in states]))
    assert abs(stated / root_mean_square - 1) < 3 * 0.06
    # the twin: a filter with six times the memory, or a sixth of it, is worse
    for factor in (36.0, 1 / 36):
        worse = np.array([filtered(history, NORMAL_NOISE * factor).variance for history in histories]) - truth
        assert np.sqrt(np.mean(worse**2)) > 1.15 * root_mean_square
