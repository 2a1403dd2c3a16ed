"""Circuit breakers by hand: nothing is filled while trading is paused, everything at the price where it reopens."""

import numpy as np
import pytest
from helpers.venue_play import Step, account, book, event, follow, leg, one_account, parties

from stresslab.accounts.conditions import Halt
from stresslab.accounts.conditions.halt import HaltNumbers
from stresslab.accounts.policies.stop_loss import StopLoss, StopLossNumbers

TRIGGER = 0.9 / 0.95
FORM = one_account(Halt(steps=2))


def numbers(balance=0.1, limits=(0.05,), pauses=(2.0,), policies=()):
    condition = HaltNumbers(np.array(limits), np.array(pauses))
    return book(account(balance, leg()), conditions=(condition,), policies=policies)


def steps(*prices):
    return [Step((price,)) for price in prices]


def test_a_pause_lets_the_price_run_through_the_trigger_and_reopens_below_it():
    """1 -> 0.949 trips 5 %; two steps of pause end at 0.88, where all is closed: 0.1 - 0.12 is 0.02 short.

    trader 0, venue nothing (no equity for fees), fund -0.02, others 0.12.
    """
    found = follow(FORM, numbers(), steps(0.949, 0.90, 0.88, 0.93))
    for paused in found[1:3]:
        assert event(paused.codes.liquidation) is None
        assert float(paused.accounts[0].sizes[0][0, 0]) == 1
    end = found[-1]
    assert event(end.codes.liquidation) == event(end.codes.bankruptcy) == (3, "halt")
    assert parties(FORM, numbers(), end) == pytest.approx((0, 0, -0.02, 0.12), abs=1e-14)
    assert float(end.ledger.shortfall[0, 0]) == pytest.approx(0.02, abs=1e-14)


def test_without_the_breaker_it_is_closed_at_the_trigger():
    end = follow(one_account(), book(account(0.1, leg())), steps(0.949, 0.90))[-1]
    fees = 0.011 * TRIGGER
    expected = (TRIGGER - 0.9 - fees, fees, 0, 1 - TRIGGER)
    assert parties(one_account(), book(account(0.1, leg())), end) == pytest.approx(expected, abs=1e-14)


def test_a_price_that_comes_back_in_the_pause_saves_the_account():
    end = follow(FORM, numbers(), steps(0.949, 0.90, 0.96, 0.96))[-1]
    assert event(end.codes.liquidation) is None
    assert parties(FORM, numbers(), end) == pytest.approx((0.06, 0, 0, 0.04), abs=1e-14)


def test_funding_in_the_pause_is_paid_but_tests_nothing():
    """At 0.90 in the pause: 0.001 x 0.9 is paid; what is left is closed at 0.96 only if it is in breach there."""
    paused = [Step((0.949,)), Step((0.90,), rate=0.001), *steps(0.96, 0.96)]
    found = follow(FORM, numbers(), paused)
    assert event(found[1].codes.liquidation) is None
    assert parties(FORM, numbers(), found[-1]) == pytest.approx((0.0591, 0, 0, 0.0409), abs=1e-14)


def test_a_stop_is_filled_at_the_reopening_before_the_account_is_looked_at():
    """Stop at 0.96; with 0.2 of margin the account stands at 0.88: sold there, 0.12 lost, fee 0.00088."""
    one = np.ones(1)
    stop = StopLossNumbers(0.94 * one, one, one, 0 * one, np.ones(1, np.int32))
    form = one_account(Halt(steps=2), policies=(StopLoss(at="price"),))
    given = numbers(0.2, policies=(stop,))
    paused, reopened = follow(form, given, steps(0.949, 0.90, 0.88, 0.93))[-2:]
    assert float(paused.accounts[0].sizes[0][0, 0]) == 1
    assert parties(form, given, reopened) == pytest.approx((0.07912, 0.00088, 0, 0.12), abs=1e-14)


def test_the_window_begins_anew_at_the_reopening():
    """0.88 is 7 % below 0.949, which has left the window: no second pause; 0.83 is 5.7 % below 0.88: a second one."""
    found = follow(FORM, numbers(0.4), steps(0.949, 0.90, 0.88, 0.88, 0.83, 0.83, 0.83))
    pause = [float(books.conditions[0].left[0, 0]) for books in found]
    assert pause == [0, 2, 1, 0, 0, 2, 1]


def test_slow_moves_trip_nothing():
    """4 % in two steps of the window."""
    found = follow(FORM, numbers(0.9), steps(*(0.98**k for k in range(1, 8))))
    assert all(float(books.conditions[0].left[0, 0]) == 0 for books in found)


def test_limits_of_a_session_one_after_another():
    """7 %: one step; 13 %: two; not twice in a session; a new session counts from its own first price."""
    form = one_account(Halt(steps=8, of="session"))
    given = numbers(0.9, (0.07, 0.13), (1.0, 2.0))
    found = follow(form, given, steps(0.92, 0.91, 0.92, 0.86, 0.86, 0.86, 0.86, 0.86, 0.81, 0.79, 0.79))
    pause = [float(books.conditions[0].left[0, 0]) for books in found]
    assert pause == [0, 1, 0, 0, 2, 1, 0, 0, 0, 0, 1]
