"""Coverage: exactly by binomial sums, by counting all outcomes of pairs, and against a closed form by replications."""

import numpy as np
import pytest
from scipy import stats

from stresslab import passage
from stresslab.estimate import intervals
from stresslab.models import GBM

TAIL = 0.025


def covered(lower, upper, probability):
    return (lower <= probability) & (probability <= upper)


@pytest.mark.parametrize("n", [1, 10, 100, 1000, 30_000])
def test_clopper_pearson_covers_at_least_95_percent(n):
    """Sums over all counts, no sampling; and each end alone is wrong at most 2.5 % of the time."""
    counts = np.arange(n + 1)
    lower, upper = intervals.clopper_pearson(counts, n)
    for probability in np.concatenate([np.geomspace(1e-6, 0.5, 40), 1 - np.geomspace(1e-6, 0.5, 10)]):
        weight = stats.binom.pmf(counts, n, probability)
        assert weight[covered(lower, upper, probability)].sum() >= 0.95 - 1e-12
        assert weight[lower > probability].sum() <= TAIL + 1e-12
        assert weight[upper < probability].sum() <= TAIL + 1e-12


def test_the_normal_interval_would_not():
    """The twin: at 10 expected hits in 1000 the textbook interval covers 93 %, and after no hit it has no width."""
    n, probability = 1000, 0.01
    counts = np.arange(n + 1)
    share = counts / n
    reach = intervals.Z * np.sqrt(share * (1 - share) / n)
    assert stats.binom.pmf(counts, n, probability)[covered(share - reach, share + reach, probability)].sum() < 0.94


@pytest.mark.parametrize("n", [1, 17, 65_536, 4_194_304])
def test_no_hit_still_has_an_upper_bound(n):
    found = intervals.from_independent(np.array([0, n]), n)
    np.testing.assert_array_equal(found.lower[0], 0)
    assert found.upper[0] == pytest.approx(1 - TAIL ** (1 / n), rel=1e-9)
    assert found.upper[1] == 1
    assert found.lower[1] == pytest.approx(TAIL ** (1 / n), rel=1e-9)


def test_clopper_pearson_agrees_with_the_beta_distribution():
    hits, n = np.array([[1, 5, 50], [120, 900, 999]]), 1000
    lower, upper = intervals.clopper_pearson(hits, n)
    np.testing.assert_allclose(lower, stats.beta.ppf(TAIL, hits, n - hits + 1), rtol=1e-9)
    np.testing.assert_allclose(upper, stats.beta.ppf(1 - TAIL, hits + 1, n - hits), rtol=1e-9)


def test_independent_standard_error():
    found = intervals.from_independent(np.array(250), 1000)
    assert found.probability == 0.25
    assert found.standard_error == pytest.approx(np.sqrt(0.25 * 0.75 / 1000))


def pairs(seed, n_pairs, repeats, level):
    """Hits and double hits of antithetic pairs: a path is hit where its normal lies below the level."""
    normals = np.random.default_rng(seed).standard_normal((repeats, n_pairs))
    one, other = normals < level, -normals < level
    return (one.astype(int) + other).sum(axis=1), (one & other).sum(axis=1)


@pytest.mark.parametrize("probability", [0.01, 0.1, 0.45, 0.8])
def test_pair_intervals_cover(probability):
    """4000 replications of 1000 pairs, seed 3: the coverage has a standard error of 0.0034; four to spare."""
    hits, both = pairs(3, 1000, 4000, stats.norm.ppf(probability))
    found = intervals.from_pairs(hits, both, 1000)
    coverage = covered(found.lower, found.upper, probability).mean()
    assert coverage >= 0.95 - 4 * 0.0034
    assert found.standard_error.mean() == pytest.approx(found.probability.std(ddof=1), rel=0.06)


def test_pair_intervals_are_not_those_of_twice_as_many_paths():
    """The twin: partners always hit together tell as much as one path; 4000 replications of 1000 pairs, seed 4."""
    both = np.random.default_rng(4).binomial(1000, 0.3, 4000)
    found = intervals.from_pairs(2 * both, both, 1000)
    assert covered(found.lower, found.upper, 0.3).mean() >= 0.95 - 4 * 0.0034
    naive = intervals.from_independent(2 * both, 2000)
    assert covered(naive.lower, naive.upper, 0.3).mean() < 0.87


@pytest.mark.parametrize("hits, both", [(0, 0), (2000, 1000), (1000, 0)])
def test_pairs_that_all_say_the_same(hits, both):
    """No hit, all hit, and always one of two: there is no spread to see, and still a bound."""
    found = intervals.from_pairs(np.array(hits), np.array(both), 1000)
    assert found.standard_error == 0
    assert found.lower <= found.probability <= found.upper
    assert found.upper - found.lower > 0.003
    if hits == 0:
        assert found.upper == pytest.approx(1 - TAIL ** (1 / 1000))


def test_upper_bounds_of_rare_pair_hits_are_wrong_at_most_25_times_in_a_thousand():
    """Rare hits come one to a pair: the count is binomial, so the sum over counts is exact."""
    n_pairs = 1000
    counts = np.arange(60)
    upper = intervals.from_pairs(counts, np.zeros_like(counts), n_pairs).upper
    for probability in np.geomspace(1e-5, 0.01, 60):
        weight = stats.binom.pmf(counts, n_pairs, 2 * probability)
        assert weight[upper < probability].sum() <= TAIL + 1e-9


@pytest.mark.parametrize("antithetic", [False, True])
def test_coverage_of_first_passage(antithetic):
    """300 streams of 1024 paths against the closed form for three barriers: standard error of a coverage 0.0126."""
    model, barriers = GBM(sigma=0.8), [0.93, 0.97, 1.06]
    given = {"barriers": barriers, "horizons": ["1D"], "step": "6h", "n_paths": 1024, "antithetic": antithetic}
    expected = np.array([model.first_passage_probability(barrier, 1 / 365) for barrier in barriers])
    inside = []
    for stream in range(300):
        found = passage.first_passage(model, seed=12, stream=stream, **given)
        inside.append(covered(found.lower.values[:, 0], found.upper.values[:, 0], expected))
    coverage = np.mean(inside, axis=0)
    assert np.all(coverage >= 0.95 - 4 * 0.0126)
    assert coverage.mean() < 0.99
