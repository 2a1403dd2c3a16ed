"""Where positions are liquidated."""

from datetime import UTC, datetime

import numpy as np
import pytest

from stresslab.backtest.levels import DatedRules, dated_levels, flat_levels, rulebook_levels
from stresslab.errors import InputError, NotAllowed
from stresslab.venues import history, load


def test_flat_levels_are_the_closed_form():
    found = np.exp(flat_levels(("long", "short"), (10, 50), 0.004))
    expected = [[(1 - 1 / 10) / 0.996, (1 - 1 / 50) / 0.996], [(1 + 1 / 10) / 1.004, (1 + 1 / 50) / 1.004]]
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_a_rulebook_gives_its_tier_at_the_trigger():
    rules = load("binance_usdm/BTCUSDT")
    small = rulebook_levels(("long", "short"), (10, 50), rules, 10_000)
    np.testing.assert_allclose(small, flat_levels(("long", "short"), (10, 50), 0.004), rtol=1e-12)
    large = rulebook_levels(("long",), (10,), rules, 5e6)
    assert large[0, 0] > small[0, 0]  # a higher requirement is met earlier
    position = dict(entry_price=1.0, quantity=5e6, margin=5e5)
    assert np.exp(large[0, 0]) == pytest.approx(float(rules.liquidation_price("long", **position)), rel=1e-12)


def seconds(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())


def test_each_date_has_the_levels_of_its_edition():
    """Of a position of 5 million, whose tier is another one in 2021, 2024 and 2025."""
    dates = np.array([seconds(day) for day in ("2021-06-01", "2025-01-01", "2025-07-01", "2025-10-10")])
    rules = DatedRules(history("binance_usdm/BTCUSDT"), 5e6)
    found = dated_levels(dates, ("long",), (10,), rules)
    assert found.shape == (1, 1, 4)
    for place, date in enumerate(("2021", "2024", "2025-06", "2025-08-19")):
        book = load(f"binance_usdm/BTCUSDT@{date}")
        price = float(book.liquidation_price("long", 1.0, 5e6, 5e5))
        assert np.exp(found[0, 0, place]) == pytest.approx(price, rel=1e-12)
    assert len(set(found[0, 0])) == 3  # the last two differ in the leverage of the first tier alone


def test_an_edition_that_refuses_a_leverage_is_named():
    rules = DatedRules(history("binance_usdm/ETHUSDT"), 10_000)
    late = dated_levels(np.array([seconds("2025-01-01")]), ("long",), (120,), rules)
    assert late.shape == (1, 1, 1)
    with pytest.raises(NotAllowed, match="at most 100, by the edition 2021-01-01, .* Lower it, or choose the dates"):
        dated_levels(np.array([seconds("2021-06-01")]), ("long",), (120,), rules)


@pytest.mark.parametrize(
    ("sides", "leverages", "mmr", "key"),
    [
        (("long",), (1.0,), 0.004, "--leverage"),
        (("long",), (), 0.004, "--leverage"),
        (("long",), (10, 10), 0.004, "--leverage"),
        (("long",), (10, float("nan")), 0.004, "--leverage"),
        (("short",), (250,), 0.004, "--leverage"),  # margin of 0.4 % is the maintenance margin
        (("up",), (10,), 0.004, "--side"),
        (("long", "long"), (10,), 0.004, "--side"),
        ((), (10,), 0.004, "--side"),
        (("long",), (10,), 1.0, "--mmr"),
    ],
)
def test_senseless_positions_are_refused(sides, leverages, mmr, key):
    with pytest.raises(InputError) as refusal:
        flat_levels(sides, leverages, mmr)
    assert refusal.value.key == key


def test_what_the_venue_does_not_allow_is_refused():
    with pytest.raises(NotAllowed):
        rulebook_levels(("long",), (10, 200), load("binance_usdm/BTCUSDT"), 10_000)
