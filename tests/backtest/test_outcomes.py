"""What happened, against a naive loop."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.price_series import brownian_bars, without

from stresslab.backtest.outcomes import Excursions, beyond, excursions, liquidated, losses, observed_moves

SIDES = ("long", "short")


@pytest.mark.parametrize("gone", [[], [20, 21, 40]])
def test_excursions_are_those_of_a_loop(gone):
    bars = without(brownian_bars(60, 3600), gone)
    found = excursions(observed_moves(bars, 5))
    for row in range(len(bars.stamps)):
        after = slice(row + 1, row + 6)
        stamps = bars.stamps[after]
        if len(stamps) < 5 or stamps[-1] - bars.stamps[row] != 5 * 3600:
            assert all(np.isnan(one[row]) for one in found)
            continue
        close = bars.prices[row, 3]
        expected = min(bars.prices[after, 2].min() / close, 1), max(bars.prices[after, 1].max() / close, 1)
        np.testing.assert_allclose([found.low[row], found.high[row]], np.log(expected), atol=1e-13)
        assert found.end[row] == pytest.approx(np.log(bars.prices[row + 5, 3] / close), abs=1e-13)


def test_fewer_bars_than_the_horizon_know_nothing():
    assert np.isnan(np.array(excursions(observed_moves(brownian_bars(4, 3600), 5)))).all()


def test_a_level_is_reached_where_it_is_touched():
    levels = np.array([[-0.1, -0.02], [0.1, 0.02]])
    moves = Excursions(np.array([-0.1, -0.05]), np.array([0.01, 0.02]), np.array([0.0, -0.01]))
    found = liquidated(moves, levels, SIDES)
    np.testing.assert_array_equal(found, [[[True, False], [True, True]], [[False, False], [False, True]]])
    np.testing.assert_array_equal(losses(moves, SIDES), [[0.0, 0.01], [0.0, -0.01]])


@pytest.mark.parametrize("gone", [[], [20, 21, 40], list(range(22, 30)), [55, 56, 57]])
@pytest.mark.parametrize("quiet", [False, True])
def test_what_is_seen_over_holes_is_that_of_a_loop(gone, quiet):
    """Known bars alone; `quiet`: the missing bars are known to have had no trade."""
    whole = brownian_bars(60, 3600)
    bars = without(whole, gone)
    if quiet:
        bars = replace(bars, untraded=whole.stamps[gone] if gone else bars.untraded)
    found = observed_moves(bars, 5)
    at = {int(stamp): row for row, stamp in enumerate(bars.stamps)}
    for row, stamp in enumerate(bars.stamps):
        close, end = bars.prices[row, 3], int(stamp) + 5 * 3600
        if end > bars.stamps[-1]:
            assert np.isnan([found.low[row], found.high[row], found.end[row], found.after[row]]).all()
            assert not found.whole[row]
            continue
        known = [at[step] for step in range(int(stamp) + 3600, end + 1, 3600) if step in at]
        lows, highs = ([bars.prices[one, column] for one in known] for column in (2, 1))
        assert found.low[row] == pytest.approx(np.log(min([*lows, close]) / close), abs=1e-13)
        assert found.high[row] == pytest.approx(np.log(max([*highs, close]) / close), abs=1e-13)
        assert found.whole[row] == (quiet or len(known) == 5)
        later = next(bars.prices[at[step], 3] for step in range(end, end + 100 * 3600, 3600) if step in at)
        assert found.after[row] == pytest.approx(np.log(later / close), abs=1e-13)
        last = bars.prices[known[-1], 3] if known else close
        assert np.isnan(found.end[row]) == (end not in at and not quiet)
        if end in at or quiet:
            assert found.end[row] == pytest.approx(np.log(last / close), abs=1e-13)


def test_a_fall_inside_a_hole_is_certain_where_a_known_price_lies_beyond_the_level():
    """Three hours are missing and the price after them is 30 % lower: 5x and 10x longs are gone whatever happened."""
    bars = brownian_bars(60, 3600, sigma=0.1)
    bars.prices[33:] *= 0.7
    bars = without(bars, [30, 31, 32])
    levels = np.array([[-0.3, -0.22, -0.11], [0.3, 0.22, 0.11]])
    found = observed_moves(bars, 10)
    hit = liquidated(found, levels, SIDES)
    assert hit[0, :, 25].all() and not hit[1, :, 25].any() and not found.whole[25]
    short = observed_moves(bars, 6)  # from bar 25 the horizon ends inside the hole: no known price decides
    assert not liquidated(short, levels, SIDES)[:, :, 25].any() and not short.whole[25]
    assert beyond(short, levels, SIDES)[0, :, 25].all() and not beyond(short, levels, SIDES)[1, :, 25].any()
    assert observed_moves(bars, 6, holes_are_untraded=True).whole[25]
