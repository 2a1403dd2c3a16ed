"""Index, weighted median and averages over time, against NumPy on repeated values, recursions, and by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stresslab.errors import InputError
from stresslab.venues import averages as a

prices = st.floats(0.5, 2.0)


@pytest.mark.parametrize(
    "quotes, weights, expected",
    [
        ([100.0, 101.0, 99.0], 1.0, 100.0),
        ([100.0, 101.0, 99.0, 110.0], 1.0, 100.0),  # 110 is 9.5 % off the median of 100.5
        ([100.0, 101.0, 99.0, 105.5], 1.0, (100 + 101 + 99 + 105.5) / 4),  # 5.0 % off 100.5 is 105.525: it stays
        ([100.0, 101.0, 120.0, 80.0], 1.0, 100.5),  # two outside: the median of all
        ([100.0, 104.0], [3.0, 1.0], 101.0),
    ],
)
def test_a_source_more_than_five_percent_off_is_left_out_and_two_make_it_the_median(quotes, weights, expected):
    assert a.index_price(quotes, weights) == pytest.approx(expected, rel=1e-14)


def test_the_index_is_elementwise_over_the_first_axes():
    quotes = np.array([[100.0, 101.0, 99.0, 110.0], [100.0, 101.0, 120.0, 80.0]])
    np.testing.assert_allclose(a.index_price(quotes), [100.0, 100.5])
    with pytest.raises(InputError, match="prices = -1.0: must be above 0"):
        a.index_price([1.0, -1.0])


@settings(max_examples=200, deadline=None, derandomize=True)
@given(rows=st.lists(st.tuples(prices, st.integers(0, 4)), min_size=1, max_size=9))
def test_a_weighted_median_is_the_median_of_repeated_values(rows):
    values, weights = (np.array(x) for x in zip(*rows, strict=True))
    if weights.sum() == 0:
        assert np.isnan(a.weighted_median(values, weights))
    else:
        assert a.weighted_median(values, weights) == pytest.approx(np.median(np.repeat(values, weights)), rel=1e-14)


def test_a_missing_value_weighs_nothing():
    spread = np.array([[100.0, np.nan, 102.0, 99.0, 98.0], [np.nan] * 5])
    medians = a.weighted_median(spread, [3.0, 2.0, 2.0, 1.0, 1.0])
    assert medians[0] == np.median([100, 100, 100, 102, 102, 99, 98]) == 100.0
    assert np.isnan(medians[1])


def test_a_moving_average_is_over_the_last_samples():
    assert a.moving_average([1.0, 2.0, 3.0, 7.0], 2) == 5.0
    assert a.moving_average([1.0, 2.0], 30) == 1.5
    with pytest.raises(InputError, match="count = 0: must be a whole number of at least 1"):
        a.moving_average([1.0], 0)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(rows=st.lists(st.tuples(prices, st.floats(0.1, 400.0)), min_size=1, max_size=12), window=st.floats(1, 300))
def test_the_exponential_average_is_its_recursion_and_between_the_samples(rows, window):
    numerator = denominator = 0.0
    for sample, elapsed in rows:
        numerator, denominator = a.exponential_update(numerator, denominator, sample, elapsed, window)
    samples, elapsed = zip(*rows, strict=True)
    average = a.exponential_average(samples, elapsed, window)
    assert average == pytest.approx(numerator / denominator, rel=1e-12)
    assert min(samples) * (1 - 1e-12) <= average <= max(samples) * (1 + 1e-12)


def test_hyperliquids_decay_by_hand():
    """Two samples 3 s apart, window 150 s: the older one has the weight exp(-3/150) of the newer."""
    weight = np.exp(-0.02)
    assert a.exponential_average([10.0, 20.0], 3.0, 150.0) == pytest.approx((10 * weight + 20) / (weight + 1))
    assert a.exponential_average([10.0, 20.0], 3.0, 150.0) != pytest.approx((10 * np.exp(-0.021) + 20) / 2, rel=1e-6)
    with pytest.raises(InputError, match="elapsed = 0.0: some time must have passed"):
        a.exponential_average([1.0], [0.0], 150.0)
