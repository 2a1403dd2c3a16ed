"""Mark prices of each venue, by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stresslab.errors import InputError
from stresslab.venues import mark as m

prices = st.floats(50.0, 200.0)


def test_fair_price_holds_the_funding_that_is_still_to_come():
    np.testing.assert_allclose(m.fair_price(10_000.0, 0.001, [0.0, 2.0, 8.0], 8.0), [10_000.0, 10_002.5, 10_010.0])
    with pytest.raises(InputError, match="time_to_funding = 1.125: must not be above 1, of the interval"):
        m.fair_price(10_000.0, 0.001, 9.0, 8.0)


def test_binances_mark_is_the_middle_of_funding_basis_and_last():
    first = m.fair_price(60_000.0, 0.0001, 4.0, 8.0)  # 60,003
    second = m.basis_price(60_000.0, [60_010.0, 60_030.0], [60_000.0, 60_010.0])  # + (10 + 20) / 2
    assert (first, second) == (pytest.approx(60_003.0), pytest.approx(60_015.0))
    np.testing.assert_allclose(
        m.median_of_three(first, second, [59_000.0, 60_007.0, 61_000.0]), [60_003, 60_007, 60_015]
    )


@settings(max_examples=100, deadline=None, derandomize=True)
@given(first=prices, second=prices, last=prices, shock=st.floats(0.01, 100.0))
def test_one_wild_price_cannot_take_the_median_of_three_beyond_the_others(first, second, last, shock):
    assert m.median_of_three(first, second, last) in (first, second, last)
    assert min(first, second) <= m.median_of_three(first, second, last * shock) <= max(first, second)


def test_a_dated_future_carries_its_mean_basis():
    assert m.dated_future_mark(50_000.0, [0.01, 0.02, 0.03]) == pytest.approx(51_000.0)


def test_deribits_mark_is_held_near_the_index():
    basis = np.array([-900.0, 100.0, 900.0])
    np.testing.assert_allclose(m.index_plus_average(50_000.0, basis, 0.01), [49_500, 50_100, 50_500])
    np.testing.assert_allclose(m.index_plus_average(50_000.0, basis), [49_100, 50_100, 50_900])


def test_the_oracle_is_a_stake_weighted_median_of_weighted_medians():
    one = [100.0, 101.0, 102.0, 90.0, 90.0, 90.0, 90.0, 90.0]  # weights 3, 2, 2, 1...: half of 12 lies at 90 and 100
    two = [103.0] * 8
    three = [np.nan, 105.0, 105.0] + [99.0] * 5
    assert m.oracle_price([one], [1.0]) == np.median([100] * 3 + [101] * 2 + [102] * 2 + [90] * 5)
    assert m.oracle_price([one, two, three], [1.0, 5.0, 1.0]) == 103.0
    np.testing.assert_allclose(m.oracle_price([[one, two], [two, two]], [1.0, 2.0]), [103.0, 103.0])


def test_hyperliquids_mark_is_the_median_of_oracle_book_and_perpetuals():
    perpetuals = [100.0, 101.0, 102.0, 99.0, 98.0]  # weighted median 100
    book = m.book_price([100.5, 99.0], [101.5, 103.0], [103.0, 102.0])
    np.testing.assert_allclose(book, [101.5, 102.0])
    np.testing.assert_allclose(m.oracle_mark(100.2, 0.3, book, perpetuals), 100.5)
    np.testing.assert_allclose(m.oracle_mark([90.0, 110.0], 0.0, 101.5, perpetuals), [100.0, 101.5])


def test_with_two_inputs_the_books_average_is_the_third():
    empty = [np.nan] * 5
    assert m.book_price(np.nan, 101.0, 100.0) != m.book_price(np.nan, 101.0, 100.0)  # NaN: there is no bid
    assert m.oracle_mark(100.0, 0.0, 104.0, empty, book_average=103.0) == 103.0
    assert m.oracle_mark(100.0, 0.0, 104.0, empty) == 102.0  # no average yet: the middle of two
    assert m.oracle_mark(100.0, 0.0, np.nan, empty, book_average=103.0) == 100.0
    three = m.oracle_mark(100.0, 0.0, 104.0, [106.0] * 5, book_average=50.0)
    assert three == 104.0  # with all three the average does not count


def test_an_old_price_is_stale():
    np.testing.assert_array_equal(m.is_stale([0.0, 60.0, 60.1], 60.0), [False, False, True])
