"""The loop that notes first events, against the engine that carries every account through every piece."""

from typing import Any

import jax
import numpy as np
import pytest
from accounts.policy_books import LIQUIDATION_FEE, book, leg, with_policies
from accounts.policy_paths import walked

from stresslab import general
from stresslab.accounts import first_event, levels, order_of_levels
from stresslab.accounts.form import BookForm
from stresslab.accounts.policies import POLICIES
from stresslab.accounts.policies.deleverage import Deleverage
from stresslab.accounts.policies.re_entry import ReEntry
from stresslab.accounts.policies.stop_loss import StopLoss, StopLossNumbers
from stresslab.accounts.policies.take_profit import TakeProfit, TakeProfitNumbers
from stresslab.accounts.policies.trailing_stop import TrailingStop, TrailingStopNumbers
from stresslab.models import GBM, Merton

N, STEPS = 2048, 72
MERTON = Merton(sigma=0.8, jump_intensity=20.0, jump_mean=-0.02, jump_std=0.1)
SIDES = np.array([1.0, -1.0, 1.0, -1.0])
BOOK = book(np.array([0.03, 0.03, 0.2, 0.2]), leg(SIDES, liquidation_fee=LIQUIDATION_FEE), reserve=0.01)
STOPS = StopLossNumbers(level=np.array([0.05, 0.01, 0.03, 0.05]), anchor=1.0, share=1.0, limit=0.002, latency=1)
MANAGED = (
    (StopLoss(order="limit"), STOPS._replace(latency=np.int32(0))),
    (TakeProfit(), TakeProfitNumbers(level=0.04, anchor=1.0, share=1.0)),
    (TrailingStop(), TrailingStopNumbers(distance=0.045, best=1.0)),
)


def through_the_engine(shape: Any, first: Any, *given: Any) -> Any:
    """The same walk, every account carried on."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(first_event, "suits", lambda form: False)
        return general.walk(shape, first, *given)


@pytest.mark.parametrize(
    ("model", "policies"),
    [
        pytest.param(GBM(sigma=0.8), (), id="gbm, plain"),
        pytest.param(GBM(sigma=0.8), MANAGED, id="gbm, managed"),
        pytest.param(MERTON, MANAGED, id="merton, managed", marks=pytest.mark.slow),
    ],
)
def test_first_events_are_those_of_the_engine(model: Any, policies: Any) -> None:
    """Four books on 2,048 paths with funding every 8 steps: one event in ten thousand may round the other way."""
    form, numbers = with_policies(BOOK, *policies)
    assert first_event.suits(form)
    noted, carried = (
        walked(form, numbers, STEPS, N, model=model, funding=(8, 3e-4), loss_levels=(0.3, 0.9), stages=(stage,))
        for stage in (general.walk, through_the_engine)
    )
    for one, other in zip(jax.tree.leaves(noted.codes), jax.tree.leaves(carried.codes), strict=True):
        assert (one != other).sum() <= 1e-4 * one.size
    same = noted.codes.liquidation == carried.codes.liquidation
    for one, other in zip(noted.money, carried.money, strict=True):
        np.testing.assert_allclose(np.where(same, one, 0), np.where(same, other, 0), rtol=0, atol=5e-6)
    assert (noted.codes.liquidation >= 0).sum() > N / 4 and (noted.codes.loss >= 0).sum() > N / 2
    if policies:
        is_closed = noted.end.accounts[0].sizes[0] == 0
        assert (is_closed & (noted.codes.liquidation < 0)).sum() > N / 2


def test_what_does_more_than_close_once_goes_through_the_engine() -> None:
    form = BookForm()
    assert first_event.suits(form._replace(policies=(StopLoss(), TakeProfit(), TrailingStop())))
    for policy in (StopLoss(part=True), StopLoss(delayed=True), TakeProfit(part=True), ReEntry(), Deleverage()):
        assert not first_event.suits(form._replace(policies=(policy,)))
    assert not first_event.suits(form._replace(accounts=form.accounts * 2))
    assert not first_event.suits(form._replace(accounts=(form.accounts[0]._replace(legs=form.accounts[0].legs * 2),)))


def test_policies_of_different_kinds_never_share_a_program() -> None:
    """Equal fields, other kinds: `BookForm` is a key of the compiled programs."""
    kinds = list(POLICIES.values())
    for number, kind in enumerate(kinds):
        for other in kinds[number + 1 :]:
            assert BookForm(policies=(kind(),)) != BookForm(policies=(other(),))
        assert hash(kind()) == hash(kind()) and kind() == kind()


def test_books_without_policies_have_none_in_their_program(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*given: Any) -> Any:
        raise AssertionError("policies are in the program")

    for where, name in ((levels, "close"), (levels, "where_met"), (order_of_levels, "favourable_first")):
        monkeypatch.setattr(where, name, fail)

    def noted(*given: Any) -> Any:
        return general.walk(*given)

    form, numbers = with_policies(BOOK)
    for stage in (noted, through_the_engine):
        walked(form, numbers, 2, 8, stages=(stage, _nothing))
    with pytest.raises(AssertionError, match="policies are in the program"):
        walked(*with_policies(BOOK, *MANAGED), 2, 8, stages=(noted,))


def _nothing(shape: Any, found: Any, *given: Any) -> Any:
    return found
