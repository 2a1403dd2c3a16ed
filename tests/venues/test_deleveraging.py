"""Scores of each venue, order, amounts, triggers, and losses that are shared."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stresslab.errors import InputError
from stresslab.venues import deleveraging as d
from stresslab.venues import deleveraging_rank as r
from stresslab.venues import deleveraging_trigger as t
from stresslab.venues import socialised as s

H = 3600.0
accounts = st.lists(st.tuples(st.floats(-5, 5), st.floats(0, 10)), min_size=1, max_size=8)


def test_binances_score_by_the_figures_of_its_forum():
    """PnL 40.2 on a wallet of 4.27, margin ratio 13.42 %: 9.41 x 0.1342 = 1.26 (dev.binance.vision/t/17801)."""
    maintenance = 0.1342 * (40.2 + 4.27)
    assert r.leverage_pnl(40.2, 4.27, maintenance) == pytest.approx(1.26, abs=0.005)
    np.testing.assert_allclose(r.leverage_pnl([-1.0, 1.0, 1.0], [10.0, 0.5, -2.0], 1.0), [0.0, 1 / 1.5, 0.0])


def test_bitmexs_score_from_signed_values_in_coin():
    """100,000 USD long from 50,000 at 60,000 with 0.4 XBT margin: r = 1/6, l = (5/3) / (1/3 + 0.4)."""
    now, entry = (r.position_value("long", 100_000.0, price, "inverse") for price in (60_000.0, 50_000.0))
    margin = 0.4 + (now - entry)
    assert now - entry == pytest.approx(1 / 3)
    assert r.pnl_times_leverage(now, entry, now - margin) == pytest.approx((1 / 6) * (5 / 3) / (1 / 3 + 0.4))
    down = r.position_value("long", 100_000.0, 45_000.0, "inverse")
    margin = 0.4 + (down - entry)
    gain = (down - entry) / abs(entry)
    assert gain < 0
    assert r.pnl_times_leverage(down, entry, down - margin) == pytest.approx(gain / (abs(down) / margin))
    with pytest.raises(InputError, match="bankruptcy_value = -1.0: mark_value must be above it"):
        r.pnl_times_leverage(100.0, 100.0, 101.0)


def test_leverage_raises_a_gain_and_softens_a_loss():
    np.testing.assert_allclose(r.leveraged_return([0.1, -0.1, 0.0], 10.0), [1.0, -0.01, 0.0])


def test_hyperliquids_score_ranks_the_winners_of_both_sides_first():
    assert r.mark_leverage(110.0, 100.0, 1_000.0, 200.0) == pytest.approx(5.5)
    np.testing.assert_allclose(r.mark_leverage([90.0, 110.0], 100.0, 1_000.0, 200.0, "short"), [5.0 / 0.9, 5.0 / 1.1])


def test_dydxs_order_is_random_but_for_the_seed():
    one = r.random_score(7, 1000)
    np.testing.assert_array_equal(one, r.random_score(7, 1000))
    assert not np.array_equal(one, r.random_score(8, 1000))
    assert len(np.unique(one)) == 1000


def test_quantiles_are_ranks_over_users():
    np.testing.assert_allclose(d.quantile([0.3, 0.1, 0.2, 0.2]), [1.0, 0.25, 0.75, 0.75])


def test_quantiles_by_size_are_shares_of_the_queue():
    """Of 100 contracts 50 stand at the lowest score, which ends the third fifth of the queue."""
    scores, sizes = [0.1, 0.2, 0.3, 0.4], [50.0, 10.0, 15.0, 25.0]
    np.testing.assert_allclose(d.quantile(scores, sizes), [0.5, 0.6, 0.75, 1.0])
    np.testing.assert_array_equal(d.lights(d.quantile(scores, sizes)), [3, 3, 4, 5])
    np.testing.assert_allclose(d.quantile(scores, np.ones(4)), d.quantile(scores))
    np.testing.assert_allclose(d.quantile([0.2, 0.1, 0.2], [3.0, 1.0, 0.0]), [1.0, 0.25, 1.0])
    np.testing.assert_allclose(
        d.quantile([scores, scores[::-1]], [sizes, sizes]), [[0.5, 0.6, 0.75, 1], [1, 0.5, 0.4, 0.25]]
    )
    np.testing.assert_allclose(d.quantile(scores, [sizes, [1.0] * 4]), [[0.5, 0.6, 0.75, 1], [0.25, 0.5, 0.75, 1]])
    with pytest.raises(InputError, match="sizes = 0"):
        d.quantile(scores, 0.0)
    with pytest.raises(InputError, match="arrays must be of one shape"):
        d.quantile(scores, np.ones((3, 7)))


def test_lights_are_fifths_of_the_queue_in_spite_of_rounding():
    """Five positions of one size have one to five lights: 0.1 + 0.1 + 0.1 of 0.5 is a little more than 0.6."""
    for size in (0.1, 0.7, 1.0, 3.0):
        np.testing.assert_array_equal(d.lights(d.quantile(np.arange(5.0), np.full(5, size))), [1, 2, 3, 4, 5])
    np.testing.assert_array_equal(d.lights([0.2, 0.2001, 0.8, 0.8001]), [1, 2, 4, 5])
    np.testing.assert_array_equal(d.lights(d.quantile([0.1, 0.2, 0.3], [0.0, 1.0, 1.0])), [1, 3, 5])  # one has no size
    assert d.lights(1.0) == 5
    for wrong in (1.01, -0.1, np.nan):
        with pytest.raises(InputError, match="quantiles = "):
            d.lights(wrong)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(rows=accounts, needed=st.floats(0, 60), cut=st.floats(-5, 5))
def test_the_order_is_a_permutation_and_the_amounts_are_what_is_needed_or_all_there_is(rows, needed, cut):
    scores, held = (np.array(x) for x in zip(*rows, strict=True))
    able = scores > cut
    order, closed = d.deleveraging_order(scores, able), d.deleveraged_amounts(scores, held, needed, able)
    assert sorted(order) == list(range(len(scores)))
    ranked = order[able[order]]
    assert np.all(np.diff(scores[ranked]) <= 0)
    assert closed.sum() == pytest.approx(min(needed, held[able].sum()), rel=1e-12, abs=1e-12)
    assert np.all(closed <= held) and np.all(closed[~able] == 0)
    # nobody is touched while somebody before him has something left
    touched = np.flatnonzero(closed[ranked] > 0)
    assert (
        all(closed[i] == pytest.approx(held[i]) for i in ranked[: touched[-1]] if held[i] > 0) if touched.size else True
    )


def test_amounts_over_many_events_at_once():
    closed = d.deleveraged_amounts(np.array([[3.0, 1.0, 2.0]] * 2), np.array([1.0, 1.0, 1.0]), np.array([1.5, 9.0]))
    np.testing.assert_allclose(closed, [[1.0, 0.0, 0.5], [1.0, 1.0, 1.0]])
    np.testing.assert_array_equal(d.deleveraged_amounts([3.0, 1.0, 2.0], 1.0, [1.5, 9.0]), closed)


def test_the_price_is_the_rulebooks():
    prices = {"bankruptcy": 90.0, "mark": 95.0, "oracle": 96.0}
    assert [d.deleveraging_price(kind, **prices) for kind in prices] == [90.0, 95.0, 96.0]
    with pytest.raises(InputError, match='kind = \'last\': must be "bankruptcy", "mark" or "oracle"'):
        d.deleveraging_price("last", **prices)


def test_an_empty_fund_triggers():
    np.testing.assert_array_equal(t.fund_empty([10.0, 0.0, -1.0]), [False, True, True])
    np.testing.assert_array_equal(t.fund_empty(10.0, [9.0, 10.0, 11.0]), [False, False, True])
    np.testing.assert_array_equal(t.equity_negative([0.0, -1e-9]), [False, True])


def test_the_peak_is_that_of_the_last_eight_hours():
    values, times = [100.0, 90.0, 95.0, 60.0], np.array([0.0, 1.0, 8.0, 9.0]) * H
    assert t.recent_peak(values, times, 8 * H, 8 * H) == 100.0
    assert t.recent_peak(values, times, 9 * H, 8 * H) == 95.0  # the 90 of 1 h is still in, the 100 is not
    assert t.fund_drawdown(60.0, 100.0) == pytest.approx(0.4)
    with pytest.raises(InputError, match="no sample is in the window before it"):
        t.recent_peak(values, times, 100 * H, 8 * H)


def test_bybit_starts_at_30_percent_and_stops_below_25():
    """Peak of the PnL 50, of the pool 200: a PnL of -10 is 30 % down, one of 0.5 is 24.75 %."""
    drawdowns = t.pnl_drawdown(np.array([0.0, -10.0, 0.0, 0.5, 0.0]), 50.0, 200.0)
    np.testing.assert_allclose(drawdowns, [0.25, 0.3, 0.25, 0.2475, 0.25])
    on, seen = False, []
    for drawdown in drawdowns:
        on = bool(t.deleveraging_on(drawdown, on, 0.3, 0.25, fund=100.0))
        seen.append(on)
    assert seen == [False, True, True, False, False]
    assert t.deleveraging_on(0.0, False, 0.3, 0.25, fund=0.0)  # an empty pool in any case
    assert t.excess_beyond(0.35, 0.3, 200.0) == pytest.approx(10.0)
    with pytest.raises(InputError, match="stop = 0.4: must not be above start"):
        t.deleveraging_on(0.0, False, 0.3, 0.4)


def test_gmx_starts_at_85_percent_of_the_pool_and_brings_it_to_77():
    factor = t.pool_pnl_factor([80.0, 90.0, 80.0, 76.0], 100.0)
    np.testing.assert_array_equal(t.deleveraging_on(factor, [False, False, True, True], 0.85, 0.77), [0, 1, 1, 0])
    assert t.excess_beyond(0.9, 0.77, 100.0) == pytest.approx(13.0)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(profits=st.lists(st.floats(-100, 100), min_size=1, max_size=6), share=st.floats(0, 2))
def test_winners_share_a_loss_by_their_profit_and_give_no_more_than_that(profits, share):
    gains = np.maximum(profits, 0.0)
    loss = share * gains.sum()
    given_up = s.shares_by_profit(loss, profits)
    assert given_up.sum() == pytest.approx(min(loss, gains.sum()), rel=1e-12, abs=1e-12)
    assert np.all(given_up <= gains * (1 + 1e-12))


def test_drift_takes_it_from_every_base_unit_of_both_sides():
    assert s.loss_per_base(30.0, 100.0, -50.0) == 0.2
    np.testing.assert_allclose(s.shares_by_size([30.0, 0.0], [100.0, -50.0, 0.0]), [[20.0, 10.0, 0.0], [0.0] * 3])
    with pytest.raises(InputError, match="somebody must hold a position"):
        s.loss_per_base(1.0, 0.0, 0.0)
