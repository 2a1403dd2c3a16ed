"""The mark price: index times basis. Closed forms of the sum under Brownian motion, and the limits."""

import numpy as np
import pytest
from helpers.examples import EXAMPLES
from helpers.statistics import assert_mean, assert_rejected, assert_variance
from pydantic import ValidationError

from stresslab.models import GBM
from stresslab.models.basis import Basis
from stresslab.passage import first_passage
from stresslab.paths import simulate

HOUR, N = 1 / 8760, 2**16
INDEX = GBM(sigma=0.5)
GIVEN = {"n_paths": N, "horizon": "8h", "step": "1h", "seed": 6}
B = {"now": 0.004, "mean": -0.002, "speed": 1500.0, "volatility": 0.3, "correlation": -0.4}


def log_price(model):
    return np.log(simulate(model, **GIVEN).price.values[:, 1:].astype(float))


@pytest.fixture(scope="module")
def mark():
    return log_price(Basis(model=INDEX, **B))


def test_mean_and_variance(mark):
    """x = index + b: means add; Var = s^2 t + Var b + 2 rho s vol (1 - e^(-kt)) / k (summed over the steps)."""
    for hours in (1, 8):
        t, k = hours * HOUR, B["speed"]
        drawn_back = -np.expm1(-k * t)
        own = B["volatility"] ** 2 * -np.expm1(-2 * k * t) / (2 * k)
        # in one step the noises are whole normals with correlation rho; later steps see it decayed
        step = B["volatility"] * np.sqrt(-np.expm1(-2 * k * HOUR) / (2 * k)) * INDEX.sigma * np.sqrt(HOUR)
        both = B["correlation"] * step * np.sum(np.exp(-k * HOUR * np.arange(hours)))
        variance = INDEX.sigma**2 * t + own + 2 * both
        assert_mean(mark[:, hours - 1], -(INDEX.sigma**2) / 2 * t + (B["mean"] - B["now"]) * drawn_back)
        assert_variance(mark[:, hours - 1], variance)
        assert_rejected(assert_variance, mark[:, hours - 1], variance - 2 * both)
        assert_rejected(assert_mean, mark[:, hours - 1], -(INDEX.sigma**2) / 2 * t)


def test_without_volatility_only_the_mean_moves():
    """At its mean it is the index itself, word for word but for the bridges."""
    np.testing.assert_allclose(log_price(Basis(model=INDEX, speed=100.0, volatility=0.0)), log_price(INDEX), atol=1e-6)
    moved = log_price(Basis(model=INDEX, now=0.01, speed=1500.0, volatility=0.0)) - log_price(INDEX)
    expected = 0.01 * np.expm1(-1500.0 * HOUR * np.arange(1, 9))
    np.testing.assert_allclose(moved, np.broadcast_to(expected, moved.shape), atol=2e-6)


def test_first_passage_without_reversion_is_a_larger_sigma():
    """So slow that it is a Brownian motion: variances add with the correlation, in the bridges of 4 hours too."""
    slow = Basis(model=INDEX, speed=1e-3, volatility=0.4, correlation=0.5)
    sigma = np.sqrt(0.5**2 + 0.4**2 + 2 * 0.5 * 0.5 * 0.4)
    drift = -(0.5**2) / 2
    found = first_passage(slow, barriers=[0.97], horizons=["8h"], step="4h", n_paths=2**17, seed=6)
    expected = GBM(sigma=sigma, mu=drift + sigma**2 / 2).first_passage_probability(0.97, 8 * HOUR)
    error = float(found.standard_error[0, 0])
    assert abs(float(found.probability[0, 0]) - expected) < 5 * error
    without = GBM(sigma=np.sqrt(0.41), mu=drift + 0.205).first_passage_probability(0.97, 8 * HOUR)
    assert abs(float(found.probability[0, 0]) - without) > 5 * error


@pytest.mark.parametrize("kind", ["merton", "heston"])
def test_on_other_models(kind):
    """The basis adds its variance to that of the index; jumps and stochastic variance stay."""
    index = EXAMPLES[kind]
    one = log_price(index)[:, -1]
    other = log_price(Basis(model=index, speed=1500.0, volatility=1.0))[:, -1]
    own = -np.expm1(-3000.0 * 8 * HOUR) / 3000.0
    error = np.hypot(*(np.std((x - x.mean()) ** 2) / np.sqrt(N) for x in (one, other)))
    assert abs(other.var() - one.var() - own) < 5 * error
    assert own > 10 * error


def test_a_record_has_no_noise_to_correlate_with():
    silent = [model for model in EXAMPLES.values() if len(model.price_loadings(1e-4)) == 0]
    for model in silent[:1]:
        with pytest.raises(Exception, match="draws its returns from a record"):
            Basis(model=model, speed=100.0, volatility=0.1, correlation=0.5).dynamics  # noqa: B018


def test_numbers_are_checked():
    with pytest.raises(ValidationError, match="speed"):
        Basis(model=INDEX, speed=0.0, volatility=0.1)
