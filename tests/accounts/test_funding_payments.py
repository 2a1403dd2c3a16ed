"""Funding in the engine by hand: price of the notional, cap, contracts, who pays whom."""

import numpy as np
import pytest
from helpers.venue_play import Step, account, book, event, follow, leg, one_account, parties

from stresslab.accounts.conditions import Basis
from stresslab.accounts.conditions import basis as law
from stresslab.accounts.form import Leg


def paid(own_leg, numbers, price, rate, *conditions, given=()):
    form = one_account(*conditions, legs=(own_leg,))
    whole = book(account(0.5, numbers), conditions=given)
    end = follow(form, whole, [Step((price,), rate=rate)])[-1]
    assert sum(parties(form, whole, end)) == pytest.approx(0.5, abs=1e-14)
    return float(end.ledger.funding[0, 0])


def test_a_long_pays_what_a_short_receives():
    """0.001 of a notional of 1.1 at the index."""
    assert paid(Leg(), leg(), 1.1, 0.001) == pytest.approx(-0.0011, abs=1e-15)
    assert paid(Leg(), leg(-1.0), 1.1, 0.001) == pytest.approx(0.0011, abs=1e-15)
    assert paid(Leg(), leg(), 1.1, -0.001) == pytest.approx(0.0011, abs=1e-15)


def test_an_inverse_contract_pays_coin_on_its_notional_in_coin():
    """Face 1 at a price of 1.25: notional 0.8 coin."""
    assert paid(Leg(contract="inverse"), leg(), 1.25, 0.001) == pytest.approx(-0.0008, abs=1e-15)


@pytest.mark.parametrize(("rate", "within"), [(0.004, 0.003), (-0.004, -0.003), (0.002, 0.002)])
def test_the_rate_lies_within_the_cap_of_the_leg(rate, within):
    assert paid(Leg(), leg(funding_cap=0.003), 1.1, rate) == pytest.approx(-within * 1.1, abs=1e-15)


@pytest.mark.parametrize(("at", "price"), [("index", 1.1), ("mark", 1.1 * 1.02)])
def test_the_notional_is_that_at_the_index_or_at_the_mark(at, price):
    condition = law.numbers(1e-4, 1.0, now=0.05, mean=0.05, clamp=0.02)
    words = Basis("average")
    form = one_account(words, legs=(Leg(funding=at),))
    given = book(account(0.5, leg()), conditions=(condition,))
    end = follow(form, given, [Step((1.1,), (np.uint32(2**31),), rate=0.001)])[-1]
    assert float(end.ledger.funding[0, 0]) == pytest.approx(-0.001 * price, abs=1e-15)


def test_a_leg_can_be_without_funding():
    assert paid(Leg(funding="none"), leg(), 1.1, 0.001) == 0


def test_a_payment_can_liquidate():
    """0.06 paid at 1.0: 0.04 stands against 0.05; closed at 1.0, fees of 0.011."""
    form, given = one_account(), book(account(0.1, leg()))
    end = follow(form, given, [Step((1.0,), rate=0.06)])[-1]
    assert event(end.codes.liquidation) == (0, "funding")
    assert parties(form, given, end) == pytest.approx((0.04 - 0.011, 0.011, 0, 0.06), abs=1e-14)
