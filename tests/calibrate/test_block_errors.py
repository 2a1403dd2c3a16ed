import numpy as np
import pytest
from calibrate.price_histories import HOUR

from stresslab.calibrate.blocks import block_covariance, block_numbers
from stresslab.errors import InputError


def test_blocks_are_numbered_without_holes():
    stamps = np.array([0, 10, 99, 100, 350, 399])
    assert block_numbers(stamps + 7, 100).tolist() == [0, 0, 0, 1, 2, 2]


def test_covariance_is_that_of_the_naive_loop():
    rng = np.random.default_rng(1)
    influence, stamps = rng.standard_normal((50, 2)), np.arange(50) * HOUR
    total = np.zeros((2, 2))
    for block in range(5):
        summed = influence[10 * block : 10 * block + 10].sum(axis=0)
        total += np.outer(summed, summed)
    np.testing.assert_allclose(block_covariance(influence, stamps, 10 * HOUR), total / 2500 * 5 / 4, rtol=1e-12)


def test_error_of_the_mean_of_an_autoregression():
    """n = 200,000 of x_t = 0.9 x_t-1 + e_t (seed 2): Var(mean) = 1 / (0.01 n); 400 blocks, relative error of a
    deviation 3.5 %."""
    rng, n = np.random.default_rng(2), 200_000
    noise, x = rng.standard_normal(n), np.zeros(n)
    for step in range(1, n):
        x[step] = 0.9 * x[step - 1] + noise[step]
    stamps = np.arange(n) * HOUR

    def error(hours):
        return np.sqrt(block_covariance(x[:, None] - x.mean(), stamps, hours * HOUR)[0, 0])

    truth, tolerance = 10 / np.sqrt(n), 3 / np.sqrt(2 * 400)
    assert abs(error(500) / truth - 1) < tolerance
    assert abs(error(1) / truth - 1) > 5 * tolerance  # the twin: blocks of one bar miss the dependence


def test_one_block_is_refused():
    with pytest.raises(InputError, match="at least two blocks"):
        block_covariance(np.ones((5, 1)), np.arange(5) * HOUR)
