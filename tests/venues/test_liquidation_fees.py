"""Fees of a forced close, and prices of one position of a cross account."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stresslab.errors import InputError
from stresslab.venues import cross_account as c
from stresslab.venues import liquidation_fees as f
from stresslab.venues import margin

sizes = st.lists(st.floats(0.1, 100).flatmap(lambda x: st.sampled_from([x, -x])), min_size=1, max_size=5)


def test_the_clearance_fee_is_at_most_what_is_left():
    np.testing.assert_allclose(f.clearance_fee(10_000.0, 0.0125, [500.0, 125.0, 60.0, 0.0, -5.0]), [125, 125, 60, 0, 0])
    assert f.clearance_fee(10_000.0, 0.0125) == 125.0


def test_drifts_fee_stands_still_in_the_grace_and_then_counts_all_slots():
    np.testing.assert_allclose(
        f.ramped_fee(0.02, 0.05, [0, 1499, 1500, 10_000, 30_000, 40_000]), [0.02, 0.02, 0.0215, 0.03, 0.05, 0.05]
    )


@settings(max_examples=100, deadline=None, derandomize=True)
@given(short=st.floats(0, 1e3), base=st.floats(0, 100), ratio=st.floats(0, 0.2), fee=st.floats(0, 0.1))
def test_drifts_insurance_fee_is_between_0_and_its_maximum_and_never_more_than_what_is_over(short, base, ratio, fee):
    rate = f.insurance_fee_rate(short, base, 100.0, ratio, fee, 0.05)
    assert 0 <= rate <= 0.05
    assert rate == 0 or rate <= ratio - fee - short / (base * 100.0)


def test_dydxs_fund_takes_at_most_its_fee_and_pays_the_whole_loss():
    """Long 2 with bankruptcy at 95: a fill at 100 gains 10, of which 1.5 % of 200; one at 90 costs 10."""
    np.testing.assert_allclose(f.fee_to_fund("long", 2.0, [100.0, 96.0, 90.0], 95.0), [3.0, 2.0, -10.0])
    np.testing.assert_allclose(f.fee_to_fund("short", 2.0, [100.0, 104.0, 110.0], 105.0), [3.0, 2.0, -10.0])


@settings(max_examples=200, deadline=None, derandomize=True)
@given(held=sizes, balance=st.floats(-1e3, 1e3), seed=st.integers(0, 100))
def test_closing_all_at_the_bankruptcy_prices_leaves_nothing(held, balance, seed):
    """The account's value is shared out by maintenance: at those prices the account is worth 0."""
    rng = np.random.default_rng(seed)
    held, prices, mmf = np.array(held), rng.uniform(1, 100, len(held)), rng.uniform(0.01, 0.2, len(held))
    value, total = c.account_value(balance, held, prices), c.account_maintenance(held, prices, mmf)
    bankrupt = c.bankruptcy_price(held, prices, mmf, value, total)
    assert balance + np.sum(held * bankrupt) == pytest.approx(0.0, abs=1e-9 * (1 + np.sum(np.abs(held)) * 100))


def test_with_one_position_it_is_the_bankruptcy_price_of_an_isolated_one():
    value, total = c.account_value(-4_500.0, [0.1], [50_000.0]), c.account_maintenance([0.1], [50_000.0], 0.012)
    alone = c.bankruptcy_price(0.1, 50_000.0, 0.012, value, total)
    assert alone == pytest.approx(margin.bankruptcy_price("long", 50_000.0, 0.1, 500.0)) == pytest.approx(45_000.0)


def test_the_fillable_price_moves_off_the_oracle_with_distress():
    """At genesis the spread is 150 % of maintenance: 1.8 % of the price for BTC with nothing left."""
    book = (0.1, 50_000.0, 0.012)
    np.testing.assert_allclose(
        c.fillable_price(*book, [60.0, 30.0, 0.0, -100.0], 60.0), [50_000, 49_550, 49_100, 49_100]
    )
    np.testing.assert_allclose(c.fillable_price(-0.1, 50_000.0, 0.012, [60.0, 0.0], 60.0), [50_000, 50_900])
    with pytest.raises(InputError, match="size = 0.0: must not be 0"):
        c.fillable_price(0.0, 1.0, 0.1, 1.0, 1.0)
