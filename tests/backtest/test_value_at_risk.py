"""Kupiec and Christoffersen: published regions, hand-made counts, size by simulation."""

import numpy as np
import pytest
from helpers.statistics import assert_proportion, assert_rejected
from scipy.stats import binom, chi2

from stresslab.backtest.value_at_risk import christoffersen, coverage, kupiec, thinned

D = 86_400


def exceedances(n, x):
    found = np.zeros(n, bool)
    found[:x] = True
    return found


# Kupiec (1995), table 3, as printed in Jorion, "Value at Risk", table 6-2: numbers of exceedances that are not rejected
# at 5 %, in 255, 510 and 1000 days
PUBLISHED = {
    (0.01, 255): (0, 7),  # printed as N < 7; none at all has a likelihood ratio of 5.1
    (0.01, 510): (1, 11),
    (0.01, 1000): (4, 17),
    (0.025, 255): (2, 12),
    (0.025, 1000): (15, 36),
    (0.05, 255): (6, 21),
    (0.05, 510): (16, 36),
    (0.05, 1000): (37, 65),
}


@pytest.mark.parametrize(("given", "region"), PUBLISHED.items())
def test_published_regions_of_kupiec(given, region):
    (p, n), (below, above) = given, region
    inside = [x for x in range(n // 4) if chi2.sf(kupiec(exceedances(n, x), p), 1) >= 0.05]
    assert inside == list(range(below + 1, above))


def test_kupiec_is_the_binomial_likelihood_ratio():
    for n, x in ((250, 0), (250, 6), (250, 250)):
        expected = 2 * (binom.logpmf(x, n, x / n) - binom.logpmf(x, n, 0.01))
        assert kupiec(exceedances(n, x), 0.01) == pytest.approx(expected, rel=1e-10)


def test_christoffersen_by_hand():
    """00: 6, 01: 2, 10: 2, 11: 2, so that pi_01 = 1/4, pi_11 = 1/2 and pi_2 = 1/3."""
    before = np.array([0] * 8 + [1] * 4, bool)
    after = np.array([0] * 6 + [1] * 2 + [0] * 2 + [1] * 2, bool)
    chained = 6 * np.log(0.75) + 2 * np.log(0.25) + 4 * np.log(0.5)
    pooled = 8 * np.log(2 / 3) + 4 * np.log(1 / 3)
    assert christoffersen(before, after) == pytest.approx(2 * (chained - pooled), rel=1e-12)


def test_without_any_exceedance_nothing_can_be_said_of_independence():
    found = coverage(np.zeros(100, bool), D * np.arange(100), 0.95, D)
    assert found.independence == 1.0 and found.conditional < found.unconditional * 10
    assert np.isnan(coverage(np.zeros(0, bool), np.zeros(0), 0.95, D).unconditional)


def test_dates_with_something_left_out_between_them_are_no_transition():
    exceeded, dates = np.array([1, 1, 0, 0, 1, 1], bool), D * np.array([0, 5, 6, 7, 8, 20])
    found = coverage(exceeded, dates, 0.95, D)
    expected = chi2.sf(christoffersen(exceeded[1:4], exceeded[2:5]), 1)
    assert found.independence == pytest.approx(expected, rel=1e-12)


def test_thinned_dates_do_not_overlap():
    assert thinned(D * np.array([0, 1, 2, 3, 4, 9, 10, 12]), 3 * D).tolist() == [0, 3, 5, 7]


RUNS, N, SEED = 2000, 1000, 11


def rejected(persistence, p, claimed=0.05):
    """How many of 2,000 series of 1,000 dates each test rejects at 5 %, seed 11; exceedances repeat with a chance."""
    draw, dates = np.random.default_rng(SEED), D * np.arange(N)
    counts = np.zeros(3, int)
    for _ in range(RUNS):
        fresh, again = draw.random(N) < p, draw.random(N) < persistence
        last = np.maximum.accumulate(np.where(again, 0, np.arange(N)))  # a repeat copies the last fresh one
        found = coverage(fresh[last], dates, 1 - claimed, D)
        counts += np.array([found.unconditional, found.independence, found.conditional]) < 0.05
    return counts


def test_sizes_are_about_five_percent_and_power_is_there():
    """Sizes to 5 standard errors (0.5 points each), with 2 points of slack for counts being discrete."""
    unconditional, independence, conditional = rejected(0.0, 0.05)
    for hits in (unconditional, independence, conditional):
        assert_proportion(hits, RUNS, 0.05, slack=0.02)
    wrong = rejected(0.0, 0.075)
    assert_rejected(assert_proportion, wrong[0], RUNS, 0.05, slack=0.02)
    clustered = rejected(0.2, 0.05)
    assert_rejected(assert_proportion, clustered[1], RUNS, 0.05, slack=0.02)
