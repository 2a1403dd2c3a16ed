"""Bins of the reliability diagram, their consistency bars, and calibration in the large."""

import numpy as np
from helpers.statistics import assert_mean, assert_proportion, assert_rejected

from stresslab.backtest.reliability import BINS, calibration_score, reliability


def forecasts(n, seed):
    draw = np.random.default_rng(seed)
    p = draw.beta(1, 6, n)
    return p, draw.random(n) < p


def test_bins_are_tenths_by_forecast():
    p, y = forecasts(1000, 1)
    found, order = reliability(p, y, 1, 3), np.argsort(p)
    for place, chosen in enumerate(np.split(order, BINS)):
        np.testing.assert_allclose([found.forecast[place], found.share[place]], [p[chosen].mean(), y[chosen].mean()])
    assert found.dates.tolist() == [100] * BINS


def test_few_dates_make_few_bins_and_none_makes_none():
    p, y = forecasts(35, 2)
    assert np.isfinite(reliability(p, y, 1, 3).share).sum() == 3
    assert not np.isfinite(reliability(np.full(35, np.nan), y, 1, 3).share).any()


def outside(distort):
    """Bins of 100 diagrams of 1,000 forecasts each, seeds 100 to 199, whose share lies beyond its bar."""
    count = 0
    for seed in range(100, 200):
        p, y = forecasts(1000, seed)
        found = reliability(distort(p), y, 1, seed)
        count += int(((found.share < found.lower) | (found.share > found.upper)).sum())
    return count


def test_true_forecasts_lie_within_their_bars_in_95_of_100_bins():
    """n = 1,000 bins; bars of whole counts hold a little more than 95 %, hence 3 points of slack."""
    assert_proportion(outside(lambda p: p), 1000, 0.05, slack=0.03)
    assert_rejected(assert_proportion, outside(lambda p: p / 1.35), 1000, 0.05, slack=0.03)


def test_overlapping_dates_have_wider_bars():
    p, y = forecasts(1000, 4)
    p = np.sort(p)  # neighbours in time have like forecasts
    alone, together = (reliability(p, y, overlap, 3) for overlap in (1, 7))
    assert np.all((together.upper - together.lower)[2:] > 1.5 * (alone.upper - alone.lower)[2:])


def test_calibration_score_is_standard_normal_under_true_forecasts():
    """n = 600 samples of 500 forecasts: mean 0 and variance 1 to 5 standard errors; forecasts 15 % low are refused."""
    found = [calibration_score(*forecasts(500, seed), 1) for seed in range(600)]
    assert_mean(found, 0.0)
    assert_mean(np.square(found), 1.0)
    low = [calibration_score(0.85 * p, y, 1) for p, y in (forecasts(500, seed) for seed in range(600))]
    assert_rejected(assert_mean, low, 0.0)


def test_calibration_score_allows_for_overlap():
    """Each event holds for 5 dates (n = 600 samples): counted as independent the variance is far above 1."""
    draw, told, naive = np.random.default_rng(8), [], []
    for _ in range(600):
        start = draw.random(104) < 0.06
        y = np.convolve(start, np.ones(5), "full")[4:104] > 0
        p = np.full(len(y), 1 - 0.94**5)
        told.append(calibration_score(p, y, 5))
        naive.append(calibration_score(p, y, 1))
    assert np.var(naive) > 2.5 > 1.8 > np.var(told)
