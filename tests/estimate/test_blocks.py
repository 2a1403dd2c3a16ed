"""Monte Carlo error and parameter uncertainty: without bias, and an interval that holds p(theta) for 95 % of theta."""

import numpy as np
import pytest
from helpers.closed_forms import DAY
from helpers.statistics import assert_mean, assert_rejected
from scipy.special import ndtr

from stresslab.estimate import blocks, intervals


def touch(barrier, sigma, t):
    """P(a driftless GBM falls to `barrier` times spot by t); in agreement with `closed_forms.touch_probability`."""
    s, m, x = sigma * np.sqrt(t), -(sigma**2) / 2 * t, np.log(barrier)
    return ndtr((x - m) / s) + np.exp(2 * m * x / s**2) * ndtr((x + m) / s)


def summed(p, n, rng):
    """Hits of blocks with probabilities p (repeat, block): their sum and the sum of their squares."""
    hits = rng.binomial(n, p).astype(float)
    return hits.sum(axis=1), (hits**2).sum(axis=1)


def test_both_errors_are_without_bias():
    """4,000 studies of 32 blocks of 256 paths, seed 1: p is beta with mean 0.1 and deviation 0.05."""
    rng, n, n_blocks, mean, spread = np.random.default_rng(1), 256, 32, 0.1, 0.05
    weight = mean * (1 - mean) / spread**2 - 1
    p = rng.beta(mean * weight, (1 - mean) * weight, (4000, n_blocks))
    total, squares = summed(p, n, rng)
    between = blocks.between_blocks(total / n, squares / n**2, n_blocks)
    within = (total / n - squares / n**2) / n_blocks / (n - 1)
    assert_mean(between - within, spread**2, z=4)
    assert_mean(within, np.mean(p * (1 - p)) / n, z=4)
    errors = blocks.of_counts(total, squares, n_blocks, n)
    of_mean = (spread**2 + (mean * (1 - mean) - spread**2) / n) / n_blocks
    assert_mean(errors.monte_carlo**2, of_mean, z=4)
    # the twins: without taking the sampling out the variance of p is 13 % too large
    assert_rejected(assert_mean, between, spread**2, z=4)
    assert_rejected(assert_mean, errors.monte_carlo**2, spread**2, z=4)


def test_without_uncertainty_it_is_the_error_of_one_count():
    """2,000 studies of 64 blocks of 512 paths of one p, seed 2: the Monte Carlo error is the binomial one."""
    rng, n, n_blocks = np.random.default_rng(2), 512, 64
    total, squares = summed(np.full((2000, n_blocks), 0.03), n, rng)
    errors = blocks.of_counts(total, squares, n_blocks, n)
    binomial = np.sqrt(0.03 * 0.97 / (n * n_blocks))
    assert np.median(errors.parameter) < 0.2 * np.sqrt(0.03 * 0.97 / n)
    assert 0.4 < np.mean(errors.parameter == 0) < 0.6  # floored in half of the studies
    assert np.mean(errors.monte_carlo) == pytest.approx(binomial, rel=0.08)  # max(S^2, W) lies a little above W


def test_pairs_against_the_naive_sum():
    """40 blocks of 500 pairs, seed 3: the same numbers from the pairs themselves."""
    rng, n_blocks, pairs = np.random.default_rng(3), 40, 500
    p = rng.uniform(0.05, 0.3, (n_blocks, 1))
    hit = rng.uniform(size=(n_blocks, pairs, 2)) < p[..., None]
    hit[:, ::3, 1] = ~hit[:, ::3, 0]  # some antithetic ones
    means = hit.mean(axis=2)
    within = means.var(axis=1, ddof=1).mean() / pairs
    between = means.mean(axis=1).var(ddof=1)
    found = blocks.of_pairs(
        np.array(float(hit.sum())),
        np.array(float(hit.all(axis=2).sum())),
        np.array(float((hit.sum(axis=(1, 2)) ** 2).sum())),
        n_blocks,
        2 * pairs,
    )
    assert found.parameter == pytest.approx(np.sqrt(between - within), rel=1e-9)
    assert found.monte_carlo == pytest.approx(np.sqrt(between / n_blocks), rel=1e-9)


def test_sums_against_the_naive_sum():
    rng, n_blocks, n = np.random.default_rng(4), 20, 300
    values = rng.normal(rng.normal(0, 0.2, (n_blocks, 1)), 1.0, (n_blocks, n))
    means = values.mean(axis=1)
    found = blocks.of_sums(means.sum(), (means**2).sum(), (values**2).mean(axis=1).sum(), n_blocks, n)
    within = values.var(axis=1, ddof=1).mean() / n
    assert found.parameter == pytest.approx(np.sqrt(max(means.var(ddof=1) - within, 0)), rel=1e-9)
    assert found.monte_carlo == pytest.approx(np.sqrt(max(means.var(ddof=1), within) / n_blocks), rel=1e-9)


@pytest.mark.parametrize(
    ("spread", "barrier", "days"), [(0.05, 0.95, 1), (0.15, 0.9, 7), (0.3, 0.95, 1), (0.3, 0.8, 7)]
)
def test_coverage_of_a_first_passage_with_lognormal_volatility(spread, barrier, days):
    """400 studies, seed 5, of 64 blocks of 4,096 paths, sigma lognormal about 0.6: closed form, 50 fresh sigmas each.

    Coverage 93 to 98 %, and above the upper end no more than 3 %: a share of 20,000 with few independent ones in it,
    standard error at most 1 %.
    """
    rng, n_blocks, n = np.random.default_rng(5), 64, 4096
    p = touch(barrier, 0.6 * np.exp(spread * rng.standard_normal((400, n_blocks))), days * DAY)
    total, squares = summed(p, n, rng)
    mean = total / (n * n_blocks)
    truth = touch(barrier, 0.6 * np.exp(spread * rng.standard_normal((400, 50))), days * DAY)
    found = blocks.estimate(mean, blocks.of_counts(total, squares, n_blocks, n), n_blocks, n * n_blocks)
    inside = (truth >= found.lower[:, None]) & (truth <= found.upper[:, None])
    assert 0.93 <= inside.mean() <= 0.985
    assert (truth > found.upper[:, None]).mean() < 0.03
    # the twin: the interval of the paths alone covers hardly anything
    plain = intervals.from_independent(total, n * n_blocks)
    assert ((truth >= plain.lower[:, None]) & (truth <= plain.upper[:, None])).mean() < 0.35


def test_no_hit_is_an_upper_bound():
    zero = np.zeros(1)
    found = blocks.estimate(zero, blocks.of_counts(zero, zero, 16, 1024), 16, 16 * 1024)
    assert found.lower == 0 and found.upper == pytest.approx(1 - 0.025 ** (1 / (16 * 1024)))
    assert found.standard_error == 0
