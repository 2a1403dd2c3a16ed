"""Scores by hand, and that the truth scores best."""

import numpy as np
import pytest
from helpers.statistics import assert_mean, assert_rejected

from stresslab.backtest import scores


def test_scores_by_hand():
    p, y = np.array([0.2, 0.5, 0.9, np.nan]), np.array([False, True, True, True])
    brier, log = scores.scored(p, y, 1000)
    np.testing.assert_allclose(brier[:3], [0.04, 0.25, 0.01])
    np.testing.assert_allclose(log[:3], [-np.log(0.8), -np.log(0.5), -np.log(0.9)])
    assert np.isnan(brier[3]) and np.isnan(log[3])


def test_no_hit_among_the_paths_is_scored_as_half_a_hit():
    _, log = scores.scored(np.array([0.0, 1.0]), np.array([True, False]), 500)
    np.testing.assert_allclose(log, [-np.log(0.001)] * 2)


def test_skill_by_hand_and_only_where_both_forecast():
    ours, theirs = np.array([1.0, 2.0, np.nan, 9.0]), np.array([2.0, 2.0, 5.0, np.nan])
    assert scores.skill(ours, theirs) == pytest.approx(1 - 3 / 4)
    assert np.isnan(scores.skill(ours, np.full(4, np.nan)))


N, SEED, TRUE = 200_000, 5, 0.07


@pytest.mark.parametrize("score", range(2))
@pytest.mark.parametrize("wrong", [0.06, 0.085])
def test_the_true_probability_scores_best_in_expectation(score, wrong):
    """n = 200,000, seed 5: the mean difference of scores is positive by 5 standard errors, and has its known size."""
    happened = np.random.default_rng(SEED).random(N) < TRUE
    difference = scores.scored(np.full(N, wrong), happened, 10**6)[score]
    difference -= scores.scored(np.full(N, TRUE), happened, 10**6)[score]
    entropy = TRUE * np.log(TRUE / wrong) + (1 - TRUE) * np.log((1 - TRUE) / (1 - wrong))
    expected = ((wrong - TRUE) ** 2, entropy)[score]
    assert_mean(difference, expected)
    assert_rejected(assert_mean, difference, -expected, z=2)


def test_monte_carlo_noise_adds_what_is_said():
    """n = 400,000 noisy forecasts, seed 6: the rise of the mean score, to 5 standard errors; twice it is refused."""
    draw, error = np.random.default_rng(6), 0.012
    happened = draw.random(400_000) < TRUE
    noisy = TRUE + error * draw.standard_normal(happened.size)
    rise = scores.scored(noisy, happened, 10**6) - scores.scored(np.full(happened.size, TRUE), happened, 10**6)
    told = scores.noise(np.full(1, TRUE), np.full(1, error), 10**6)
    for one, expected in zip(rise, told, strict=True):
        assert_mean(one, expected, slack=0.15 * expected)  # second order in the noise
        assert_rejected(assert_mean, one, 3 * expected, slack=0.45 * expected)


def test_overlapping_windows_that_see_one_crash_are_one_event():
    dates = np.arange(10) * 86_400
    happened = np.array([[0, 1, 1, 1, 0, 0, 1, 0, 0, 1]], bool)
    assert scores.disjoint_events(happened, dates, 86_400).tolist() == [5]
    assert scores.disjoint_events(happened, dates, 3 * 86_400).tolist() == [3]


@pytest.mark.parametrize(("events", "dates", "known"), [(29, 100, False), (30, 100, True), (71, 100, False)])
def test_fewer_than_thirty_events_or_dates_without_one_are_not_identifiable(events, dates, known):
    happened = np.zeros((1, dates), bool)
    happened[0, :events] = True
    assert scores.identifiable(happened, happened | True, np.arange(dates) * 86_400, 86_400).tolist() == [known]
    assert not scores.identifiable(happened, happened, np.arange(dates) * 86_400, 86_400)  # no date without is known
