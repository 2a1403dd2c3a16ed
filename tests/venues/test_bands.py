"""Price bands by hand and by their properties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stresslab.errors import InputError
from stresslab.venues import bands as b

prices = st.floats(1.0, 1e5)
gaps = st.floats(-0.3, 0.3)


def test_binance_and_deribit_are_around_the_mark():
    assert b.around(60_000.0) == (57_000.0, 63_000.0)
    assert b.around(60_000.0, 0.015) == (pytest.approx(59_100.0), pytest.approx(60_900.0))
    np.testing.assert_array_equal(b.accepts("long", [63_000.0, 63_000.1, 1.0], b.around(60_000.0)), [True, False, True])
    np.testing.assert_array_equal(
        b.accepts("short", [57_000.0, 56_999.9, 9e9], b.around(60_000.0)), [True, False, True]
    )
    np.testing.assert_allclose(b.worst_fill(["long", "short"], [70_000.0, 50_000.0], b.around(60_000.0)), [63e3, 57e3])


def test_a_stop_does_not_trigger_on_a_last_price_far_from_the_mark():
    np.testing.assert_array_equal(b.stop_may_trigger([95.0, 94.9, 105.1], 100.0), [True, False, False])


def test_okx_of_2022_follows_the_premium_between_the_index_and_its_hard_limit():
    """BTC: y 2 %, z 5 %, index 100: premium 1 allows 103, premium 4 hits 105, premium -5 still allows the index."""
    band = b.index_band(100.0, [1.0, 4.0, -5.0], 0.02, 0.05)
    np.testing.assert_allclose(band.high, [103.0, 105.0, 100.0])
    np.testing.assert_allclose(band.low, [99.0, 100.0, 95.0])
    swap_2020 = b.index_band(100.0, [0.5, 3.0], 0.01, 0.02)
    np.testing.assert_allclose(swap_2020.high, [101.5, 102.0])


def test_bybit_since_may_2026_and_before():
    band = b.mark_band(100.0, 100.0, [0.0, 0.5, 3.0, -0.5], 0.01, 0.02)
    np.testing.assert_allclose(band.high, [101.0, 101.5, 102.0, 101.0])
    np.testing.assert_allclose(band.low, [99.0, 99.0, 99.0, 98.5])
    np.testing.assert_allclose(b.mark_band(100.0, [101.5, 98.5], 0.0, 0.01, 0.02), [[99.0, 98.5], [101.5, 101.0]])


@settings(max_examples=200, deadline=None, derandomize=True)
@given(index=prices, gap=gaps, soft=st.floats(0, 0.1), more=st.floats(0, 0.1))
def test_a_band_holds_its_index_and_stays_within_the_hard_limit(index, gap, soft, more):
    hard = soft + more
    band = b.index_band(index, gap * index, soft, hard)
    assert index * (1 - hard) * (1 - 1e-12) <= band.low <= index <= band.high <= index * (1 + hard) * (1 + 1e-12)
    mirrored = b.index_band(index, -gap * index, soft, hard)
    assert mirrored.low == pytest.approx(2 * index - band.high)
    around = b.mark_band(index, index * (1 + gap), gap * index, soft, hard)
    assert index * (1 - hard) * (1 - 1e-12) <= around.low <= index <= around.high <= index * (1 + hard) * (1 + 1e-12)


def test_cme_of_2017_pauses_at_7_and_13_and_stops_at_20_percent():
    np.testing.assert_array_equal(
        b.session_level([100.0, 106.9, 107.0, 93.0, 113.0, 120.0, 79.0], 100.0), [0, 0, 1, 1, 2, 3, 3]
    )
    np.testing.assert_allclose(b.session_band(15_000.0), (12_000.0, 18_000.0))
    with pytest.raises(InputError, match="limits = .*: must rise"):
        b.session_level(1.0, 1.0, (0.2, 0.1))
