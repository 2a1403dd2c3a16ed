"""Policies that act by the clock, on paths that are written down: every cash flow by hand, in float64.

They act at the beginning of a step, at the price where the one before ended.
"""

import numpy as np
from accounts.policy_books import (
    FEE,
    LIQUIDATION_FEE,
    MMR,
    SLIPPAGE,
    assert_money,
    beside,
    book,
    leg,
    run,
    with_policies,
)

from stresslab.accounts.policies.constant_leverage import ConstantLeverage, ConstantLeverageNumbers
from stresslab.accounts.policies.deleverage import Deleverage, DeleverageNumbers
from stresslab.accounts.policies.delta_hedge import DeltaHedge, DeltaHedgeNumbers
from stresslab.accounts.policies.margin_top_up import MarginTopUp, MarginTopUpNumbers
from stresslab.accounts.policies.re_entry import ReEntry, ReEntryNumbers
from stresslab.accounts.policies.stop_loss import StopLoss, StopLossNumbers
from stresslab.books.outcome import CAUSES

LONG = leg(1.0)
COST = FEE + SLIPPAGE


def trade(change, price):
    """What a trade costs in slippage and fee."""
    return abs(change) * price * (SLIPPAGE + FEE * (1 + np.sign(change) * SLIPPAGE))


def test_a_top_up_brings_the_ratio_back_to_its_target():
    """Requirement MMR p. At 0.91 equity is 0.01, ratio 2.2: topped up to 5; at 0.9 too soon; again three steps on."""
    top_up = MarginTopUpNumbers(trigger=4.0, target=5.0, wait=np.int32(3))
    form, numbers = with_policies(book(0.1, LONG, reserve=0.03), (MarginTopUp(), top_up))
    found = run(form, numbers, [0.91, 0.9, 0.899, 0.899, 0.899, 0.89])
    first = 5 * MMR * 0.91 - 0.01
    second = 5 * MMR * 0.899 - (0.1 + first + 0.899 - 1)
    third = 0.03 - first - second
    (account,) = found.end.accounts
    assert_money(account.balance[0, 0], 0.1 + first + second)
    assert_money(found.end.reserve[0, 0], third)
    assert_money(found.money.pnl[-1, 0, 0], -0.11)
    assert found.codes.liquidation[0, 0] == -1


def test_a_top_up_ends_with_the_reserve():
    top_up = MarginTopUpNumbers(trigger=4.0, target=5.0, wait=np.int32(0))
    form, numbers = with_policies(book(0.1, LONG, reserve=0.01), (MarginTopUp(), top_up))
    found = run(form, numbers, [0.91, 0.9, 0.9, 0.85])
    trigger = (1 - 0.11) / (1 - MMR)
    left = 0.11 + trigger * (1 - SLIPPAGE) - 1
    assert left < (FEE + LIQUIDATION_FEE) * trigger  # the fees take it all
    assert_money([found.end.reserve[0, 0], found.end.accounts[0].balance[0, 0]], [0, 0])
    assert found.codes.liquidation[0, 0] // len(CAUSES) == 3


def test_deleveraging_restores_the_ratio():
    """At 0.92 equity is 0.02, requirement 0.0046: reduced until 0.02 - s c = 8 (1 - s) 0.0046."""
    form, numbers = with_policies(book(0.1, LONG), (Deleverage(), DeleverageNumbers(trigger=5.0, target=8.0)))
    found = run(form, numbers, [0.92, 0.92, 0.92])
    required, cost = MMR * 0.92, COST * 0.92
    share = (8 * required - 0.02) / (8 * required - cost)
    assert_money(found.end.accounts[0].sizes[0][0, 0], 1 - share)
    assert_money(found.money.pnl[-1, 0, 0], -0.08 - trade(-share, 0.92))
    equity = 0.1 + found.money.pnl[-1, 0, 0]
    np.testing.assert_allclose(equity / (required * (1 - share)), 8, rtol=1e-4)  # the fee is on the fill


def test_constant_leverage_at_an_interval_and_at_a_band():
    """5 on an equity of 0.2; at 1.1 equity is 0.3, so 1.5 / 1.1 are held. Every second step, or 25 % off."""
    five = ConstantLeverageNumbers(leverage=5.0, interval=np.int32(2), band=0.25)
    for when, path, bought_at in (("interval", [1.05, 1.1, 1.1], 2), ("band", [1.05, 1.1, 1.1], 2)):
        form, numbers = with_policies(book(0.2, LONG), (ConstantLeverage(when=when), five))
        found = run(form, numbers, path)
        change = 5 * 0.3 / 1.1 - 1
        assert_money(found.end.accounts[0].sizes[0][0, 0], 1 + change)
        assert_money(found.money.pnl[bought_at, 0, 0], 0.1 - trade(change, 1.1))


def test_re_entry_takes_what_is_left_while_it_is_above_the_floor():
    """Stopped at 0.95; again with 5 times what is left at 0.94, stopped 5 % under that; then wealth is below 0.7."""
    stop = StopLossNumbers(level=0.05, anchor=1.0, share=1.0, limit=0.0, latency=np.int32(0))
    again = ReEntryNumbers(side=1.0, leverage=5.0, floor=0.7, wait=np.int32(0))
    left = 0.2 + 0.95 * (1 - SLIPPAGE) * (1 - FEE) - 1
    size = left / (1 / 5 + COST) / 0.94
    after = left - trade(size, 0.94)
    fill = 0.94 * 0.95 * (1 - SLIPPAGE)
    out = after + size * (fill * (1 - FEE) - 0.94)
    for order in ([0, 1], [1, 0]):
        policies = [(StopLoss(), stop), (ReEntry(), again)]
        form, numbers = with_policies(book(0.2, LONG), *(policies[place] for place in order))
        found = run(form, numbers, [0.94, 0.93, 0.88, 1.0, 1.2])
        assert_money(found.money.pnl[:2, 0, 0], [left - 0.2, after + size * (0.93 - 0.94) - 0.2])
        assert_money(found.money.pnl[2:, 0, 0], out - 0.2)
        assert out < 0.7 * 0.2 and (found.end.accounts[0].sizes[0] == 0).all()


def test_re_entry_after_a_liquidation_keeps_the_first_code_and_ends_with_the_money():
    """A gap to 0.7 leaves the account with nothing: without a reserve it stays out, with one it is back."""
    again = ReEntryNumbers(side=1.0, leverage=10.0, floor=0.0, wait=np.int32(0))
    path = [(1.0, 1.0, 0.7, 0.7), 0.7, (0.7, 0.7, 0.5, 0.5), 0.8]
    form, numbers = with_policies(book(0.1, LONG), (ReEntry(), again))
    alone = run(form, numbers, path)
    assert_money(alone.money.pnl[:, 0, 0], -0.1)
    form, numbers = with_policies(book(0.1, LONG, reserve=0.05), (ReEntry(), again))
    backed = run(form, numbers, path)
    size = 0.05 / (0.1 + COST) / 0.7
    assert_money(backed.money.pnl[1, 0, 0], -0.1 - trade(size, 0.7))
    assert_money(backed.money.pnl[2:, 0, 0], -0.15)
    assert (alone.codes.liquidation == backed.codes.liquidation).all() and alone.codes.liquidation[0, 0] // len(
        CAUSES
    ) == 0


def test_re_entry_waits():
    again = ReEntryNumbers(side=1.0, leverage=10.0, floor=0.0, wait=np.int32(2))
    form, numbers = with_policies(book(0.1, LONG, reserve=0.05), (ReEntry(), again))
    found = run(form, numbers, [(1.0, 1.0, 0.7, 0.7), 0.7, 0.7, 0.7, 0.7])
    fees = found.money.fees[:, 0, 0]
    assert (fees[:3] == 0).all() and fees[3] > 0 and fees[4] == fees[3]


def test_a_hedge_mirrors_the_delta_and_can_be_liquidated():
    """Short 1 against a long of 1, in its own account with 0.1: a rise to 1.2 takes the hedge, the long goes on."""
    hedge = DeltaHedgeNumbers(ratio=1.0, max_leverage=20.0, interval=np.int32(1), band=0.0)
    numbers = beside(book(0.5, LONG), 0.1, leg(0.0))
    form, numbers = with_policies(numbers, (DeltaHedge(), hedge))
    found = run(form, numbers, [1.05, 1.2, 1.2])
    opening = trade(-1.0, 1.0)
    trigger = (1.1 - opening) / (1 + MMR)
    fill = trigger * (1 + SLIPPAGE)
    left = 1.1 - opening - fill
    assert_money(found.money.pnl[0, 0, 0], -opening)
    assert_money(found.money.pnl[-1, 0, 0], 0.2 - 0.1 + max(left - (FEE + LIQUIDATION_FEE) * fill, 0))
    assert found.codes.liquidation[0, 0] // len(CAUSES) == 1
    assert_money(found.end.accounts[1].sizes[0], 0)


def test_a_hedge_is_no_larger_than_its_account_carries_and_left_alone_in_its_band():
    hedge = DeltaHedgeNumbers(ratio=1.0, max_leverage=4.0, interval=np.int32(1), band=0.5)
    numbers = beside(book(0.5, leg([1.0, 0.4])), 0.1, leg([0.0, 0.0]))
    form, numbers = with_policies(numbers, (DeltaHedge(when="band"), hedge._replace(band=0.3)))
    found = run(form, numbers, [1.0, 1.0])
    assert_money(found.end.accounts[1].sizes[0][:, 0], [-0.4, -0.4])
    form, numbers = with_policies(numbers._replace(policies=()), (DeltaHedge(when="band"), hedge))
    assert_money(run(form, numbers, [1.0, 1.0]).end.accounts[1].sizes[0][:, 0], [0, 0])
