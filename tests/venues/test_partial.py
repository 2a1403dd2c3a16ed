"""How much a liquidation closes: by tiers, a fraction, what covers the shortage, a share of it, a block's bounds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stresslab.errors import InputError
from stresslab.venues import partial as p
from stresslab.venues.tier_reduction import reduce_by_tiers, reduce_to_passing_tier

OKX_ETH = [3000.0, 6000.0, 12000.0, 24000.0, 36000.0]  # contracts, 2021-06-11
BINANCE = ([5e4, 6e5, 3e6], [0.004, 0.005, 0.0065], [0.0, 50.0, 950.0])


def test_okx_goes_down_two_tiers_from_the_third_up():
    held = [2900.0, 6000.0, 6001.0, 12001.0, 24001.0, 99_000.0]
    left = np.array(held) - reduce_by_tiers(held, OKX_ETH)
    np.testing.assert_allclose(left, [0.0, 0.0, 3000.0, 6000.0, 12000.0, 12000.0])
    assert reduce_by_tiers(24001.0, OKX_ETH, covers_first_tier=False) == 24001.0
    with pytest.raises(InputError, match="tiers = 3: must be below from_tier"):
        reduce_by_tiers(1.0, OKX_ETH, tiers=3)


def test_bybit_goes_down_to_the_highest_tier_that_passes():
    """2 million needs 12,050: 11,000 is short, and enough for the cap of 600,000 (2,950); 150 for no cap but 0."""
    closed = reduce_to_passing_tier(2e6, [13_000.0, 12_050.0, 11_000.0, 300.0, 200.0, -1.0], *BINANCE)
    np.testing.assert_allclose(2e6 - closed, [2e6, 6e5, 6e5, 5e4, 0.0, 0.0])


@settings(max_examples=200, deadline=None, derandomize=True)
@given(notional=st.floats(1e3, 3e6), equity=st.floats(-100, 2e4))
def test_what_a_passing_tier_leaves_is_met_by_the_equity_and_no_higher_cap_is(notional, equity):
    caps, mmr, cum = (np.array(x) for x in BINANCE)
    left = notional - reduce_to_passing_tier(notional, equity, caps, mmr, cum)
    asked = np.max(left * mmr - cum)
    assert left == 0 or equity > asked
    if left < notional:
        higher = caps[(caps < notional) & (caps > left * (1 + 1e-12))]
        assert all(equity <= np.max(cap * mmr - cum) for cap in higher)


def test_hyperliquid_closes_a_fifth_waits_and_closes_the_rest():
    since = [np.nan, 0.0, 29.9, 30.0]
    np.testing.assert_allclose(p.fraction_to_close(2.0, 60_000.0, since), [0.4, 0.0, 0.0, 2.0])
    np.testing.assert_allclose(p.fraction_to_close(2.0, 50_000.0, since), 2.0)  # 100,000 is not above the bound
    assert p.fraction_to_close(2.0, 60_000.0, 0.0, cooldown=0.0) == 2.0


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    price=st.floats(1, 1e5),
    quantity=st.floats(0.1, 1e3),
    ratio=st.floats(0.02, 0.2),
    fees=st.tuples(st.floats(0, 0.009), st.floats(0, 0.009)),
    met=st.floats(0.3, 0.999),
)
def test_covering_the_shortage_restores_the_margin_exactly(price, quantity, ratio, fees, met):
    requirement = quantity * price * ratio
    equity = met * requirement
    closed = p.size_to_cover(requirement - equity, price, ratio, *fees)
    equity_after = equity - closed * price * sum(fees)
    requirement_after = (quantity - closed) * price * ratio
    assert equity_after == pytest.approx(requirement_after, abs=1e-9 * requirement)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(notional=st.floats(1e4, 3e6), met=st.floats(0.05, 0.999), fee=st.floats(0, 0.003))
def test_covering_through_the_tiers_restores_the_margin_exactly(notional, met, fee):
    _, mmr, cum = (np.array(x) for x in BINANCE)
    equity = met * np.max(notional * mmr - cum)
    closed = p.size_to_cover_tiers(equity, notional, mmr, cum, fee)
    if closed < notional:  # else nothing is enough: the fee eats what is freed, and all goes
        left = np.max((notional - closed) * mmr - cum)
        assert equity - fee * closed == pytest.approx(left, abs=1e-9 * notional)
    assert p.size_to_cover_tiers(equity / met * 1.001, notional, mmr, cum, fee) == 0.0


def test_where_fees_eat_what_is_freed_no_size_is_enough():
    np.testing.assert_array_equal(p.size_to_cover(10.0, 100.0, [0.02, 0.01], 0.01, 0.01), np.inf)
    assert p.size_to_cover(0.0, 100.0, 0.1) == 0.0


def test_drifts_share_grows_with_the_slots_and_counts_what_was_freed():
    assert p.largest_share(100.0, 0.1) == pytest.approx(0.1)
    np.testing.assert_allclose(p.largest_share(100.0, 0.1, [0, 30, 75, 135, 500], 150.0), [0.1, 0.3, 0.6, 1.0, 1.0])
    # 60 of 100 were freed: of the whole 100, 0.75 may be; 15 of the 40 that are short, but not under $50
    assert p.largest_share(40.0, 0.75, margin_freed=60.0, at_once_below=0.0) == pytest.approx(15 / 40)
    assert p.largest_share(40.0, 0.5, margin_freed=60.0, at_once_below=0.0) == 0.0
    np.testing.assert_array_equal(p.largest_share([49.99, 50.0], 0.1), [1.0, 0.1])


def test_deribits_rounds_stop_when_it_is_enough():
    np.testing.assert_allclose(p.round_to_close(10.0, 0.2, [0.5, 3.0, np.inf, -1.0]), [0.5, 2.0, 2.0, 0.0])
    with pytest.raises(InputError, match="fraction = 1.5: must be at most 1"):
        p.round_to_close(1.0, 1.5, 1.0)


def test_dydxs_block_of_genesis():
    bounds = p.block_bounds([500.0, 5_000.0, 50_000.0, 5e6], max_notional=1e5)
    np.testing.assert_allclose(bounds.smallest, [500.0, 1_000.0, 1_000.0, 1_000.0])
    np.testing.assert_allclose(bounds.largest, [500.0, 1_000.0, 5_000.0, 100_000.0])
    late = p.block_bounds(5e6, max_notional=1e5, already=[0.0, 98_000.0, 99_500.0])
    np.testing.assert_allclose(late.largest, [100_000.0, 2_000.0, 0.0])
    np.testing.assert_allclose(late.smallest, [1_000.0, 1_000.0, 0.0])


@settings(max_examples=200, deadline=None, derandomize=True)
@given(n=st.floats(0.01, 1e8), least=st.floats(0, 1e6), portion=st.floats(0, 1), cap=st.floats(1, 1e9))
def test_a_blocks_bounds_are_ordered_and_within_position_and_cap(n, least, portion, cap):
    bounds = p.block_bounds(n, least, portion, cap)
    assert 0 <= bounds.smallest <= bounds.largest <= min(n, cap)


def test_one_account_may_cost_the_fund_a_million_in_a_block():
    np.testing.assert_allclose(p.within_insurance_loss(1e5, [0.0, 1e6, 4e6], already=[0, 0, 5e5]), [1e5, 1e5, 12_500.0])


def test_the_backstop_takes_over_below_two_thirds_of_the_requirement():
    np.testing.assert_array_equal(p.goes_to_backstop([59.9, 60.0, -1.0], 90.0), [True, False, True])
