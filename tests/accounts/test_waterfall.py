"""Fund, deleveraging and socialised loss on hand-made crashes: who pays what, and that nothing is lost.

The market: longs and shorts of 100 each, leverage 10, maintenance 2 %: 625 of each per unit of log price. A gap of
x = -log 0.9 from 1 to 0.9 passes longs of 625 x. Those passed by more than 2 % are bankrupt: B = 625 (x - 0.02), and
lose 625 (x - 0.02)^2 / 2; the others leave 625 * 0.02^2 / 2 = 0.125 to the fund.
"""

import dataclasses
from typing import Any

import numpy as np
import pytest
from helpers.market_walk import books, leg, walk
from hypothesis import given, settings
from hypothesis import strategies as st

from stresslab.accounts.close_out import CloseOut, CloseOutNumbers
from stresslab.accounts.conditions.waterfall import Waterfall, WaterfallNumbers
from stresslab.accounts.form import AccountForm, AccountNumbers, BookForm
from stresslab.accounts.population import LEVERAGE, SHARES, Population
from stresslab.books.outcome import CAUSES, NEVER

POPULATION = Population(np.array([100.0]), np.array([10.0]), np.array([0.02]), 0.0, 4.0, 0.001, 0.07)
FREE = CloseOutNumbers(0.0, 1.0)
X = -np.log(0.9)
BANKRUPT, LOSS, GAIN = 625 * (X - 0.02), 625 * (X - 0.02) ** 2 / 2, 0.125
CRASH = np.array([[-X], [-X]])  # the second step begins where the first has ended

ADL = Waterfall(rank="leveraged_return")


def numbers(fund: float = 0.0, **changed: Any) -> WaterfallNumbers:
    return WaterfallNumbers(fund, 1.0, POPULATION, FREE, 0.3, 0.25, np.int32(1))._replace(**changed)


def shorts(form: Waterfall, own: WaterfallNumbers, sides=(-1.0, -1.0, 1.0), margins=(0.05, 0.2, 2.0)):
    """A short of leverage 20, one of 5, and a long with margin to spare: three books of one account."""
    account = AccountNumbers(np.array(margins), (leg(list(sides)),), np.zeros(3))
    return walk(BookForm((AccountForm(),), (), (form,)), books(account, conditions=(own,)), CRASH)


def exactly(value):
    return pytest.approx(value, rel=1e-6, abs=1e-9)


def test_the_first_in_the_order_is_closed_where_the_loser_is_bankrupt():
    """No fund but the residuals of 0.125: of 2.277 lost 2.152 are uncovered, 50 % of the shorts are closed.

    At 0.9 the short of leverage 20 (return 0.1 times 0.9 / 0.15) is first, that of 5 is behind 80 % of the shorts. It
    is closed LOSS / BANKRUPT = 4.27 % above 0.9: 0.0616 of profit instead of 0.1.
    """
    found = shorts(ADL, numbers())
    end, fill = found.books, 0.9 * (1 + LOSS / BANKRUPT)
    assert (1 - GAIN / LOSS) * BANKRUPT / 100 == pytest.approx(0.504, abs=1e-3)
    assert end.codes.deleveraged[:, 0].tolist() == [1 * len(CAUSES), NEVER, NEVER]
    assert end.accounts[0].sizes[0][:, 0] == exactly([0, -1, 1])
    assert end.accounts[0].balance[:, 0] == exactly([0.05 + 1 - fill, 0.2, 2.0])
    assert end.ledger.others[:, 0] == exactly([fill - 1, 0, 0])
    assert (end.ledger.fund == 0).all() and (end.ledger.fees == 0).all()
    assert found.cash[:, 0] == exactly([0.05, 0.2, 2.0])
    market = end.conditions[0]
    assert market.fund.left == exactly(0)


def test_what_the_winners_lose_is_what_the_fund_did_not_pay():
    """Closed share times open interest times what each loses."""
    after = shorts(ADL, numbers()).books.conditions[0]
    assert after.closed * 100 * after.worse == exactly(LOSS - GAIN)


def test_a_fund_that_reaches_spares_the_winners():
    """With 2.5 the fund pays all: it has 2.5 + 0.125 - 2.277 left."""
    found = shorts(ADL, numbers(2.5)).books
    assert (found.codes.deleveraged == NEVER).all()
    assert found.conditions[0].fund.left == exactly(2.5 + GAIN - LOSS)


@pytest.mark.parametrize(("fund", "is_on"), [(7.0, False), (6.0, True)])
def test_deleveraging_begins_where_the_fund_is_down_by_its_drawdown(fund, is_on):
    """It may pay 30 % of its peak, residuals and all: of 7.125 that is 2.137, of 6.125 1.837; lost are 2.277."""
    found = shorts(dataclasses.replace(ADL, trigger="drawdown"), numbers(fund)).books.conditions[0].fund
    peak = fund + GAIN
    assert 0.3 * peak < LOSS  # both are beyond it
    assert bool(found.is_on[0, 0])
    assert found.left == exactly(0.7 * peak)
    calm = shorts(dataclasses.replace(ADL, trigger="drawdown"), numbers(fund, drawdown=0.4 if not is_on else 0.3))
    assert bool(calm.books.conditions[0].fund.is_on[0, 0]) == is_on


def test_deleveraging_stops_above_the_lower_bound():
    """On at 30 %; it stays on while the fund is below 75 % of its peak, and goes off as residuals bring it there."""
    form = dataclasses.replace(ADL, trigger="drawdown")
    own = numbers(6.0, block=np.int32(1000))
    small = -X - 0.019 * np.arange(5)[:, None]  # after the crash small falls, which leave residuals only
    account = AccountNumbers(np.array([2.0]), (leg([1.0]),), np.zeros(1))
    on = []
    for moves in range(1, 6):
        path = np.concatenate([small[:moves], np.repeat(small[moves - 1 : moves], 6 - moves, axis=0)])
        found = walk(BookForm((AccountForm(),), (), (form,)), books(account, conditions=(own,)), path)
        fund = found.books.conditions[0].fund
        on.append(bool(fund.is_on[0, 0]))
        assert on[-1] == (float(fund.left[0, 0]) < 0.75 * (6 + GAIN))
    assert on[0] and not on[-1]


def test_at_the_mark_winners_lose_nothing():
    """The hedge is gone at 0.9, its profit of 0.1 kept; the fund has paid what it had."""
    found = shorts(dataclasses.replace(ADL, price="mark"), numbers()).books
    assert found.accounts[0].balance[:, 0] == exactly([0.15, 0.2, 2.0])
    assert found.conditions[0].fund.left == exactly(GAIN - LOSS if GAIN > LOSS else 0)


def test_without_a_fund_every_bankrupt_position_is_passed_on():
    """Hyperliquid: all of B is closed against shorts, whatever the vault has, and none for the impact of orders."""
    form = dataclasses.replace(ADL, trigger="equity_negative", rank="mark_leverage", price="mark")
    found = shorts(form, numbers(100.0, close_out=CloseOutNumbers(1.0, 1.0))).books.conditions[0]
    assert found.closed == exactly(BANKRUPT / 100)


@pytest.mark.parametrize(
    ("then", "paid"),
    [("socialise", [0.9, 0.9, 0.0]), ("pro_rata_funding", [0.45, 0.45, 0.45])],
)
def test_a_loss_is_shared(then, paid):
    """2.152 over the shorts' 100, or over both sides' 200: a notional of 0.9 pays so much per cent of it."""
    found = shorts(Waterfall(then=then), numbers())
    uncovered, end = (LOSS - GAIN) / 100, found.books
    assert end.ledger.socialised[:, 0] == exactly(np.array(paid) * uncovered)
    assert end.ledger.others[:, 0] == exactly(np.array(paid) * uncovered)
    assert end.accounts[0].balance[:, 0] == exactly(np.array([0.05, 0.2, 2.0]) - np.array(paid) * uncovered)
    assert found.cash[:, 0] == exactly([0.05, 0.2, 2.0])


def test_my_own_shortfall_is_paid_by_others_where_the_fund_is_empty():
    """A long of leverage 20 gaps through its bankruptcy in the second crash: the fund was emptied by the first."""
    account = AccountNumbers(np.array([0.14]), (leg([1.0]),), np.zeros(1))
    path = np.array([[-X], [-2 * X], [-2 * X]])
    for fund, of_fund in ((0.0, 0.0), (100.0, -0.05)):
        found = walk(BookForm((AccountForm(),), (), (ADL,)), books(account, conditions=(numbers(fund),)), path)
        ledger = found.books.ledger
        assert ledger.shortfall[0, 0] == exactly(0.05)  # 0.81 is 0.19 down
        assert ledger.fund[0, 0] == exactly(of_fund)
        assert found.cash[0, 0] == exactly(0.14)


def test_a_hedge_that_is_deleveraged_leaves_the_other_leg_naked():
    """Long and short in two accounts: after the short is gone the book loses with the market again."""
    long = AccountNumbers(np.array([0.5]), (leg([1.0]),), np.zeros(1))
    hedge = AccountNumbers(np.array([0.05]), (leg([-1.0]),), np.zeros(1))
    path = np.array([[-X], [-X - 0.05]])
    found = walk(
        BookForm((AccountForm(), AccountForm()), (), (ADL,)), books(long, hedge, conditions=(numbers(),)), path
    )
    sizes = [holding.sizes[0][0, 0] for holding in found.books.accounts]
    assert sizes == [1.0, 0.0]


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    "form",
    [
        Waterfall(rank="leverage_pnl"),
        Waterfall(rank="random"),
        Waterfall(then="socialise"),
        pytest.param(Waterfall(rank="mark_leverage"), marks=SLOW),
        pytest.param(Waterfall(rank="profit"), marks=SLOW),
        pytest.param(Waterfall(then="pro_rata_funding"), marks=SLOW),
    ],
)
@given(seed=st.integers(0, 2**31), fund=st.floats(0, 3))
@settings(max_examples=8, deadline=None, derandomize=True)
def test_cash_is_conserved(form, seed, fund):
    """20 paths of 12 gaps of 6 %, four books: all parties' cash to 1e-12."""
    rng = np.random.default_rng(seed)
    paths = np.cumsum(0.06 * rng.standard_normal((12, 20)), axis=0)
    margins = np.array([0.05, 0.2, 0.1, 1.0])
    account = AccountNumbers(margins, (leg([-1.0, -1.0, 1.0, 1.0], fee=np.full(4, 0.001)),), np.array([0.0, 1, 0, 1]))
    own = numbers(fund, close_out=CloseOutNumbers(0.005, 50.0))
    whole = dataclasses.replace(form, close_out=CloseOut("linear", falls=False))
    found = walk(BookForm((AccountForm(),), (), (whole,)), books(account, conditions=(own,)), paths, seed=seed)
    assert np.abs(found.cash - margins[:, None]).max() < 1e-12
    assert (found.books.conditions[0].fund.left >= 0).all()


@pytest.mark.parametrize("trigger", ["fund_empty", pytest.param("drawdown", marks=SLOW)])
def test_a_larger_fund_never_deleverages_earlier(trigger):
    """500 paths of 20 gaps of 6 %, seed 9: as the fund grows from 0 to 64 nobody is deleveraged sooner."""
    paths = np.cumsum(0.06 * np.random.default_rng(9).standard_normal((20, 500)), axis=0)
    account = AccountNumbers(np.array([0.15, 0.15]), (leg([-1.0, 1.0]),), np.zeros(2))
    form, times = BookForm((AccountForm(),), (), (dataclasses.replace(ADL, trigger=trigger),)), []
    for fund in (0.0, 1.0, 4.0, 16.0, 64.0):
        codes = walk(form, books(account, conditions=(numbers(fund),)), paths).books.codes.deleveraged
        times.append(np.where(codes == NEVER, 2**30, codes))
    assert (times[0] < 2**30).any()
    assert all((after >= before).all() for before, after in zip(times, times[1:], strict=False))


def test_the_pool_of_october_2025():
    """Binance's pool for BTC, ETH and BNB: $1.23B, 188M less after BTC fell 13 % in under an hour.

    Tuned to it: open interest $20B a side, volume of a day $28B, Y = 1, at a volatility of 1200 % (13 % in 40 minutes).
    """
    dt = 1 / 365 / 1440
    many = Population(
        2e10 * np.array(SHARES), np.array(LEVERAGE), np.array([0.004, 0.004, 0.005, 0.005, 0.01]), 1 - np.exp(-dt * 73),
        4.0, np.sqrt(dt), 0.07,
    )  # fmt: skip
    own = numbers(1.23e9, population=many, close_out=CloseOutNumbers(1.0, 2.8e10, 0.5), block=np.int32(60))
    account = AccountNumbers(np.array([0.5]), (leg([1.0]),), np.zeros(1))
    fall = np.log(0.87)
    path = np.concatenate([np.linspace(0, 0.55 * fall, 40), np.linspace(0.55 * fall, fall, 6), [fall, fall]])[:, None]
    found = walk(
        BookForm((AccountForm(),), (), (Waterfall(),)), books(account, conditions=(own,)), path, variance=144.0
    )
    assert found.books.conditions[0].fund.left[0, 0] - 1.23e9 == pytest.approx(-188e6, rel=0.05)
