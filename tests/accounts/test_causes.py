"""Why an account was liquidated, beyond how the price got there."""

import pytest
from helpers.venue_play import Step, account, book, event, follow, leg, one_account, parties

from stresslab.accounts.causes import causes_of
from stresslab.accounts.conditions import Basis, Halt, Outage, VenueDefault
from stresslab.accounts.policies.stop_loss import StopLoss
from stresslab.books.outcome import BASE_CAUSES, CAUSES

COIN = one_account(collaterals=(1,))


def coin_book():
    """A long of 0.5 on cash of 0.02 and coin of 0.1 that counts in full."""
    return book(account(0.02, leg(0.5, fee=0.0, liquidation_fee=0.0), collaterals=((0.1, 1.0),)))


def test_a_liquidation_that_the_fall_of_the_collateral_made_has_its_cause():
    """Asset 0.9, coin at 0.5: 0.02 - 0.05 + 0.05 against 0.0225. With coin at 1 there would be 0.07."""
    end = follow(COIN, coin_book(), [Step(([(0.9, 0.5)],))], n_assets=2)[-1]
    assert event(end.codes.liquidation) == (0, "collateral")
    # 0.03 of the loss is not covered by cash: 0.06 coin sold at 0.5; 0.04 coin are left, worth 0.02
    assert float(end.accounts[0].collaterals[0][0, 0]) == pytest.approx(0.04)
    assert parties(COIN, coin_book(), end).trader == pytest.approx(0.02)


def test_one_that_would_have_come_anyhow_keeps_its_cause():
    """Asset 0.78, coin at 0.9: 0.02 - 0.11 + 0.1 = 0.01 with coin at 1 is not enough either."""
    end = follow(COIN, coin_book(), [Step(([(0.78, 0.9)],))], n_assets=2)[-1]
    assert event(end.codes.liquidation) == (0, "gap")


def test_a_book_lists_the_causes_that_it_can_have():
    stop = (StopLoss(),)
    assert causes_of(one_account()) == BASE_CAUSES
    assert causes_of(one_account(Basis())) == BASE_CAUSES
    assert causes_of(one_account(Halt(2), collaterals=(0,))) == (*BASE_CAUSES, "halt", "collateral")
    everything = one_account(VenueDefault(), Halt(2), Outage(), policies=stop, collaterals=(0,))
    assert causes_of(everything) == CAUSES


def test_an_outage_without_stops_is_no_cause():
    assert causes_of(one_account(Outage())) == BASE_CAUSES
