"""A stale oracle by hand: the mark stands still and triggers nothing, then jumps to where the price is."""

import numpy as np
import pytest
from helpers.venue_play import AT_ONCE, NO, Step, account, book, event, follow, leg, one_account, parties

from stresslab.accounts.conditions import StaleOracle
from stresslab.accounts.conditions.hazard import Hazard
from stresslab.accounts.conditions.spells import SpellNumbers
from stresslab.accounts.policies.stop_loss import StopLoss, StopLossNumbers

TRIGGER = 0.9 / 0.95
LASTS = 2.5  # it begins with step 0 and stands in steps 1 and 2
HAZARD = Hazard(np.array(1e-3), np.array(0.0), np.array(1.0))
FORM = one_account(StaleOracle("fixed"))


def numbers(**given):
    return book(account(0.1, leg()), conditions=(SpellNumbers(HAZARD, np.array(LASTS)),), **given)


def steps(*prices):
    return [Step((price,), (NO if number else AT_ONCE,)) for number, price in enumerate(prices)]


def test_a_fall_and_a_rise_behind_a_mark_that_stands_harm_nobody():
    end = follow(FORM, numbers(), steps(1.0, 0.90, 0.97, 0.97))[-1]
    assert event(end.codes.liquidation) is None
    assert parties(FORM, numbers(), end) == pytest.approx((0.07, 0, 0, 0.03), abs=1e-14)


def test_when_it_is_back_the_mark_jumps_and_the_account_is_closed_there():
    """At 0.93: 0.03 left, fees of 0.011 x 0.93; 0.02 less than at the trigger of 0.9474."""
    *_, stands, end = follow(FORM, numbers(), steps(1.0, 0.95, 0.93, 0.99))
    assert event(stands.codes.liquidation) is None
    assert event(end.codes.liquidation) == (3, "gap")
    assert parties(FORM, numbers(), end) == pytest.approx((0.03 - 0.01023, 0.01023, 0, 0.07), abs=1e-14)


def test_funding_is_tested_at_the_mark_that_stands():
    """Standing at 1.0: 0.06 is paid on an index of 0.99, 0.1 - 0.0594 is less than 0.05; filled at the index."""
    path = [Step((1.0,), (AT_ONCE,)), Step((0.99,), (NO,), rate=0.06)]
    end = follow(FORM, numbers(), path)[-1]
    left, fees = 0.1 - 0.0594 - 0.01, 0.011 * 0.99
    assert event(end.codes.liquidation) == (1, "funding")
    assert parties(FORM, numbers(), end) == pytest.approx((left - fees, fees, 0, 0.0594 + 0.01), abs=1e-14)


@pytest.mark.parametrize(("on", "sold"), [("last", 0.97), ("mark", 0.95)])
def test_a_stop_on_the_last_price_is_met_and_one_on_the_mark_when_it_is_back(on, sold):
    """On the mark: nothing until the mark is back at 0.95, where it is met as after a gap."""
    one = np.ones(1)
    stop = StopLossNumbers(0.97 * one, one, one, 0 * one, np.ones(1, np.int32))
    form = one_account(StaleOracle("fixed"), policies=(StopLoss(at="price", on=on),))
    given = numbers(policies=(stop,))
    end = follow(form, given, steps(1.0, 0.96, 0.95, 0.99))[-1]
    fee = 0.001 * sold
    assert parties(form, given, end) == pytest.approx((0.1 - (1 - sold) - fee, fee, 0, 1 - sold), abs=1e-14)
