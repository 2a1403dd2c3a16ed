"""The three baselines against naive loops over days."""

import numpy as np
import pytest
from helpers.price_series import brownian_bars, without
from scipy.stats import norm

from stresslab.backtest.baselines import BASELINES, Asked, weighted_volatility
from stresslab.backtest.clock import Spans, make_clock
from stresslab.backtest.levels import flat_levels
from stresslab.backtest.outcomes import excursions, observed_moves
from stresslab.errors import InputError

D = 86_400
SIDES, CONFIDENCES = ("long", "short"), (0.95, 0.99)
LEVELS = flat_levels(SIDES, (20, 50), 0.004)
ASKED = Asked(SIDES, LEVELS, CONFIDENCES, 6, 360)
SPANS = Spans(D, D, 60 * D, 30 * D)


@pytest.fixture(scope="module")
def bars():
    return without(brownian_bars(6 * 100, 4 * 3600), [300, 301])


def forecast(name, bars):
    clock = make_clock(bars, SPANS)
    asked = ASKED._replace(levels=np.repeat(LEVELS[:, :, None], len(clock.dates), axis=2))
    return clock, BASELINES[name](bars, clock, asked, excursions(observed_moves(bars, 6)))


def window_moves(bars, row, scale):
    """Low, high and end of every horizon that lies within the last 360 bars, each times scale(row of its start)."""
    found = []
    for start in range(max(0, row - 360), row - 6 + 1):
        after = slice(start + 1, start + 7)
        if bars.stamps[start + 6] - bars.stamps[start] == D and np.isfinite(scale(start)):
            close = bars.prices[start, 3]
            extremes = bars.prices[after, 2].min(), bars.prices[after, 1].max(), bars.prices[start + 6, 3]
            found.append([scale(start) * np.log(price / close) for price in extremes])
    return np.array(found).T


def check(bars, clock, found, scale_at):
    for place in (0, 7, len(clock.rows) - 1):
        row = int(clock.rows[place])
        low, high, end = window_moves(bars, row, lambda start, row=row: scale_at(row, start))
        expected = [[np.mean(low <= level) for level in LEVELS[0]], [np.mean(high >= level) for level in LEVELS[1]]]
        np.testing.assert_allclose(found.probability[:, :, place], expected, rtol=1e-12)
        risk = [np.quantile(-end, CONFIDENCES), np.quantile(end, CONFIDENCES)]
        np.testing.assert_allclose(found.value_at_risk[:, :, place], risk, rtol=1e-12)


def test_frequency_is_the_share_of_past_horizons(bars):
    check(bars, *forecast("frequency", bars), lambda row, start: 1.0)


def naive_volatility(bars):
    """Weights of 0.94 a day on squared returns between rows, over the same weights on the bars that they take."""
    found = [np.nan]
    place = (bars.stamps - bars.stamps[0]) // bars.seconds
    for row in range(1, len(bars.stamps)):
        pairs = range(1, row + 1)
        weights = np.array([0.94 ** ((place[row] - place[one]) / 6) for one in pairs])
        squares = np.array([np.log(bars.prices[one, 3] / bars.prices[one - 1, 3]) ** 2 for one in pairs])
        taken = np.array([place[one] - place[one - 1] for one in pairs])
        value = np.sqrt((weights * squares).sum() / (weights * taken).sum())
        found.append(value if place[row] > 120 else np.nan)
    return np.array(found)


def test_weighted_volatility_is_that_of_a_loop(bars):
    np.testing.assert_allclose(weighted_volatility(bars), naive_volatility(bars), rtol=1e-9)


def test_excursions_are_scaled_by_volatility_now_over_volatility_then(bars):
    sigma = naive_volatility(bars)
    check(bars, *forecast("scaled_excursions", bars), lambda row, start: sigma[row] / sigma[start])


def test_constant_volatility_is_the_closed_form(bars):
    clock, found = forecast("constant_volatility", bars)
    row, place = int(clock.rows[3]), 3
    # the window holds 360 returns of single bars; its variance is the sum of all squares over the time that they take
    whole = np.concatenate([[0], np.cumsum(np.diff(bars.stamps) == bars.seconds)])
    first = int(np.searchsorted(whole, max(0, whole[row] - 360), side="right")) - 1
    moves = np.diff(np.log(bars.prices[first : row + 1, 3]))
    s = np.sqrt((moves**2).sum() / ((bars.stamps[row] - bars.stamps[first]) / D))
    for side, sign in enumerate((1, -1)):
        for number, level in enumerate(LEVELS[side]):
            b, m = sign * level, -sign * s**2 / 2  # as if the level lay below
            expected = norm.cdf((b - m) / s) + np.exp(2 * m * b / s**2) * norm.cdf((b + m) / s)
            assert found.probability[side, number, place] == pytest.approx(expected, rel=1e-10)
        risk = [sign * s**2 / 2 + s * norm.ppf(c) for c in CONFIDENCES]
        np.testing.assert_allclose(found.value_at_risk[side, :, place], risk, rtol=1e-12)


def test_a_price_that_does_not_move_is_refused(bars):
    still = without(bars, [])
    still.prices[:] = 100.0
    with pytest.raises(InputError, match="does not move"):
        forecast("constant_volatility", still)
