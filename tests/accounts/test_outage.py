"""Outages by hand: a stop that fails, is met late, or would have saved the account."""

import numpy as np
import pytest
from helpers.venue_play import AT_ONCE, NO, Step, account, book, event, follow, leg, one_account, parties

from stresslab.accounts.conditions import Outage
from stresslab.accounts.conditions.hazard import Hazard
from stresslab.accounts.conditions.spells import SpellNumbers
from stresslab.accounts.policies.margin_top_up import MarginTopUp, MarginTopUpNumbers
from stresslab.accounts.policies.stop_loss import StopLoss, StopLossNumbers

STOP = 0.97
TRIGGER = 0.9 / 0.95  # 0.1 + p - 1 = 0.05 p
LASTS = 2.5  # it begins with step 0 and is found at the beginnings of steps 1 and 2
FORM = one_account(Outage("fixed"), policies=(StopLoss(at="price"),))
CALM = one_account(policies=(StopLoss(at="price"),))


def stop():
    one = np.ones(1)
    return StopLossNumbers(STOP * one, one, one, 0 * one, np.ones(1, np.int32))


def numbers(conditions=True):
    hazard = Hazard(np.array(1e-3), np.array(0.0), np.array(1.0))
    held = (SpellNumbers(hazard, np.array(LASTS)),) if conditions else ()
    return book(account(0.1, leg()), policies=(stop(),), conditions=held)


def steps(*prices):
    """An outage begins in the first of them."""
    return [Step((price,), (NO if number else AT_ONCE,)) for number, price in enumerate(prices)]


def test_a_stop_that_was_passed_is_met_where_the_price_stands_when_the_outage_is_over():
    """1 -> 0.965 -> 0.96 while down; up again at 0.96, where the stop of 0.97 sells.

    trader 0.1 - 0.04 - 0.001 x 0.96, venue the fee, others the 0.04.
    """
    *_, down, up = follow(FORM, numbers(), steps(1.0, 0.965, 0.96, 0.98))
    assert float(down.accounts[0].sizes[0][0, 0]) == 1
    assert float(up.accounts[0].sizes[0][0, 0]) == 0
    assert parties(FORM, numbers(), up) == pytest.approx((0.05904, 0.00096, 0, 0.04), abs=1e-14)
    assert event(up.codes.liquidation) is None


def test_without_the_outage_the_stop_fills_at_its_level():
    """0.03 lost and a fee of 0.001 x 0.97."""
    calm = [step._replace(words=()) for step in steps(1.0, 0.965, 0.96, 0.98)]
    end = follow(CALM, numbers(False), calm)[-1]
    assert parties(CALM, numbers(False), end) == pytest.approx((0.06903, 0.00097, 0, 0.03), abs=1e-14)


def test_a_liquidation_that_the_stop_would_have_come_before_has_the_cause_outage():
    """1 -> 0.96 -> 0.94 while down: closed at the trigger p*, 0.9 / 0.95. Fees 0.001 p* and 0.01 p*."""
    end = follow(FORM, numbers(), steps(1.0, 0.96, 0.94))[-1]
    fees, lost = 0.011 * TRIGGER, 1 - TRIGGER
    assert event(end.codes.liquidation) == (2, "outage")
    assert parties(FORM, numbers(), end) == pytest.approx((0.1 - lost - fees, fees, 0, lost), abs=1e-14)


def test_in_one_piece_through_stop_and_trigger_the_cause_is_the_outage_too():
    end = follow(FORM, numbers(), steps(1.0, 0.94))[-1]
    assert event(end.codes.liquidation) == (1, "outage")


def test_a_stop_that_lay_beyond_the_trigger_would_not_have_saved_it():
    below = book(
        account(0.1, leg()), policies=(stop()._replace(level=np.array([0.94])),), conditions=numbers().conditions
    )
    end = follow(FORM, below, steps(1.0, 0.93))[-1]
    assert event(end.codes.liquidation) == (1, "diffusion")


def test_an_outage_that_is_over_is_no_excuse():
    """The stop was passed while down but the price came back; the stop stands again, and a gap takes the account."""
    path = [*steps(1.0, 0.965, 0.98, 0.98), Step(([0.9],), (NO,))]
    end = follow(FORM, numbers(), path)[-1]
    assert event(end.codes.liquidation) == (4, "gap")


def test_actions_fail_while_it_lasts():
    """A top-up from 0.96 on, where equity is 1.25 of the requirement: made in step 3, to 4 x 0.048."""
    one = np.ones(1)
    policy = MarginTopUpNumbers(1.8 * one, 4.0 * one, np.zeros(1, np.int32))
    form = one_account(Outage("fixed"), policies=(MarginTopUp(),))
    given = book(account(0.1, leg()), reserve=0.5, policies=(policy,), conditions=numbers().conditions)
    reserves = [float(books.reserve[0, 0]) for books in follow(form, given, steps(0.96, 0.96, 0.96, 0.96))]
    assert reserves == pytest.approx([0.5, 0.5, 0.5, 0.5 - (4 * 0.048 - 0.06)])
