"""Price bands by hand: what is refused, what is filled in part, and forced orders that wait."""

import numpy as np
import pytest
from helpers.venue_play import Step, account, book, event, follow, leg, one_account, parties

from stresslab.accounts.conditions import Basis, PriceBand
from stresslab.accounts.conditions import basis as law
from stresslab.accounts.conditions.price_band import BandNumbers
from stresslab.accounts.policies.stop_loss import StopLoss, StopLossNumbers


def numbers(width, slippage, balance=0.5, session=0):
    one = np.ones(1)
    stop = StopLossNumbers(0.95 * one, one, one, 0 * one, np.ones(1, np.int32))
    condition = BandNumbers(np.array(width), np.array(width), np.array(session, np.int32))
    return book(account(balance, leg(slippage=slippage)), policies=(stop,), conditions=(condition,))


def form(**choices):
    return one_account(PriceBand(**choices), policies=(StopLoss(at="price"),))


def steps(*prices):
    return [Step((price,)) for price in prices]


def test_an_order_that_would_fill_beyond_the_band_is_refused():
    """2 % of slippage, a band of 1 % around the mark: the stop is never filled."""
    end = follow(form(), numbers(0.01, 0.02), steps(0.96, 0.90))[-1]
    assert float(end.accounts[0].sizes[0][0, 0]) == 1
    assert parties(form(), numbers(0.01, 0.02), end) == pytest.approx((0.4, 0, 0, 0.1), abs=1e-14)


def test_within_the_band_it_is_filled_with_its_slippage():
    """At 0.95, 2 % worse: 0.931, the fee of 0.1 % of that."""
    end = follow(form(), numbers(0.021, 0.02), steps(0.96, 0.90))[-1]
    assert parties(form(), numbers(0.021, 0.02), end) == pytest.approx((0.431 - 0.000931, 0.000931, 0, 0.069))


def test_in_part_the_band_bounds_the_fill_and_the_rest_waits():
    """Half of the order reaches the bound: 0.5 sold at 0.95 x 0.99; a quarter at the next step, at 0.90 x 0.99."""
    own, given = form(in_part=True), numbers(0.01, 0.02)
    first, second = follow(own, given, steps(0.94, 0.90))
    cash = 0.5 * 0.9405
    assert float(first.accounts[0].sizes[0][0, 0]) == pytest.approx(0.5)
    assert parties(own, given, first).venue == pytest.approx(0.001 * cash)
    assert parties(own, given, first).trader == pytest.approx(0.5 - 0.5 * 0.06 - 0.5 * 0.0595 - 0.001 * cash)
    assert float(second.accounts[0].sizes[0][0, 0]) == pytest.approx(0.25)
    # the second order starts where the first step ended, at 0.94
    cash += 0.25 * 0.94 * 0.99
    assert parties(own, given, second).venue == pytest.approx(0.001 * cash)


def test_forced_orders_wait_below_the_limit_of_the_session():
    """Limit 7 %, margin 0.1: the trigger of 0.9474 is inside, a gap to 0.91 is not; closed when 0.94 is traded again.

    0.1 - 0.06 - 0.011 x 0.94 for the trader; the trigger is met at the price where the piece starts.
    """
    own = one_account(PriceBand("session", steps=100))
    given = book(account(0.1, leg()), conditions=(BandNumbers(np.array(0.07), np.array(0.07), np.int32(0)),))
    path = [Step(([0.91],)), Step((0.91,)), Step(([0.94],))]
    *_, waits, end = follow(own, given, path)
    assert event(waits.codes.liquidation) is None
    assert event(end.codes.liquidation) == (2, "gap")
    assert parties(own, given, end) == pytest.approx((0.04 - 0.01034, 0.01034, 0, 0.06))


def test_a_new_session_has_a_band_of_its_own():
    """From the second step on the band lies around 0.91: 0.1 - 0.09 less fees of 0.011 x 0.91, as far as they reach."""
    own = one_account(PriceBand("session", steps=1))
    given = book(account(0.1, leg()), conditions=(BandNumbers(np.array(0.07), np.array(0.07), np.int32(0)),))
    end = follow(own, given, [Step(([0.91],)), Step((0.91,))])[-1]
    assert event(end.codes.liquidation) == (1, "diffusion")
    assert parties(own, given, end) == pytest.approx((0, 0.01, 0, 0.09), abs=1e-12)


@pytest.mark.parametrize(("basis", "is_sold"), [(-0.03, True), (-0.049, True), (-0.051, False)])
def test_a_band_that_moves_with_the_premium_ends_at_its_hard_limit(basis, is_sold):
    """OKX: 2 % below index and premium, at most 5 % below the index. A gap to 0.90; last stands at the basis."""
    condition = BandNumbers(np.array(0.02), np.array(0.02), np.int32(0), np.array(0.05))
    last = law.numbers(1e-4, 1.0, now=np.log1p(basis), mean=np.log1p(basis))
    own = one_account(PriceBand("premium"), Basis("index"), policies=(StopLoss(at="price"),))
    given = numbers(0.02, 0.0)._replace(conditions=(condition, last))
    end = follow(own, given, [Step(([0.90],), (np.uint32(2**31),))])[-1]
    assert float(end.accounts[0].sizes[0][0, 0]) == (0 if is_sold else 1)
    if is_sold:
        assert float(end.ledger.others[0, 0]) == pytest.approx(1 - 0.90 * (1 + basis))
