"""Premium, weights, damper, caps and Deribit's dead band: by hand, and as properties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stresslab.errors import InputError
from stresslab.venues import funding, margin
from stresslab.venues import funding_rate as f

rates = st.floats(-0.05, 0.05)


def test_premium_is_zero_while_the_index_is_between_the_impact_prices():
    np.testing.assert_allclose(
        f.premium([101.0, 99.0, 98.0], [102.0, 101.0, 99.5], 100.0), [0.01, 0.0, -0.005], rtol=1e-13
    )
    assert f.impact_notional(0.05) == 10_000.0  # a market of 20x; BTC and ETH at 2 % would have 25,000


def test_linear_weights_rise_to_the_payment():
    """Weights 1..480 sum to 115,440: a premium in the last minute alone counts 480 of them, in the first one."""
    late, early = np.zeros(480), np.zeros(480)
    late[-1] = early[0] = 1.0
    assert f.mean_premium(late, "linear") == pytest.approx(480 / 115_440)
    assert f.mean_premium(early, "linear") == pytest.approx(1 / 115_440)
    assert f.mean_premium(late) == pytest.approx(1 / 480)
    with pytest.raises(InputError, match='weights = \'square\': must be "equal" or "linear"'):
        f.mean_premium(late, "square")


@settings(max_examples=100, deadline=None, derandomize=True)
@given(level=rates, n=st.integers(1, 500))
def test_the_weights_sum_to_one(level, n):
    for weights in ("equal", "linear"):
        assert f.mean_premium(np.full(n, level), weights) == pytest.approx(level, rel=1e-12, abs=1e-18)


def test_the_rate_is_the_interest_near_it_and_the_premium_less_the_damp_beyond():
    premiums = [0.0, 0.0006, 0.0007, 0.002, -0.0004, -0.002]
    expected = [0.0001, 0.0001, 0.0002, 0.0015, 0.0001, -0.0015]
    np.testing.assert_allclose(f.funding_rate(premiums), expected, atol=1e-18)
    np.testing.assert_allclose(f.funding_rate(premiums, interval_hours=1.0), np.array(expected) / 8, atol=1e-18)
    assert f.funding_rate(0.5, interval_hours=1.0, cap=0.04) == 0.04  # Hyperliquid: 0.4995 / 8 is above 4 % per hour


@settings(max_examples=200, deadline=None, derandomize=True)
@given(premium=rates, interest=st.floats(0, 0.001), damp=st.floats(0, 0.001), cap=st.floats(0, 0.01))
def test_the_rate_stays_within_the_damp_of_the_premium_and_within_the_cap(premium, interest, damp, cap):
    assert abs(f.funding_rate(premium, interest, damp) - premium) <= damp + 1e-15
    assert abs(f.funding_rate(premium, interest, damp, cap=cap)) <= cap
    if abs(interest - premium) <= damp:
        assert f.funding_rate(premium, interest, damp) == pytest.approx(interest, abs=1e-15)


def test_caps_of_every_kind():
    assert f.rate_cap("none") is None
    assert f.rate_cap("absolute", 0.00375) == 0.00375
    assert f.rate_cap("times_mmr", 0.75, mmr=0.004) == pytest.approx(0.003)
    assert f.rate_cap("times_imr_minus_mmr", 6.0, imr=0.02, mmr=0.012) == pytest.approx(0.048)  # dYdX BTC, per 8 h
    assert f.rate_cap("fraction_of_oracle", 1 / 33) == pytest.approx(1 / 33)
    with pytest.raises(InputError, match="imr = 0.01: must not be below mmr"):
        f.rate_cap("times_imr_minus_mmr", 6.0, imr=0.01, mmr=0.02)
    with pytest.raises(InputError, match="kind = 'some': must be"):
        f.rate_cap("some")


def test_dydx_pays_an_eighth_of_the_hours_mean_within_the_cap_of_eight_hours():
    assert f.dydx_hourly_rate(np.full(60, 0.0008)) == pytest.approx(0.0001)
    assert f.dydx_hourly_rate(np.full(60, 0.0008), interest=0.0000125) == pytest.approx(0.0001125)
    assert f.dydx_hourly_rate(np.full(60, 0.5), cap_8h=0.048) == pytest.approx(0.006)


def test_deribit_pays_what_is_beyond_the_dead_band():
    premiums = np.array([-0.001, -0.00025, 0.0, 0.0002, 0.00025, 0.001])
    np.testing.assert_allclose(f.dead_band_rate(premiums), [-0.00075, 0, 0, 0, 0, 0.00075], atol=1e-18)
    assert f.dead_band_rate(0.1, cap=0.005) == 0.005
    # the band is the damper of the others with no interest: one formula serves both
    np.testing.assert_allclose(f.dead_band_rate(premiums), f.funding_rate(premiums, 0.0, f.DEAD_BAND), atol=1e-18)
    assert f.accrued_rate(0.00075, 60.0, 8 * 3600.0) == pytest.approx(0.00075 / 480)


def test_an_inverse_contract_pays_in_coin():
    np.testing.assert_allclose(
        funding.funding_payment(["long", "short"], 100_000.0, 50_000.0, 1e-4, "inverse"), [-2e-4, 2e-4]
    )
    assert margin.notional(100_000.0, 50_000.0, "inverse") == 2.0


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    rate=rates, price=st.floats(1.0, 1e5), quantity=st.floats(0.01, 1e4), kind=st.sampled_from(["linear", "inverse"])
)
def test_what_longs_pay_shorts_receive(rate, price, quantity, kind):
    assert funding.funding_payment(["long", "short"], quantity, price, rate, kind).sum() == 0.0
