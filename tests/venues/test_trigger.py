"""The closed-form safe interval on lines and parabolas that can be solved by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stresslab.venues.trigger import FlatTiers, Safe, adverse_end, first_on_the_way, safe_interval


def interval(slope, intercept, lines, square=0.0):
    rate, amount = (np.array(column, dtype=float) for column in zip(*lines, strict=True))
    return safe_interval(np.array(slope), np.array(intercept), rate, amount, np.full(rate.size, square))


@pytest.mark.parametrize(
    "slope, intercept, lines, square, expected",
    [
        (1.0, -90.0, [(0.1, 0.0)], 0.0, (100.0, np.inf)),  # a long: x - 90 against 0.1 x
        (-1.0, 110.0, [(0.1, 0.0)], 0.0, (0.0, 100.0)),  # a short: 110 - x
        (1.0, -90.0, [(0.1, 0.0), (0.4, 30.0)], 0.0, (100.0, np.inf)),  # both meet at 100
        (1.0, -90.0, [(0.1, 0.0), (0.4, 24.0)], 0.0, (110.0, np.inf)),  # the higher line is met first
        (0.1, 10.0, [(0.2, 0.0)], 0.0, (0.0, 100.0)),  # nearly hedged: only a rise hurts
        (1.0, 5.0, [(0.1, 0.0)], 0.0, (0.0, np.inf)),  # more margin than it can lose
        (0.1, 0.0, [(0.1, 1.0)], 0.0, (0.0, np.inf)),  # equity is above by the same everywhere
        (1.0, -9.0, [(0.0, 0.0)], 0.08, None),  # x - 9 - 0.08 x^2 has no root
        (1.0, -6.0, [(0.0, 0.0)], 0.04, (10.0, 15.0)),  # x - 6 - 0.04 x^2: roots 10 and 15
        (-1.0, 6.0, [(0.0, 0.0)], 0.16, (0.0, 3.75)),  # 6 - x - 0.16 x^2: roots -10 and 3.75
        (0.0, 4.0, [(0.0, 0.0)], 0.01, (0.0, 20.0)),
    ],
)
def test_by_hand(slope, intercept, lines, square, expected):
    found = interval(slope, intercept, lines, square)
    if expected is None:
        assert found.low >= found.high
    else:
        assert found == pytest.approx(expected)


@pytest.mark.parametrize(
    "slope, intercept, square", [(0.1, -1.0, 0.0), (0.1, 0.0, 0.0), (0.0, -1.0, 0.5), (1.0, -9.0, 0.5)]
)
def test_nothing_is_safe(slope, intercept, square):
    found = interval(slope, intercept, [(0.1, 0.0)], square)
    assert found.low >= found.high
    assert adverse_end(np.array([True, False]), found).tolist() == [np.inf, 0.0]


def test_the_adverse_end():
    assert adverse_end(np.array([True, False]), Safe(np.array(2.0), np.array(5.0))).tolist() == [2.0, 5.0]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    slope=st.floats(-2, 2),
    intercept=st.floats(-50, 50),
    square=st.sampled_from([0.0, 1e-12, 1e-3, 0.1]),
    lines=st.lists(st.tuples(st.floats(0, 0.5), st.floats(0, 20)), min_size=1, max_size=4),
)
def test_inside_and_outside(slope, intercept, square, lines):
    """n = 401 points; those within 1e-6 of an end decide nothing."""
    found = interval(slope, intercept, lines, square)
    x = np.linspace(0.01, 200, 401)
    left = slope * x + intercept - np.max([square * x**2 + rate * x - amount for rate, amount in lines], axis=0)
    sure = np.abs(left) > 1e-6
    np.testing.assert_array_equal((left > 0)[sure], ((found.low < x) & (x < found.high))[sure])


def test_flat_tiers_are_walked_from_where_the_price_is():
    """Rates 1 % to 100, 50 % to 200, 90 % beyond; x is the notional."""
    tiers = FlatTiers(np.array([0.0, 100.0, 200.0]), np.array([100.0, 200.0, np.inf]), np.array([0.01, 0.5, 0.9]))

    def first(falling, start, intercept):
        return float(first_on_the_way(np.array(falling), np.array(1.0), np.array(start), np.array(intercept), tiers))

    assert first(True, 150.0, -60.0) == pytest.approx(120.0)  # N - 60 = N / 2
    assert first(True, 90.0, -60.0) == pytest.approx(60 / 0.99)
    assert first(True, 90.0, 10.0) == 0.0
    assert first(True, 300.0, -15.0) == pytest.approx(15 / 0.99)  # enough for 90 % above 200, and for 50 % above 100
    assert first(True, 300.0, -25.0) == pytest.approx(250.0)
    assert first(False, 50.0, 120.0) == 100.0  # 120 - N is enough for 1 at 100 and not for 50: at the cap
    assert first(False, 50.0, 90.0) == pytest.approx(90 / 1.01)
    assert first(False, 50.0, 1_000.0) == pytest.approx(1_000 / 1.9)
