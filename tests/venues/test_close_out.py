"""Who gets what at a close-out: money is conserved, and the fund sees the same number from both sides."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stresslab.errors import InputError
from stresslab.venues import close_out as c
from stresslab.venues import margin

positions = st.tuples(
    st.sampled_from(["long", "short"]), st.floats(10, 1e5), st.floats(0.01, 100), st.floats(1, 1e5), st.floats(0.3, 3.0)
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    position=positions,
    rate=st.floats(0, 0.02),
    residual=st.sampled_from(["customer", "insurance", "backstop"]),
    contract=st.sampled_from(["linear", "inverse"]),
)
def test_fee_trader_and_fund_sum_to_the_equity(position, rate, residual, contract):
    side, entry, quantity, backing, move = position
    backing = backing if contract == "linear" else backing / entry
    fill = entry * move
    left = margin.equity(side, entry, quantity, backing, fill, contract=contract)
    got = c.close_out(left, margin.notional(quantity, fill, contract), rate, residual)
    total = got.fee + got.to_trader + got.to_fund
    assert total == pytest.approx(left, rel=1e-12, abs=1e-12 * (backing + margin.notional(quantity, entry, contract)))
    assert min(got.fee, got.to_trader, got.shortfall) >= 0
    assert got.shortfall == 0 or (got.fee == got.to_trader == 0 and got.to_fund == -got.shortfall)
    assert residual == "customer" or got.to_trader == 0


@settings(max_examples=200, deadline=None, derandomize=True)
@given(position=positions, contract=st.sampled_from(["linear", "inverse"]))
def test_a_fund_that_takes_over_at_bankruptcy_gains_the_equity_at_the_fill(position, contract):
    side, entry, quantity, _, move = position
    backing = 0.1 * margin.notional(quantity, entry, contract)
    bankrupt = margin.bankruptcy_price(side, entry, quantity, backing, contract=contract)
    change = c.insurance_fund_change(side, quantity, bankrupt, entry * move, contract)
    left = margin.equity(side, entry, quantity, backing, entry * move, contract=contract)
    assert change == pytest.approx(left, rel=1e-9, abs=1e-9 * backing)


def test_by_hand():
    """1 BTC long, bankruptcy at 90,000, filled at 91,000: 1,137.5 would be the fee, 1,000 is left."""
    assert c.insurance_fund_change("long", 1.0, 90_000.0, 91_000.0) == 1_000.0
    assert c.insurance_fund_change("short", 1.0, 110_000.0, 111_000.0) == -1_000.0
    at = c.close_out([1_000.0, 2_000.0, -500.0], 91_000.0, 0.0125, "insurance")
    np.testing.assert_allclose(at.fee, [1_000.0, 1_137.5, 0.0])
    np.testing.assert_allclose(at.to_fund, [0.0, 862.5, -500.0])
    kept = c.close_out([1_000.0, 2_000.0, -500.0], 91_000.0, 0.0, "customer")  # Kraken: the customer keeps it
    np.testing.assert_allclose(kept.to_trader, [1_000.0, 2_000.0, 0.0])
    np.testing.assert_allclose(kept.to_fund, [0.0, 0.0, -500.0])
    vault = c.close_out(100.0, 0.0, 0.0, "customer", taken_over=[True, False])  # Hyperliquid keeps the margin then
    np.testing.assert_allclose([vault.to_trader, vault.to_fund], [[0.0, 100.0], [100.0, 0.0]])
    with pytest.raises(InputError, match='residual = \'venue\': must be "customer", "insurance" or "backstop"'):
        c.close_out(1.0, 1.0, 0.0, "venue")


def test_the_fund_pays_as_far_as_it_reaches():
    used = c.use_fund([100.0, 30.0, 0.0, -5.0], 50.0)
    np.testing.assert_allclose(used.paid, [50.0, 30.0, 0.0, 0.0])
    np.testing.assert_allclose(used.uncovered, [0.0, 20.0, 50.0, 50.0])


def test_drifts_bad_debt_of_both_sides():
    """A short buys back dearer by the liquidator's fee, a long sells cheaper."""
    np.testing.assert_allclose(c.bad_debt(10.0, [-100.0, 100.0], [1.0, -1.0], 95.0, 0.01), [4.05, 14.05])
