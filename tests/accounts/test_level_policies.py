"""Stop-loss, take-profit and trailing stop on paths that are written down: every cash flow by hand, in float64.

A path is a list of steps: one price that it drifts to, or (corner, first drift, jump, second drift). Entry at 1.
"""

import numpy as np
from accounts.policy_books import FEE, MMR, SLIPPAGE, assert_money, book, leg, run, with_policies

from stresslab.accounts.policies.stop_loss import StopLoss, StopLossNumbers
from stresslab.accounts.policies.take_profit import TakeProfit, TakeProfitNumbers
from stresslab.accounts.policies.trailing_stop import TrailingStop, TrailingStopNumbers

STOP = StopLossNumbers(level=0.05, anchor=1.0, share=1.0, limit=0.01, latency=np.int32(2))
PROFIT = TakeProfitNumbers(level=0.04, anchor=1.0, share=1.0)
BOTH = leg([1.0, -1.0])  # a long and a short


def sold(price, slippage=SLIPPAGE, side=1.0):
    """PnL and fee of a unit from 1, closed at a market price."""
    fill = price * (1 - side * slippage)
    return side * (fill - 1) - FEE * fill


def last_pnl(found):
    return found.money.pnl[-1]


def test_a_market_stop_fills_at_its_level_or_after_the_gap():
    """Of a fall by diffusion, a gap, a fall that stops short, and a gap through the liquidation price."""
    form, numbers = with_policies(book(0.2, BOTH), (StopLoss(), STOP))
    paths = [[0.97, 0.94, 1.02], [(1.0, 0.99, 0.88, 0.9)] + [0.9] * 2, [0.951, 0.96, 0.96], [(1.0, 1.0, 0.7, 0.7)] * 3]
    found = run(form, numbers, *paths)
    shortfall = 0.7 * (1 - SLIPPAGE) - 0.8
    long = [sold(0.95), sold(0.88), -0.04, -0.2]
    assert_money(last_pnl(found)[0], long)
    assert_money(last_pnl(found)[1], [-0.02, 0.1, 0.04, 0.3])
    assert_money(found.money.shortfall[-1, 0], [0, 0, 0, -shortfall])
    assert (found.codes.liquidation[0, :3] == -1).all() and found.codes.liquidation[0, 3] >= 0
    assert_money(found.money.pnl[:, 0, 0], [-0.03, sold(0.95), sold(0.95)])


def test_a_short_is_stopped_by_a_rise():
    form, numbers = with_policies(book(0.2, BOTH), (StopLoss(), STOP))
    found = run(form, numbers, [1.03, 1.06, 1.0], [(1.0, 1.0, 1.1, 1.0), 1.0, 1.0])
    assert_money(last_pnl(found)[1], [sold(1.05, side=-1), sold(1.1, side=-1)])


def test_a_stop_by_margin_moves_with_funding():
    """Half of a margin of 0.2 is lost at 0.9; after 0.01 of funding on a price of 0.98 at 0.9098."""
    form, numbers = with_policies(book(0.2, BOTH), (StopLoss(at="of_margin"), STOP._replace(level=0.5, anchor=0.2)))
    found = run(form, numbers, [0.98, 0.905, 0.905], rates=[0.01, 0, 0])
    paid = 0.01 * 0.98
    assert_money(last_pnl(found)[0], sold(0.9 + paid) - paid)
    assert_money(found.money.funding[-1, 0], -paid)


def test_a_limit_stop_rests_where_a_gap_left_it():
    """Limit 1 % under 0.95: a gap to 0.945 fills there, one to 0.9 waits for 0.9405 and may never fill."""
    form, numbers = with_policies(book(0.2, BOTH), (StopLoss(order="limit"), STOP))
    limit = 0.95 * 0.99
    found = run(
        form,
        numbers,
        [(1.0, 1.0, 0.945, 0.945), 0.945, 0.945],
        [(1.0, 1.0, 0.9, 0.9), 0.93, 0.96],
        [(1.0, 1.0, 0.9, 0.9), 0.93, 0.94],
        [(1.0, 1.0, 0.9405, 0.9405), 0.93, 0.93],
    )
    here = sold(limit, slippage=0)  # 0.9405 less slippage is beyond the limit: filled at it
    assert_money(last_pnl(found)[0], [sold(0.945), here, -0.06, here])


def test_a_delayed_stop_is_carried_out_at_the_price_then():
    """Reached in the first step, carried out at the beginning of the third: the fall goes on, or is over."""
    form, numbers = with_policies(book(0.2, BOTH), (StopLoss(delayed=True), STOP))
    found = run(form, numbers, [0.94, 0.9, 0.9, 0.9], [0.94, 1.01, 1.0, 1.0])
    assert_money(found.money.pnl[:, 0, 0], [-0.06, -0.1, sold(0.9), sold(0.9)])
    assert_money(last_pnl(found)[0, 1], sold(1.01))


def test_a_part_is_closed_once():
    form, numbers = with_policies(book(0.2, BOTH), (StopLoss(part=True), STOP._replace(share=0.5)))
    found = run(form, numbers, [0.94, 0.96, 0.94, 0.9])
    assert_money(last_pnl(found)[0, 0], 0.5 * sold(0.95) - 0.05)


def test_a_profit_is_taken_at_its_level_by_a_limit_after_the_gap_by_the_market():
    paths = [[1.05, 1.0], [(1.0, 1.0, 1.1, 1.1), 1.0], [(1.0, 0.985, 0.985, 0.985), 1.0]]
    limit = run(*with_policies(book(0.2, BOTH), (TakeProfit(), PROFIT)), *paths)
    assert_money(last_pnl(limit)[0], [sold(1.04, 0), sold(1.04, 0), 0])
    market = run(*with_policies(book(0.2, BOTH), (TakeProfit(order="market"), PROFIT)), *paths)
    assert_money(last_pnl(market)[0], [sold(1.04), sold(1.1), 0])


def test_a_trailing_stop_follows_the_best_price():
    """10 % under a best of 1.2 in the second step; a short from a best of 0.8."""
    form, numbers = with_policies(book(0.5, BOTH), (TrailingStop(), TrailingStopNumbers(distance=0.1, best=1.0)))
    found = run(form, numbers, [1.1, 1.2, 1.09, 1.0], [0.95, 0.8, 0.85, 0.95])
    assert_money(last_pnl(found)[0], [sold(1.08), sold(0.9)])
    assert_money(last_pnl(found)[1], [sold(1.1, side=-1), sold(0.88, side=-1)])


def test_the_nearest_level_counts_in_whatever_order_the_policies_stand():
    """A stop at 0.95, one at 0.97 that trails 1, a profit at 1.04 and a liquidation at (1 - 0.04) / (1 - MMR)."""
    policies = [
        (StopLoss(), STOP),
        (TrailingStop(), TrailingStopNumbers(distance=0.03, best=1.0)),
        (TakeProfit(), PROFIT),
    ]
    paths = [[0.9], [1.05], [(1.02, 0.9, 0.9, 0.9)], [(1.05, 0.9, 0.9, 0.9)], [(1.0, 1.0, 0.969, 0.969)]]
    found = [
        last_pnl(run(*with_policies(book(0.04, leg(1.0)), *(policies[place] for place in order)), *paths))
        for order in ([0, 1, 2], [2, 1, 0], [1, 2, 0])
    ]
    # of the path that falls after it went through 1.04 only the extremes are seen: what is against the leg counts
    expected = [sold(0.97), sold(1.04, 0), sold(0.97), sold(0.97), sold(0.969)]
    for pnl in found:
        assert_money(pnl[0], expected)


def test_a_stop_beyond_the_liquidation_price_does_nothing():
    form, numbers = with_policies(book(0.04, leg(1.0)), (StopLoss(), STOP))
    found = run(form, numbers, [0.9])
    left = 0.04 + (1 - 0.04) / (1 - MMR) * (1 - SLIPPAGE) - 1  # less than the fees would be
    assert_money(found.money.fees[-1, 0], left)
    assert_money(last_pnl(found)[0], -0.04)
    assert found.codes.liquidation[0, 0] >= 0


def test_a_wider_stop_never_fills_earlier():
    """200 random walks of 40 steps with gaps, seed 7: the step of the exit for eleven distances."""
    draw = np.random.default_rng(7)
    moves = 0.02 * draw.standard_normal((200, 40, 4))
    prices = np.exp(np.cumsum(moves.reshape(200, -1), axis=1)).reshape(200, 40, 4)
    distances = np.linspace(0.02, 0.12, 11)
    stop = STOP._replace(level=distances)
    found = run(*with_policies(book(0.9, leg(np.ones(11))), (StopLoss(), stop)), *[list(map(tuple, p)) for p in prices])
    is_out = found.money.fees > 0
    first = np.where(is_out.any(axis=0), is_out.argmax(axis=0), 99)
    assert (np.diff(first, axis=0) >= 0).all() and len(np.unique(first)) > 10
