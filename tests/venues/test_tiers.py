"""The tier table: which tier holds a notional, what it requires, and what a wrong table is told."""

import dataclasses
import re

import numpy as np
import pytest

from stresslab.errors import InputError, NotAllowed
from stresslab.venues.tiers import TierTable

# floor, cap, mmr, imr, max_leverage, cum: small numbers that can be checked by hand
ROWS = [
    (0, 100, 0.01, 0.02, 50, 0),
    (100, 1000, 0.02, 0.04, 25, 1),  # 0 + 100 * (0.02 - 0.01)
    (1000, 5000, 0.05, 0.10, 10, 31),  # 1 + 1000 * (0.05 - 0.02)
]


def table(rows=ROWS):
    return TierTable(*(np.array(column, dtype=float) for column in zip(*rows, strict=True)))


@pytest.mark.parametrize(
    "notional, number, maintenance",
    [
        (0, 1, 0.0),
        (50, 1, 0.5),
        (100, 1, 1.0),  # a cap belongs to the tier below
        (100.0001, 2, 1.000002),
        (1000, 2, 19.0),
        (1000.0001, 3, 19.000005),
        (5000, 3, 219.0),
    ],
)
def test_a_tier_holds_its_cap_and_not_its_floor(notional, number, maintenance):
    assert table().at(notional).number == number
    assert table().maintenance(notional) == pytest.approx(maintenance, rel=1e-12)


def test_lookup_is_elementwise_and_keeps_the_shape():
    notional = np.array([[50.0, 500.0], [1000.0, 5000.0]])
    tier = table().at(notional)
    np.testing.assert_array_equal(tier.number, [[1, 2], [2, 3]])
    np.testing.assert_array_equal(tier.floor, [[0, 100], [100, 1000]])
    np.testing.assert_array_equal(tier.cap, [[100, 1000], [1000, 5000]])
    np.testing.assert_array_equal(tier.imr, [[0.02, 0.04], [0.04, 0.10]])
    np.testing.assert_array_equal(tier.max_leverage, [[50, 25], [25, 10]])
    np.testing.assert_array_equal(table().maintenance(notional), notional * tier.mmr - tier.cum)
    assert table().maintenance(notional).dtype == np.float64


def test_the_requirement_is_the_largest_of_the_lines():
    """The identity that the closed forms rest on, at and around every cap."""
    tiers = table()
    notional = np.concatenate([np.linspace(0, 5000, 1001), tiers.cap[:-1] * (1 + 1e-9), tiers.cap * (1 - 1e-9)])
    lines = notional[:, None] * tiers.mmr - tiers.cum
    np.testing.assert_allclose(tiers.maintenance(notional), lines.max(axis=1), rtol=1e-12, atol=1e-12)


def test_columns_are_read_only():
    with pytest.raises(ValueError, match="read-only"):
        table().mmr[0] = 0.5
    with pytest.raises(dataclasses.FrozenInstanceError):
        table().mmr = np.ones(3)


@pytest.mark.parametrize(
    "notional, error, message",
    [
        (
            5000.01,
            NotAllowed,
            "notional = 5000.01: must be at most 5,000, the cap of the venue's last tier. Make the position smaller",
        ),
        ([10.0, 9000.0], NotAllowed, "notional = 9000.0: must be at most 5,000"),
        (-1.0, InputError, "notional = -1.0: must not be negative"),
        ([1.0, np.nan], InputError, "notional = nan: must be finite"),
        (np.inf, InputError, "notional = inf: must be finite"),
        ("much", InputError, "notional = 'much': must be a number, or an array of numbers"),
        (True, InputError, "notional = True: must be a number, or an array of numbers"),
        (
            [[1.0], [1.0, 2.0]],
            InputError,
            "notional = [[1.0], [1.0, 2.0]]: must be a number, or an array of numbers",
        ),
    ],
)
@pytest.mark.parametrize("ask", ["at", "maintenance"])
def test_a_notional_that_no_tier_holds_is_refused(ask, notional, error, message):
    with pytest.raises(error, match=re.escape(message)):
        getattr(table(), ask)(notional)


@pytest.mark.parametrize(
    "tier, column, value, message",
    [
        (0, 0, 5, "tiers[0].floor = 5.0: the first tier starts at 0"),
        (1, 0, 90, "tiers[1].floor = 90.0: must be the cap of the tier before it, 100"),
        (2, 0, 1010, "tiers[2].floor = 1010.0: must be the cap of the tier before it, 1000"),
        (2, 1, 900, "tiers[2].cap = 900.0: must be above the tier's floor, 1000"),
        (0, 2, 0, "tiers[0].mmr = 0.0: must be above 0 and below 1"),
        (2, 2, 1.5, "tiers[2].mmr = 1.5: must be above 0 and below 1"),
        (2, 2, 0.01, "tiers[2].mmr = 0.01: must not be below the rate of the tier before it, 0.02"),
        (1, 3, 0.01, "tiers[1].imr = 0.01: must not be below the tier's maintenance rate, 0.02"),
        (2, 3, 0.05, "tiers[2].max_leverage = 10.0: must be 1 / imr, 20"),
        (1, 3, 0.20, "tiers[2].imr = 0.1: must not be below the rate of the tier before it, 0.2"),
        (0, 4, 45, "tiers[0].max_leverage = 45.0: must be 1 / imr, 50"),
        (0, 5, 0.5, "tiers[0].cum = 0.5: must be cum before + floor * (mmr - mmr before), 0"),
        (2, 5, 31.001, "tiers[2].cum = 31.001: must be cum before + floor * (mmr - mmr before), 31"),
        (1, 2, np.nan, "mmr = nan: must be finite"),
    ],
)
def test_a_wrong_table_is_refused_at_the_figure_that_is_wrong(tier, column, value, message):
    rows = [list(row) for row in ROWS]
    rows[tier][column] = value
    with pytest.raises(InputError) as refusal:
        table(rows)
    assert str(refusal.value) == message


def test_a_table_needs_a_tier_and_columns_of_one_length():
    with pytest.raises(InputError, match="floor: one number for each tier"):
        TierTable(*(np.array([]) for _ in range(6)))
    with pytest.raises(InputError, match="cap: one number for each tier"):
        TierTable(np.array([0.0]), np.array([1.0, 2.0]), *(np.array([0.5]) for _ in range(4)))
