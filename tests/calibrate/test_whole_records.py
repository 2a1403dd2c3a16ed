"""A record without holes: a fit needs nothing of it but its returns, and takes those that it is given."""

from dataclasses import replace

import numpy as np
import pytest
from calibrate.price_histories import YEAR, heston_returns
from helpers.price_series import START

from stresslab.calibrate import FITS, Bars, log_returns
from stresslab.calibrate.fit import leaves
from stresslab.calibrate.prices import daily

HISTORIES = {"replay", "block_bootstrap", "filtered_historical", "scaled_historical"}  # they need the bars themselves
SLOW = {"kou", "hawkes", "regime_switching", "figarch"}


@pytest.fixture(scope="module")
def returns():
    """Three years of hours of Heston with a jump a week, as bars."""
    rng = np.random.default_rng(3)
    values = heston_returns(rng, 3 * YEAR, 1, kappa=12.0, theta=0.4, xi=2.5, rho=-0.3)[0][:, 0]
    values[rng.choice(len(values), 156, replace=False)] += 0.07 * rng.standard_normal(156)
    closes = 100 * np.exp(np.concatenate([[0.0], np.cumsum(values)]))
    stamps = START + 3600 * np.arange(len(closes))
    return log_returns(Bars(stamps, np.repeat(closes[:, None], 4, axis=1), 3600, "made.csv", "0" * 64))


def numbers(parameters):
    return dict(path for name, value in parameters.items() for path in leaves(name, value))


@pytest.mark.parametrize(
    "kind", [pytest.param(k, marks=pytest.mark.slow if k in SLOW else ()) for k in FITS if k not in HISTORIES]
)
def test_a_fit_is_that_of_the_returns_alone(returns, kind):
    own, alone = (FITS[kind](one) for one in (returns, replace(returns, origin=None)))
    numbers = [
        dict(path for name, value in one.parameters.items() for path in leaves(name, value)) for one in (own, alone)
    ]
    assert numbers[0] and numbers[0] == pytest.approx(numbers[1], rel=1e-9)
    assert own.standard_errors == pytest.approx(alone.standard_errors, rel=1e-6)


def test_returns_that_are_put_in_place_of_others_are_those_of_the_days(returns):
    """Fits of jumps take the large moves out: what is left is what realised variances are made of."""
    halved = daily(replace(returns, values=returns.values / 2))
    np.testing.assert_allclose(halved.variances, daily(returns).variances / 4, rtol=1e-12)
