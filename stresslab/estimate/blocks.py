"""Two errors of a mean over blocks that differ in their parameters: that of the sampling, and that of the parameters.

Block b of B has n draws under parameters theta_b and the mean p_b. With S^2 the variance between the p_b, and W the
mean of their own sampling variances, estimated without bias,

    parameter^2 = max(S^2 - W, 0)          the variance of p(theta): more paths do not make it smaller
    monte carlo^2 = max(S^2, W) / B        the variance of the mean of the p_b: paths and draws of theta, both finite
    total^2 = parameter^2 + monte carlo^2

where S^2 - W may fall below 0 by chance: then the parameters matter less than the sampling can tell.

The 95 % interval is that of Clopper and Pearson for as many paths as have the total variance: p (1 - p) / total^2,
with the total error made larger by the quantile of Student's t for the B - 1 degrees of freedom of S^2. It is meant to
hold p(theta) for 95 % of theta; `tests/estimate/test_blocks.py` says how well it does.
"""

from typing import NamedTuple

import numpy as np
from scipy import stats

from stresslab.estimate.intervals import CONFIDENCE, Estimate, Z, clopper_pearson


class Errors(NamedTuple):
    """Standard errors, arrays of one shape."""

    monte_carlo: np.ndarray
    parameter: np.ndarray

    @property
    def total(self) -> np.ndarray:
        """Both together."""
        return np.hypot(self.monte_carlo, self.parameter)


def split(between: np.ndarray, within: np.ndarray, n_blocks: int) -> Errors:
    """The two errors from S^2 and W."""
    sampling = np.sqrt(np.maximum(between, within) / n_blocks)
    return Errors(sampling, np.sqrt(np.maximum(between - within, 0.0)))


def between_blocks(total: np.ndarray, squares: np.ndarray, n_blocks: int) -> np.ndarray:
    """S^2 from the sum of the block means and the sum of their squares."""
    return np.maximum(squares - total**2 / n_blocks, 0.0) / (n_blocks - 1)


def of_counts(hits: np.ndarray, squares: np.ndarray, n_blocks: int, block: int) -> Errors:
    """From hits among independent paths: their sum over blocks and the sum of their squares, both exact."""
    total, square = hits / block, squares / block**2
    within = (total - square) / n_blocks / (block - 1)
    return split(between_blocks(total, square, n_blocks), within, n_blocks)


def of_pairs(hits: np.ndarray, both: np.ndarray, squares: np.ndarray, n_blocks: int, block: int) -> Errors:
    """The same from antithetic pairs: a pair's mean is 0, 1/2 or 1; `both` counts the pairs with two hits."""
    pairs = block // 2
    total, square = hits / block, squares / block**2
    second = ((hits - 2 * both) / 4 + both) / pairs  # sum over blocks of the mean of the squared pair means
    within = np.maximum(second - square, 0.0) / n_blocks / (pairs - 1)
    return split(between_blocks(total, square, n_blocks), within, n_blocks)


def of_sums(total: np.ndarray, squares: np.ndarray, second: np.ndarray, n_blocks: int, n: int) -> Errors:
    """From block means of numbers: their sum, the sum of their squares, and the sum of the blocks' mean squares."""
    within = np.maximum(second - squares, 0.0) / n_blocks / (n - 1)
    return split(between_blocks(total, squares, n_blocks), within, n_blocks)


def estimate(probability: np.ndarray, errors: Errors, n_blocks: int, n: int) -> Estimate:
    """The probability with its total error and interval; `n` is the number of all independent draws."""
    widened = errors.total * stats.t.ppf((1 + CONFIDENCE) / 2, n_blocks - 1) / Z
    with np.errstate(divide="ignore", invalid="ignore"):
        effective = np.where(widened > 0, probability * (1 - probability) / widened**2, n)
    effective = np.clip(effective, 1.0, n)
    lower, upper = clopper_pearson(probability * effective, effective)
    return Estimate(probability, lower, upper, errors.total)
