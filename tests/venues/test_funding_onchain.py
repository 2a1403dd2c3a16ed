"""dYdX's integers, exact beyond 64 bits, and Drift's clamp by tier."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stresslab.errors import InputError
from stresslab.venues import funding_onchain as f
from stresslab.venues.rounding import maintenance_ppm

whole = st.integers(-(10**30), 10**30)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(now=whole, then=whole, later=whole, size=whole)
def test_settlements_add_up_over_time_and_cancel_between_the_sides(now, then, later, size):
    first, second = f.funding_settlement(now, then, size), f.funding_settlement(later, now, size)
    assert first + second == f.funding_settlement(later, then, size)
    assert first == -f.funding_settlement(now, then, -size)


def test_integers_stay_integers_in_arrays_and_fractions_are_refused():
    settled = f.funding_settlement(123456789123, 100000000000, np.array([10**6, -(10**6)]))
    assert settled.tolist() == [-23456789123000000, 23456789123000000]
    assert isinstance(f.funding_settlement(1, 0, 10**25), int)
    with pytest.raises(InputError, match="size_quantums = 0.5: must be a whole number"):
        f.funding_settlement(1, 0, 0.5)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(imf=st.integers(1, 10**6), fraction=st.integers(0, 10**6), factor=st.integers(0, 10**9))
def test_parts_per_million_are_rounded_down(imf, fraction, factor):
    mmf = int(maintenance_ppm(imf, fraction))
    assert mmf * 10**6 <= imf * fraction < (mmf + 1) * 10**6
    largest = f.funding_clamp_ppm(factor, imf, fraction)
    assert largest * 10**6 <= factor * (imf - mmf) < (largest + 1) * 10**6


def test_drifts_divisor_follows_the_contract_tier():
    divisors = {"A": 33, "B": 33, "C": 20, "speculative": 10, "highly_speculative": 10, "isolated": 10}
    for tier, divisor in divisors.items():
        assert f.max_price_divergence(66.0, tier) == pytest.approx(66.0 / divisor)


def test_drifts_hourly_funding():
    """Equal prices: the offset alone, oracle / 5000 a day; far apart: the clamp."""
    assert f.drift_hourly_funding(100.0, 100.0, 3.0) == pytest.approx(0.02 / 24)
    assert f.drift_hourly_funding(101.0, 100.0, 3.0) == pytest.approx(1.02 / 24)
    np.testing.assert_allclose(f.drift_hourly_funding([50.0, 200.0], 100.0, 3.0), [-3 / 24, 3 / 24])
    np.testing.assert_allclose(f.capped_to_pool([10.0, 50.0], 90.0), [10.0, 30.0])
