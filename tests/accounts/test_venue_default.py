"""The venue's default by hand: positions closed at the mark, a part of the wealth left, nothing moves any more."""

import numpy as np
import pytest
from helpers.venue_play import AT_ONCE, NO, Step, account, book, event, follow, leg, one_account, parties

from stresslab.accounts.conditions import VenueDefault
from stresslab.accounts.conditions.hazard import Hazard
from stresslab.accounts.conditions.venue_default import DefaultNumbers
from stresslab.accounts.policies.margin_top_up import MarginTopUp, MarginTopUpNumbers

RECOVERY = 0.4


def numbers(*accounts, reserve=0.0, **given):
    hazard = Hazard(np.array(1e-3), np.array(0.0), np.array(1.0))
    condition = DefaultNumbers(hazard, np.array(RECOVERY))
    return book(*accounts, reserve=reserve, conditions=(condition,), **given)


def steps(*prices):
    """It fails at the beginning of step 1."""
    return [Step((price,), (AT_ONCE if number == 1 else NO,)) for number, price in enumerate(prices)]


def test_all_is_closed_at_the_mark_without_fee_and_the_recovery_is_left():
    """Closed at 1.05: wealth 0.15; 0.06 are left, 0.09 are the other creditors', who also paid the gain of 0.05."""
    form, given = one_account(VenueDefault()), numbers(account(0.1, leg()))
    before, *_, end = follow(form, given, steps(1.05, 1.3, 0.5), levels=(0.3, 0.5))
    assert parties(form, given, before) == pytest.approx((0.15, 0, 0, -0.05), abs=1e-14)
    assert parties(form, given, end) == pytest.approx((0.06, 0, 0, 0.09 - 0.05), abs=1e-14)
    assert event(end.codes.default) == (1, "venue_default")
    assert event(end.codes.liquidation) is None
    assert event(end.codes.loss[0]) == (1, "venue_default")
    assert event(end.codes.loss[1]) is None  # 0.06 of 0.1 is a loss of 40 %


def test_collateral_is_a_claim_at_its_price_and_a_reserve_shares_the_fate_of_the_venue():
    """Coin of 0.5 at 1.2 and cash 0.1 + 0.2: 0.9 in the account, 0.3 beside it. Left: 0.36 and 0.12, or all of 0.3."""
    own = account(0.1, leg(), collaterals=((0.5, 0.9),))
    for is_there, left in ((True, 0.36 + 0.12), (False, 0.36 + 0.3)):
        form = one_account(VenueDefault(reserve_is_there=is_there), collaterals=(0,))
        given = numbers(own, reserve=0.3)
        end = follow(form, given, steps(1.2, 0.7))[-1]
        trader, venue, fund, others = parties(form, given, end)
        assert trader == pytest.approx(left, abs=1e-14)
        assert (venue, fund) == (0, 0)
        # they paid 0.6 for the coin and 0.2 for the gain; what is not recovered of the claims stays with them
        lost = 0.6 * 0.9 + (0.6 * 0.3 if is_there else 0)
        assert others == pytest.approx(-0.6 - 0.2 + lost, abs=1e-14)
        assert float(end.accounts[0].collaterals[0][0, 0]) == 0


def test_what_an_account_is_below_zero_the_fund_pays():
    """A stage that waits leaves the account open at 0.85: 0.1 - 0.15; claims cannot be negative."""
    form, given = one_account(VenueDefault()), numbers(account(0.1, leg(mmr=[-1.0])))  # never in breach
    end = follow(form, given, steps(0.85, 0.9))[-1]
    assert parties(form, given, end) == pytest.approx((0, 0, -0.05, 0.15), abs=1e-14)
    assert event(end.codes.bankruptcy) == (1, "venue_default")


def test_nothing_moves_from_then_on():
    """A top-up that would have been made is not; funding is paid by nobody."""
    one = np.ones(1)
    policy = MarginTopUpNumbers(1.8 * one, 4.0 * one, np.zeros(1, np.int32))
    form = one_account(VenueDefault(reserve_is_there=False), policies=(MarginTopUp(),))
    given = numbers(account(0.1, leg()), reserve=0.5, policies=(policy,))
    path = steps(1.0, 1.0, 0.96, 0.96)
    path[-1] = path[-1]._replace(rate=0.01)
    end = follow(form, given, path)[-1]
    assert float(end.reserve[0, 0]) == 0.5
    assert float(end.ledger.funding[0, 0]) == 0
    assert parties(form, given, end).trader == pytest.approx(0.5 + RECOVERY * 0.1, abs=1e-14)
