"""Engine and twin against ledgers by hand: all parties' money, when and why."""

import copy

import numpy as np
import pytest
from accounts.comparing import decoded
from accounts.ledgers import CASES, Case
from helpers.account_engine import Script, events, form_of, numbers_of, play


def script(case: Case) -> Script:
    """As long as the case, at least three steps: it stays where it ends."""
    assets = [case.steps, case.other_asset] if case.other_asset else [case.steps]
    filled = [steps + [(steps[-1][-1],) * 4] * (3 - len(steps)) for steps in assets]
    rates = np.where(np.arange(3) < len(case.steps), case.rate, 0.0)
    return Script(np.array(filled, float).transpose(1, 2, 0)[..., None], rates, np.arange(3))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_ledger_by_hand(case):
    played = play(form_of(case.book), numbers_of([copy.deepcopy(case.book)]), script(case), case.book.spots, ())
    got = [1000 * float(part[-1, 0, 0]) for part in played.money]
    assert got == pytest.approx(list(case.wanted), abs=case.tolerance)
    codes = played.codes
    assert decoded(codes.liquidation[0, 0]) == case.liquidation
    assert decoded(codes.bankruptcy[0, 0]) == case.bankruptcy


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_twin_by_hand(case):
    book = copy.deepcopy(case.book)
    book.parts = 64
    lived = book.follow(events(script(case), 0))
    assert list(lived.marks[-1]) == pytest.approx(list(case.wanted), abs=1e-5)
    assert lived.codes.get("liquidation") == case.liquidation
    assert lived.codes.get("bankruptcy") == case.bankruptcy


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_written_ledgers_balance(case):
    """Trader, venue, fund and others; coins that the others have bought are no cash."""
    wanted = case.wanted
    if not any(account.collaterals for account in case.accounts):
        assert wanted.pnl + wanted.fees + wanted.fund + wanted.others == pytest.approx(0, abs=3e-6)
