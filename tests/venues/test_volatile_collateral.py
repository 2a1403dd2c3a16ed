"""GMX: a token that backs a position moves too; several currencies with haircuts; loans: health."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stresslab.errors import InputError
from stresslab.venues import counted_collateral as c
from stresslab.venues import lending
from stresslab.venues import volatile_collateral as v


def test_a_fall_of_the_collateral_alone_liquidates():
    pnl = v.token_pnl("long", 10.0, 50_000.0, 5_000.0)
    left = v.remaining_collateral(1.0, [600.0, 500.0, 499.0], pnl, 50_000.0)
    np.testing.assert_array_equal(v.is_liquidatable(left, 50_000.0, 0.01), [False, False, True])
    np.testing.assert_array_equal(v.is_liquidatable([0.6, 0.0], 50.0, 0.0, min_usd=0.5), [False, True])
    assert v.is_liquidatable(0.0, 50.0, 0.0)  # nothing left is enough


def test_only_a_negative_impact_counts_and_only_down_to_its_floor():
    left = v.remaining_collateral(1.0, 1_000.0, -100.0, 50_000.0, [50.0, -100.0, -900.0], 20.0, 0.005)
    np.testing.assert_allclose(left, [880.0, 780.0, 630.0])
    assert v.remaining_collateral(1.0, 1_000.0, -100.0, 50_000.0, -900.0, 20.0) == -20.0


@settings(max_examples=100, deadline=None, derandomize=True)
@given(tokens=st.floats(0.1, 10), price=st.floats(100, 5_000), pnl=st.floats(-1e4, 1e4))
def test_what_is_returned_is_worth_collateral_plus_pnl_or_nothing(tokens, price, pnl):
    back = v.returned_collateral(tokens, price, pnl)
    assert back * price == pytest.approx(max(tokens * price + pnl, 0.0), rel=1e-9, abs=1e-9)


def test_a_short_gains_what_a_long_loses():
    both = v.token_pnl(["long", "short"], 3.0, 300.0, 90.0)
    np.testing.assert_allclose(both, [-30.0, 30.0])


def test_health_of_a_loan():
    """10,000 of ETH at 83 % and 2,000 of a coin at 75 %, 9,800 borrowed: exactly 1; half may be repaid just below."""
    assert lending.health_factor([10_000.0, 2_000.0], [0.83, 0.75], 9_800.0) == pytest.approx(1.0)
    np.testing.assert_array_equal(lending.close_factor([1.0, 0.99, 0.95, 0.94]), [0.0, 0.5, 0.5, 1.0])
    assert lending.borrow_requirement(100.0, 1.1, 0.1) == pytest.approx(121.0)


def test_collateral_counts_after_its_haircut_and_a_debt_in_full():
    """1 BTC at 60,000 less 5 %, 10,000 USDe at 0.65 (the venue's own book) less 10 %, 500 USD owed."""
    balances, prices, cuts = [1.0, 10_000.0, -500.0], [60_000.0, 0.65, 1.0], [0.05, 0.1, 0.2]
    assert c.counted_collateral(balances, prices, cuts) == pytest.approx(57_000 + 5_850 - 500)
    assert c.multi_collateral_equity(balances, prices, cuts, -350.0) == pytest.approx(62_000.0)
    with pytest.raises(InputError, match="haircuts = 1.1: must be at most 1"):
        c.counted_collateral([1.0], [1.0], 1.1)
