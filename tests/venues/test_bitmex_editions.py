"""BitMEX XBTUSD: base maintenance rate and risk step over the years, and where they are not known."""

import json
from datetime import UTC, datetime

import pytest

from stresslab import venues
from stresslab.venues.editions import outside

XBT = "bitmex/XBTUSD"

# rates of 200 XBT and of 310: two steps of 100 XBT above the base, or one of 150, at 0.5 % each
BY_HAND = [
    ("2019-08-01", "2019-07-01", 0.005, 0.015, False),
    ("2020-03-12", "2019-07-01", 0.005, 0.015, False),
    ("2020-04-15", "2020-04-01", 0.0045, 0.0145, False),
    ("2020-05-05", "2020-05-05", 0.004, 0.014, False),
    ("2021-05-19", "2020-05-05", 0.004, 0.014, True),
    ("2021-08-31", "2021-08-31", 0.004, 0.009, False),
    ("2022-06-13", "2021-08-31", 0.004, 0.009, True),  # 0.40 % is the last rate announced, 0.5 % was seen in 2024-11
    ("2024-11-24", "2024-11-24", 0.005, 0.01, False),
    ("2025-10-10", "2024-11-24", 0.005, 0.01, True),
]


@pytest.mark.parametrize("day, edition, base, of_310, doubtful", BY_HAND)
def test_the_rates_of_a_day(day: str, edition: str, base: float, of_310: float, doubtful: bool) -> None:
    moment = datetime.fromisoformat(day).replace(tzinfo=UTC)
    book = venues.load(XBT, at=moment)
    assert book.edition == edition
    assert book.tier([200.0, 310.0]).mmr == pytest.approx([base, of_310], rel=1e-12)
    assert (outside(book, moment) is not None) == doubtful


def test_the_editions_are_five_and_in_order() -> None:
    named = [book.edition for book in venues.history(XBT)]
    assert named == ["2019-07-01", "2020-04-01", "2020-05-05", "2021-08-31", "2024-11-24"]


def test_the_history_is_the_one_that_was_collected(shared) -> None:
    collected = json.loads((shared / "venues" / "tiers_2026.json").read_text())["tiers"]
    rule = next(one for one in collected if one["id"] == XBT)
    rates = [one["mmr"] for one in rule["history"] if "mmr" in one]
    steps = next(one for one in rule["history"] if "risk_step" in one)
    books = venues.history(XBT)
    assert rates == [books[place].requirement.tiers[0].mmr for place in (0, 1, 2, 4)]
    assert [book.requirement.open_ended.step for book in books] == [steps["before"]] * 3 + [steps["risk_step"]] * 2
    assert books[3].edition == steps["from"]
