"""The date after an @: which spellings name an edition, and which are refused."""

from datetime import UTC, datetime

import pytest

from stresslab import venues
from stresslab.errors import InputError
from stresslab.venues.editions import end_of

BTC = "binance_usdm/BTCUSDT"  # its newest edition begins on 2025-08-19 at 06:30


@pytest.mark.parametrize(
    "date, edition",
    [
        ("2025-08-18", "2025-06-19"),
        ("2025-08-19", "2025-08-19T06:30Z"),
        ("2025-08-19T06:29:59", "2025-06-19"),
        ("2025-08-19T06:30Z", "2025-08-19T06:30Z"),
        ("2025-08-19T08:29+02:00", "2025-06-19"),
        ("2025-08-19 06:30", "2025-08-19T06:30Z"),
        ("2025", "2025-08-19T06:30Z"),
    ],
)
def test_a_day_is_its_end_and_a_time_is_itself(date: str, edition: str) -> None:
    assert venues.load(f"{BTC}@{date}").edition == edition


@pytest.mark.parametrize("date", ["20250819", "2025-W34", "2025-W34-2", "202508"])
def test_a_spelling_that_reads_as_midnight_is_refused(date: str) -> None:
    """datetime.fromisoformat takes 20250819 for the beginning of the day: the edition before the one meant."""
    with pytest.raises(InputError, match="is no date of an edition.*Write a date such as 2025-08-19"):
        venues.load(f"{BTC}@{date}")


@pytest.mark.parametrize(
    "date", ["0000", "9999", "9999-12", "9999-12-31", "0001-01-01T00:00+05:00", "2025-08-19T", "2025-08-19\n"]
)
def test_dates_that_there_are_not_are_refused(date: str) -> None:
    with pytest.raises(InputError, match="is no date of an edition"):
        end_of(date)


def test_the_last_microsecond() -> None:
    assert end_of("2024-02") == datetime(2024, 2, 29, 23, 59, 59, 999_999, UTC)
