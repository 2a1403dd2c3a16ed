"""Paths by hand and ledgers by hand: both evaluations, and the naive ledger, must give what is written in `cases`."""

import pytest
from books import scene as stage
from books.cases import CASES
from books.scene import ROUNDING
from helpers.ledger import Money

NAMES = [case.name for case in CASES]


@pytest.mark.parametrize("evaluation", ["static", "general"])
@pytest.mark.parametrize("number", range(len(CASES)), ids=NAMES)
def test_a_ledger_by_hand(scene, number, evaluation):
    case, row, paths = CASES[number], scene.rows[number], scene.played[evaluation]
    assert stage.events_of(paths, row, number) == (case.liquidation, case.bankruptcy, *case.losses)
    for horizon, wanted in enumerate((case.at_4h, case.at_6h)):
        got = Money(*(1000 * value for value in stage.money_of(paths, horizon, row, number)))
        assert got == pytest.approx(wanted, abs=1000 * ROUNDING)


@pytest.mark.parametrize("number", range(len(CASES)), ids=NAMES)
def test_the_naive_ledger_by_hand(scene, number):
    """The oracle itself is held to the hand-written ledgers, in float64 (they have six decimals)."""
    case = CASES[number]
    found = scene.accounts[scene.rows[number]]().follow(scene.events(number))
    assert stage.events_in(found) == (case.liquidation, case.bankruptcy, *case.losses)
    assert found.marks["4h"] == pytest.approx(case.at_4h, abs=3e-6)
    assert found.marks["6h"] == pytest.approx(case.at_6h, abs=3e-6)
    assert stage.cash_is_kept(found)
