"""Bridge extremes against their law; Fourier inversion against laws in closed form; Poisson slots."""

import numpy as np
import pytest
from helpers.closed_forms import black_call
from helpers.statistics import assert_proportion, assert_rejected
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from stresslab.models import GBM
from stresslab.numerics import bridge_extremes, fourier_call, fourier_cdf, poisson_slots

MOVES = st.floats(-0.5, 0.5, width=32)
VARIANCES = st.floats(0, 0.25, width=32)
DRAWS = st.floats(0, 25, width=32)


def extremes(start, end, variance, exponential):
    return bridge_extremes(*(np.asarray(value, np.float32) for value in (start, end, variance, exponential)))


def below(level, start, end, variance):
    """P(the bridge goes below a level that lies below both ends): reflection."""
    return np.exp(-2 * (start - level) * (end - level) / variance)


@settings(deadline=None)
@given(MOVES, MOVES, VARIANCES, DRAWS)
def test_extremes_enclose_both_ends(start, end, variance, exponential):
    low, high = extremes(start, end, variance, exponential)
    assert low <= min(start, end) + 1e-6
    assert high >= max(start, end) - 1e-6
    assert low + high == pytest.approx(start + end, abs=1e-6)


@settings(deadline=None)
@given(MOVES, MOVES, st.floats(2.0**-13, 0.25, width=32), st.floats(2.0**-6, 25, width=32))
def test_extreme_is_the_quantile_of_its_law(start, end, variance, exponential):
    """exp(-E) is uniform, so the minimum of a draw E is the level that is passed with probability exp(-E)."""
    low, high = (float(value) for value in extremes(start, end, variance, exponential))
    assert 2 * (start - low) * (end - low) == pytest.approx(variance * exponential, rel=1e-3, abs=1e-6)
    assert 2 * (high - start) * (high - end) == pytest.approx(variance * exponential, rel=1e-3, abs=1e-6)


def test_without_variance_the_extremes_are_the_ends():
    low, high = extremes([0.1, -0.2], [0.3, -0.5], 0, 3)
    np.testing.assert_allclose(low, [0.1, -0.5], rtol=2e-7)
    np.testing.assert_allclose(high, [0.3, -0.2], rtol=2e-7)


@pytest.mark.parametrize("end", [0.0, 0.02, -0.01])
def test_frequencies_of_a_minimum(end):
    """n = 10^6 bridges, seed 1: standard error below 5e-4; 2 % more volatility, or half of the variance, is refused."""
    n, variance = 1_000_000, 4e-4
    draws = np.random.default_rng(1).exponential(size=n)
    low, high = extremes(0, end, variance, draws)
    for level in (-0.012, -0.02, -0.03):
        hits = int((low <= level).sum())
        assert_proportion(hits, n, below(level, 0, end, variance))
        assert_rejected(assert_proportion, hits, n, below(level, 0, end, variance * 1.02**2))
    assert_proportion(int((high >= 0.03).sum()), n, below(-0.03, 0, -end, variance))


def test_minimum_against_a_fine_walk():
    """20,000 bridges of 4,096 steps: their minima lie 0.5826 deviations of a step too high (Asmussen and others 1995).

    n = 20,000, seed 2; the two-sample Kolmogorov-Smirnov distance has a standard deviation near 0.0026.
    """
    rng, n, steps, end = np.random.default_rng(2), 20_000, 4096, -0.3
    position, lowest = np.zeros(n), np.zeros(n)
    for left in range(steps, 0, -1):
        spread = np.sqrt((left - 1) / left / steps)
        position = position + (end - position) / left + spread * rng.standard_normal(n)
        lowest = np.minimum(lowest, position)
    drawn = extremes(0, end, 1, rng.exponential(size=n))[0]
    assert stats.ks_2samp(lowest - 0.5826 / np.sqrt(steps), drawn).pvalue > 1e-4
    assert stats.ks_2samp(lowest - 0.05, drawn).pvalue < 1e-4


@pytest.mark.parametrize("mean, slots", [(0, 1), (4e-5, 1), (5e-5, 2), (1.8e-3, 2), (1.9e-3, 3), (0.0124, 3)])
def test_poisson_slots(mean, slots):
    assert poisson_slots(mean, 3) == slots
    assert stats.poisson.sf(slots, mean) < 1e-9
    assert slots == 1 or stats.poisson.sf(slots - 1, mean) >= 1e-9


def test_poisson_slots_that_do_not_suffice():
    with pytest.raises(ValueError, match=r"mean 0\.0126 does not fit into 3 slots"):
        poisson_slots(0.0126, 3)


@pytest.mark.parametrize("x", [-3.0, -0.5, 0.0, 0.1, 2.0])
def test_cdf_of_a_normal(x):
    found = fourier_cdf(lambda u: np.exp(0.1j * u - 0.5 * u * u * 0.64), x)
    assert found == pytest.approx(stats.norm.cdf(x, 0.1, 0.8), abs=1e-10)


@pytest.mark.parametrize("x", [-4.0, 0.0, 1.5])
def test_cdf_of_a_normal_inverse_gaussian(x):
    """Skewed and with exponential tails: unlike every model here."""
    a, b = 2.0, -0.7
    rise = np.sqrt(a * a - b * b)
    found = fourier_cdf(lambda u: np.exp(rise - np.sqrt(a * a - (b + 1j * u) ** 2)), x)
    assert found == pytest.approx(stats.norminvgauss(a, b).cdf(x), abs=1e-8)


@pytest.mark.parametrize("strike", [0.5, 0.9, 1.0, 1.3, 2.5])
@pytest.mark.parametrize("t", [1 / 365, 30 / 365, 1.0])
@pytest.mark.parametrize("mu", [0.0, -0.4])
def test_call_of_a_geometric_brownian_motion(strike, t, mu):
    model = GBM(sigma=0.8, mu=mu)
    found = fourier_call(lambda u: model.characteristic_function(u, t), strike)
    assert found == pytest.approx(black_call(1, strike, 0.8, t, mu), abs=1e-10)


def test_call_of_a_price_that_is_not_1():
    model = GBM(sigma=0.8)
    found = fourier_call(lambda u: np.exp(1j * u * np.log(84_250)) * model.characteristic_function(u, 0.1), 90_000)
    assert found == pytest.approx(black_call(84_250, 90_000, 0.8, 0.1), rel=1e-9)
