"""Value at risk and expected shortfall from bins, against the sorted sample that went into them."""

from functools import cache

import numpy as np
import pytest
from helpers.statistics import assert_rejected
from hypothesis import given, settings
from hypothesis import strategies as st

from stresslab.estimate import tails

WIDTH = 1 / tails.BINS_PER_UNIT
LEVELS = (0.9, 0.95, 0.99)


def binned(losses):
    """Counts and sums of float32 losses, summed in whole quanta as a run does."""
    losses = np.asarray(losses, np.float32)
    bins = np.asarray(tails.bin_of(losses))
    count = np.bincount(bins, minlength=tails.N_BINS)
    return count, np.bincount(bins, weights=tails.quanta_of(losses), minlength=tails.N_BINS) * tails.QUANTUM


def risk(losses, level):
    count, total = binned(losses)
    return tails.tail_risk(count, total, level, len(losses))


def exact(losses, level):
    """The order statistic, and the mean of the worst (1 - level) of the sample with its last draw counted in part."""
    ordered = np.sort(np.asarray(losses, float))
    tail = len(ordered) * (1 - level)
    place = int(np.ceil(len(ordered) * level - 1e-9)) - 1
    quantile, beyond = ordered[place], ordered[place + 1 :]
    return quantile, (beyond.sum() + (tail - len(beyond)) * quantile) / tail


def assert_agrees(losses, level):
    found, (quantile, shortfall) = risk(losses, level), exact(losses, level)
    assert found.value_at_risk == pytest.approx(quantile, abs=WIDTH)
    assert found.expected_shortfall == pytest.approx(shortfall, abs=WIDTH / 4)


def capped(losses):
    """Isolated positions: nobody loses more than everything, which a good part of the paths does."""
    return np.minimum(losses, 1)


SAMPLES = {
    "normal": lambda rng, n: rng.normal(0.0, 0.2, n),
    "skewed": lambda rng, n: 0.1 - rng.gamma(2.0, 0.1, n),
    "long tail": lambda rng, n: np.clip(0.05 * rng.standard_t(3, n), -3, 0.99),
    "ruined": lambda rng, n: capped(rng.normal(0.2, 0.5, n)),
    "gains beyond the bins": lambda rng, n: capped(rng.normal(-3.0, 2.0, n)),
}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", SAMPLES)
def test_against_order_statistics(name, level):
    """n = 100,000, seed 1: within a bin of 0.005 for the quantile, a quarter of it for the shortfall."""
    assert_agrees(SAMPLES[name](np.random.default_rng(1), 100_000), level)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(-1.5, 1), st.floats(0, 2), st.floats(0, 1), st.sampled_from(LEVELS))
def test_against_order_statistics_of_any_sample(seed, centre, scale, ruined, level):
    """500 draws with gaps and an atom of any size: both figures within a bin, wherever the quantile falls."""
    rng = np.random.default_rng(seed)
    losses = capped(np.where(rng.random(500) < ruined, 1, rng.normal(centre, scale, 500)))
    found = risk(losses, level)
    quantile, shortfall = exact(losses, level)
    if quantile > -1:
        assert found.value_at_risk == pytest.approx(quantile, abs=WIDTH + 1e-5)
        assert found.expected_shortfall == pytest.approx(shortfall, abs=WIDTH + 1e-5)
    assert found.expected_shortfall >= found.value_at_risk - 1e-9
    assert found.value_at_risk_se >= 0
    assert found.expected_shortfall_se >= 0


def test_sensitivity():
    """A tail that is cut at the bin's upper edge instead of the quantile, or 2 % larger losses, would be seen."""
    losses = SAMPLES["normal"](np.random.default_rng(2), 100_000)
    found = risk(losses * 1.02, 0.99).expected_shortfall

    def check(found):
        assert found == pytest.approx(exact(losses, 0.99)[1], abs=WIDTH / 4)

    assert_rejected(check, found)
    check(found / 1.02)


def test_everything_lost_is_an_atom():
    """10 % lose exactly everything: beyond 90 % both figures are 1, exactly, without spread."""
    losses = np.concatenate([np.linspace(-0.5, 0.5, 900), np.ones(100)])
    for level in (0.95, 0.99):
        found = risk(losses, level)
        assert found.value_at_risk == 1
        assert found.expected_shortfall == 1
        assert found.value_at_risk_se == 0
        assert found.expected_shortfall_se == 0
    assert risk(losses, 0.85).value_at_risk < 0.5
    assert risk(losses, 0.85).expected_shortfall == pytest.approx(exact(losses, 0.85)[1], abs=WIDTH / 4)


def test_a_little_more_than_everything():
    """Fees from outside: the atom lies where its mean is."""
    found = risk(np.concatenate([np.zeros(900), np.full(100, 1.01)]), 0.95)
    assert found.value_at_risk == pytest.approx(1.01, abs=tails.QUANTUM)
    assert found.expected_shortfall == pytest.approx(1.01, abs=tails.QUANTUM)


def test_all_the_same():
    found = risk(np.full(1000, 0.25), 0.95)
    assert found.value_at_risk == pytest.approx(0.25, abs=WIDTH)
    assert found.expected_shortfall == pytest.approx(0.25, abs=WIDTH)


def test_gains_are_negative_losses():
    found = risk(np.full(1000, -0.125), 0.95)
    assert found.value_at_risk == pytest.approx(-0.125, abs=WIDTH)
    everybody_doubles = risk(np.full(1000, -4.0), 0.95)
    assert everybody_doubles.value_at_risk == pytest.approx(-4)


@cache
def replications(name):
    rng = np.random.default_rng(3)
    counts, totals = zip(*(binned(SAMPLES[name](rng, 10_000)) for _ in range(400)), strict=True)
    return np.array(counts), np.array(totals)


@pytest.mark.parametrize("name", ["normal", "skewed", "long tail"])
@pytest.mark.parametrize("level", LEVELS)
def test_standard_errors(name, level):
    """Spread of 400 replications of 10,000 draws, seed 3 (own error 3.5 %), against the errors that they report."""
    counts, totals = replications(name)
    found = tails.tail_risk(counts, totals, level, 10_000)
    assert found.expected_shortfall_se.mean() == pytest.approx(found.expected_shortfall.std(ddof=1), rel=0.15)
    assert found.value_at_risk_se.mean() == pytest.approx(found.value_at_risk.std(ddof=1), rel=0.25)


def test_fewer_units_are_less_sure():
    """Antithetic pairs are half as many units as paths: the errors grow by the root of two."""
    count, total = binned(SAMPLES["normal"](np.random.default_rng(4), 100_000))
    paths, units = (tails.tail_risk(count, total, 0.95, n) for n in (100_000, 50_000))
    assert units.expected_shortfall_se == pytest.approx(np.sqrt(2) * paths.expected_shortfall_se)
    assert units.value_at_risk_se == pytest.approx(np.sqrt(2) * paths.value_at_risk_se, rel=0.2)


def test_many_cells_at_once():
    """Cells lie in front; an empty one says nothing rather than something wrong."""
    rng = np.random.default_rng(5)
    samples = [SAMPLES[name](rng, 10_000) for name in ("normal", "ruined")]
    count, total = (np.stack(both) for both in zip(*map(binned, samples), strict=True))
    found = tails.tail_risk(count, total, 0.95, 10_000)
    for place, sample in enumerate(samples):
        alone = risk(sample, 0.95)
        np.testing.assert_array_equal([field[place] for field in found], [float(field) for field in alone])


BIN_CASES = [(-5.0, 0), (-1.0, 0), (-0.9975, 1), (0.0, 200), (0.0025, 201), (0.9999, 400), (1.0, 401), (1.2, 401)]


@pytest.mark.parametrize("loss, expected", BIN_CASES)
def test_bin_of(loss, expected):
    assert tails.bin_of(np.float32([loss]))[0] == expected
    assert tails.LOWER[expected] <= loss <= tails.UPPER[expected] or expected == tails.N_BINS - 1


def test_bins_follow_each_other():
    np.testing.assert_array_equal(tails.UPPER[:-1], tails.EDGES)
    np.testing.assert_array_equal(tails.LOWER[1:-1], tails.EDGES[:-1])
    assert len(tails.LOWER) == len(tails.UPPER) == tails.N_BINS
    assert tails.LOWER[-1] == tails.UPPER[-1] == 1


def test_quanta():
    """Losses are summed as whole numbers: rounding is below half a quantum, and a gain of any size fits."""
    losses = np.random.default_rng(6).normal(0, 0.5, 10_000).astype(np.float32)
    quanta = np.asarray(tails.quanta_of(losses))
    assert quanta.dtype == np.int32
    np.testing.assert_allclose(quanta * tails.QUANTUM, losses, atol=tails.QUANTUM / 2)
    assert int(tails.quanta_of(np.float32([-1e9]))[0]) == -(2**30)
