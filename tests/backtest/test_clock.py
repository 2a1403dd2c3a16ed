"""When forecasts are made, and what they may look at."""

import numpy as np
import pytest
from helpers.price_series import START, brownian_bars, without

from stresslab.backtest.clock import Spans, make_clock, trailing
from stresslab.errors import InputError

H, D = 3600, 86_400
SPANS = Spans(horizon=D, every=D, window=60 * D, refit=30 * D)


@pytest.fixture(scope="module")
def bars():
    return brownian_bars(6 * 120, 4 * H)  # 120 days


def test_dates_are_midnights_from_the_first_full_window_to_the_last_full_horizon(bars):
    clock = make_clock(bars, SPANS)
    assert clock.dates[0] == START + 60 * D and clock.dates[-1] == START + 119 * D
    assert np.all(np.diff(clock.dates) == D) and clock.left_out == 0
    np.testing.assert_array_equal(bars.stamps[clock.rows] + bars.seconds, clock.dates)
    np.testing.assert_array_equal(np.flatnonzero(clock.refits), [0, 30])


def test_from_and_to_are_both_included(bars):
    clock = make_clock(bars, SPANS, START + 70 * D + 5, START + 80 * D)
    assert (clock.dates[0] - START) / D == 71 and (clock.dates[-1] - START) / D == 80


def test_a_date_at_whose_close_the_bar_is_missing_is_left_out(bars):
    inside = make_clock(without(bars, [6 * 90 + 2]), SPANS)  # outcomes.py says what is known of such a day
    assert inside.left_out == 0 and START + 90 * D in inside.dates
    last_of_day_90 = make_clock(without(bars, [6 * 91 - 1]), SPANS)
    assert last_of_day_90.left_out == 1 and START + 91 * D not in last_of_day_90.dates


def test_trailing_returns_are_the_last_ones_and_as_many_whatever_is_missing(bars):
    n = 60 * 6
    whole, holed = trailing(bars, 500, n), trailing(without(bars, [400, 401]), 498, n)
    assert len(whole.values) == len(holed.values) == n
    assert whole.end == holed.end == bars.stamps[500] + bars.seconds
    assert holed.first < whole.first  # reaches further back
    closes = np.log(bars.prices[:, 3])
    np.testing.assert_allclose(whole.values, np.diff(closes[500 - n : 501]))
    assert whole.origin.prices[-1, 3] == bars.prices[500, 3]


def test_a_refit_that_falls_on_a_missing_date_is_made_on_the_next(bars):
    clock = make_clock(without(bars, [6 * 90 - 1]), SPANS)
    assert clock.dates[clock.refits].tolist() == [START + 60 * D, START + 91 * D]


@pytest.mark.parametrize(
    ("changes", "dates", "key"),
    [
        ({"horizon": 6 * H}, (None, None), "--horizon"),
        ({"every": 6 * H}, (None, None), "--every"),
        ({"horizon": H, "every": 4 * H}, (None, None), "--horizon"),
        ({"window": 120 * D}, (None, None), "--window"),
        ({}, (START + 59 * D, None), "--from"),
        ({}, (None, START + 120 * D), "--to"),
        ({}, (START + 80 * D, START + 70 * D), "--to"),
        ({}, (START + 80 * D + 1, START + 80 * D + 2), "--from, --to"),
    ],
)
def test_what_the_bars_do_not_allow_is_refused(bars, changes, dates, key):
    with pytest.raises(InputError) as refusal:
        make_clock(bars, SPANS._replace(**changes), *dates)
    assert refusal.value.key == key
