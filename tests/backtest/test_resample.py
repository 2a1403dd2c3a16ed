"""Intervals of skill from the stationary bootstrap."""

import numpy as np
from helpers.statistics import assert_proportion, assert_rejected
from scipy.signal import lfilter

from stresslab.backtest.resample import drawn_counts, mean_block, skill_interval

D = 86_400


def test_blocks_are_longer_than_the_horizon_and_a_month():
    assert mean_block(D, D, 1000) == 30
    assert mean_block(30 * D, D, 1000) == 60
    assert mean_block(D, 12 * 3600, 1000) == 60
    assert mean_block(30 * D, D, 50) == 25


def test_every_replicate_draws_as_many_dates_and_the_seed_decides():
    counts = drawn_counts(200, 30, seed=4, replicates=50)
    assert np.all(counts.sum(axis=1) == 200) and counts.shape == (50, 200)
    np.testing.assert_array_equal(counts, drawn_counts(200, 30, seed=4, replicates=50))
    assert np.abs(counts.mean() - 1) < 1e-12


def test_dates_without_a_forecast_do_not_count():
    draw = np.random.default_rng(2)
    ours, theirs = draw.exponential(size=(2, 300))
    holed = np.where(np.arange(300) < 100, np.nan, ours)
    counts = drawn_counts(300, 10, seed=1, replicates=200)
    lower, upper = skill_interval(holed, theirs, counts)
    replicates = 1 - counts[:, 100:] @ ours[100:] / (counts[:, 100:] @ theirs[100:])
    np.testing.assert_allclose([lower, upper], np.quantile(replicates, (0.025, 0.975)))
    assert np.isnan(skill_interval(np.full(300, np.nan), theirs, counts)[0])


def covered(block, runs=200, n=1461):
    """Of 200 pairs of score series with a memory of 5 dates (seed 9), those whose interval holds the truth."""
    draw, hits = np.random.default_rng(9), 0
    for run in range(runs):
        noise = lfilter([0.6], [1, -0.8], draw.standard_normal((2, n + 100)))[:, 100:]
        theirs = np.exp(noise[0])
        ours = 0.9 * theirs * np.exp(0.5 * noise[1] - 0.125)  # a skill of 0.1
        lower, upper = skill_interval(ours, theirs, drawn_counts(n, block, run, 200))
        hits += bool(lower <= 0.1 <= upper)
    return hits


def test_intervals_cover_the_truth_with_blocks_longer_than_the_memory():
    """n = 200: about 95 % (to 4 standard errors, and 3 points of slack for few blocks); single dates do not."""
    assert_proportion(covered(30), 200, 0.95, z=4, slack=0.03)
    assert_rejected(assert_proportion, covered(1), 200, 0.95, z=4, slack=0.03)
