"""The venue's clock, one payment, and recorded payments summed."""

import re
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from stresslab.errors import InputError
from stresslab.venues.funding import funding_payment, funding_seconds, funding_sum

H = 3600


@pytest.mark.parametrize(
    "clock, interval, horizon, expected",
    [
        ("00:00:00", 8 * H, 24 * H, [8 * H, 16 * H, 24 * H]),  # the payment at as_of is past, the one at the end counts
        ("00:00:00", 8 * H, 24 * H - 1, [8 * H, 16 * H]),
        ("07:59:59", 8 * H, 8 * H, [1]),
        ("07:59:59", 8 * H, 8 * H + 1, [1, 8 * H + 1]),
        ("09:30:00", 8 * H, 8 * H, [6 * H + 1800]),
        ("23:00:00", 4 * H, 6 * H, [1 * H, 5 * H]),
        ("12:00:00", 1 * H, 3 * H, [1 * H, 2 * H, 3 * H]),
        ("00:00:00", 24 * H, 48 * H, [24 * H, 48 * H]),
        ("01:00:00", 8 * H, 6 * H, []),
        ("00:00:00", 8 * H, 0, []),
    ],
)
def test_payments_fall_on_multiples_of_the_interval_since_midnight(clock, interval, horizon, expected):
    as_of = datetime.fromisoformat(f"2026-11-21T{clock}+00:00")
    seconds = funding_seconds(as_of, interval, horizon)
    assert seconds.dtype == np.int64
    np.testing.assert_array_equal(seconds, expected)
    for second in seconds:
        since = as_of + timedelta(seconds=int(second)) - as_of.replace(hour=0, minute=0, second=0)
        assert since.total_seconds() % interval == 0


def test_the_clock_is_utc_whatever_the_zone_of_as_of():
    utc = datetime(2026, 11, 21, 1, 30, tzinfo=UTC)
    there = utc.astimezone(timezone(timedelta(hours=5, minutes=30)))
    np.testing.assert_array_equal(funding_seconds(there, 8 * H, 24 * H), funding_seconds(utc, 8 * H, 24 * H))


@pytest.mark.parametrize(
    "as_of, interval, horizon, message",
    [
        (
            datetime(2026, 1, 1),
            8 * H,
            H,
            "as_of = '2026-01-01 00:00:00': must say its time zone. End it with Z for UTC",
        ),
        (
            datetime(2026, 1, 1, microsecond=5, tzinfo=UTC),
            8 * H,
            H,
            "as_of = '2026-01-01 00:00:00.000005+00:00': must be a whole second",
        ),
        (
            datetime(2026, 1, 1, tzinfo=UTC),
            7 * H,
            H,
            "interval = 25200: must divide a day, so that every day has the same payment times",
        ),
        (datetime(2026, 1, 1, tzinfo=UTC), 0, H, "interval = 0: must divide a day"),
        (datetime(2026, 1, 1, tzinfo=UTC), 48 * H, H, "interval = 172800: must divide a day"),
        (datetime(2026, 1, 1, tzinfo=UTC), 8 * H, -1, "horizon = -1: must be a whole number of at least 0"),
    ],
)
def test_a_clock_that_cannot_be_read_is_refused(as_of, interval, horizon, message):
    with pytest.raises(InputError, match=re.escape(message)):
        funding_seconds(as_of, interval, horizon)


def test_longs_pay_a_positive_rate_and_shorts_receive_it():
    np.testing.assert_allclose(funding_payment(["long", "short"], 2.0, 50_000.0, 1e-4), [-10.0, 10.0])
    np.testing.assert_allclose(funding_payment("long", 2.0, 50_000.0, [1e-4, -1e-4, 0.0]), [-10.0, 10.0, 0.0])
    with pytest.raises(InputError, match="price = 0.0: must be above 0"):
        funding_payment("long", 1.0, 0.0, 1e-4)
    with pytest.raises(InputError, match="rate = nan: must be finite"):
        funding_payment("long", 1.0, 1.0, np.nan)


def test_a_sum_counts_both_ends_and_works_over_positions():
    times, prices, rates = [0.0, 10.0, 20.0], [100.0, 110.0, 120.0], [1e-3, 2e-3, -1e-3]
    sums = funding_sum(["long", "short", "long"], [1.0, 2.0, 1.0], [0, 1, 11], [20, 20, 19], times, prices, rates)
    np.testing.assert_allclose(sums, [-(0.1 + 0.22 - 0.12), 2 * (0.22 - 0.12), 0.0], atol=1e-15)
    assert funding_sum("long", 1.0, 10, 10, times, prices, rates) == pytest.approx(-0.22)
    with pytest.raises(InputError, match="closed: a position closes after it is opened"):
        funding_sum("long", 1.0, 10, 9, times, prices, rates)
