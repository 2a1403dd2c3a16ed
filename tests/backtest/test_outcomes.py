"""What happened, against a naive loop."""

import numpy as np
import pytest
from helpers.price_series import brownian_bars, without

from stresslab.backtest.outcomes import Excursions, excursions, liquidated, losses

SIDES = ("long", "short")


@pytest.mark.parametrize("gone", [[], [20, 21, 40]])
def test_excursions_are_those_of_a_loop(gone):
    bars = without(brownian_bars(60, 3600), gone)
    found = excursions(bars, 5)
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
    assert np.isnan(np.array(excursions(brownian_bars(4, 3600), 5))).all()


def test_a_level_is_reached_where_it_is_touched():
    levels = np.array([[-0.1, -0.02], [0.1, 0.02]])
    moves = Excursions(np.array([-0.1, -0.05]), np.array([0.01, 0.02]), np.array([0.0, -0.01]))
    found = liquidated(moves, levels, SIDES)
    np.testing.assert_array_equal(found, [[[True, False], [True, True]], [[False, False], [False, True]]])
    np.testing.assert_array_equal(losses(moves, SIDES), [[0.0, 0.01], [0.0, -0.01]])
