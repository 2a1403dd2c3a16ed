"""Books of options in the engine: by hand, at expiry, liquidated, under portfolio margin."""

from typing import Any

import jax
import numpy as np
import pytest
from helpers.option_books import DAY, one
from helpers.venue_play import Step, account, book, event, follow, leg, one_account, parties

from stresslab.accounts.form import AccountForm, AccountNumbers, Leg
from stresslab.options import black, marks
from stresslab.options.book import option_book
from stresslab.options.margin import PortfolioMargin
from stresslab.options.numbers import options
from stresslab.options.smile import ImpliedVolatility

SIGMA = 0.6
FLAT = ImpliedVolatility(skew=0.0, curvature=0.0)
RULE = PortfolioMargin(extended_dampener=1e30)  # the standard moves alone
OPTION, LINEAR, COIN, INVERSE = (Leg(contract=one) for one in ("option", "linear", "inverse_option", "inverse"))  # type: ignore[arg-type]


def numbers(quantity: float, strike: float, days: float, call: bool, settle: Any = "quote", **given: Any) -> Any:
    """An option leg with steps of a day; the table's slices are close together."""
    made, gross = options(one(quantity, strike, days, call, settle), FLAT, RULE, DAY, 30, SIGMA**2, (SIGMA, SIGMA))
    return leg(size=gross, fee=0.0003, liquidation_fee=0.002, **given)._replace(options=made)


def under_portfolio(balance: float, *legs: Any, coin: bool = False) -> AccountNumbers:
    return account(balance, *legs)._replace(portfolio=marks.loop_rule(RULE, coin, 1.0))


def call(price: float, strike: float, days: float) -> float:
    return float(black.value(price, strike, SIGMA, days * DAY, True))


def drift(*prices: float) -> list[Step]:
    return [Step((price,), variance=SIGMA**2) for price in prices]


def test_a_call_that_expires_in_the_money_pays_its_intrinsic_value_in_cash() -> None:
    """Sold at its worth c, two days to run, 0.5 behind it; the index ends at 1.1. Trader 0.5 + c - 0.1."""
    form = one_account(legs=(OPTION,), netting="portfolio")
    held = book(under_portfolio(0.5, numbers(-1.0, 1.0, 2, True)))
    _, paid, after = follow(form, held, drift(1.04, 1.1, 1.3))
    premium = call(1.0, 1.0, 2)
    assert parties_at(form, held, paid, 2) == pytest.approx((0.5 + premium - 0.1, 0, 0, 0.1 - premium), abs=1e-4)
    cash = float(np.asarray(paid.accounts[0].balance)[0, 0])
    assert float(np.asarray(after.accounts[0].balance)[0, 0]) == cash  # paid once
    assert parties_at(form, held, after, 3) == pytest.approx((0.5 + premium - 0.1, 0, 0, 0.1 - premium), abs=1e-4)


def test_in_coin_the_payoff_is_divided_by_the_index() -> None:
    """The same in coin: 0.1 / 1.1 coins."""
    form = one_account(legs=(COIN,), netting="portfolio")
    held = book(under_portfolio(0.5, numbers(-1.0, 1.0, 2, True, "coin"), coin=True))
    paid = follow(form, held, drift(1.04, 1.1))[-1]
    gained = call(1.0, 1.0, 2) - 0.1 / 1.1
    assert parties_at(form, held, paid, 2) == pytest.approx((0.5 + gained, 0, 0, -gained), abs=1e-4)


def test_a_short_call_is_liquidated_where_its_equity_meets_the_matrix() -> None:
    """Jump to 1.25 with 0.25 behind it: closed at its worth there, fees 0.0003 and 0.002 of the gross size, 0.01 lost
    to the spread; the rest stays with the customer, or the fund covers it.
    """
    form = one_account(legs=(OPTION,), netting="portfolio")
    premium = call(1.0, 1.0, 20)
    for equity in (0.25, 0.15):
        held = book(under_portfolio(equity, numbers(-1.0, 1.0, 20, True, slippage=0.01)))
        end = follow(form, held, [Step(([1.25],), variance=SIGMA**2)])[-1]
        lost = call(1.25, 1.0, 20) - premium + 0.01
        left = equity - lost
        assert event(end.codes.liquidation) == (0, "gap")
        expected = (left - 0.0023, 0.0023, 0, lost) if left > 0 else (0, 0, left, lost)
        assert parties_at(form, held, end, 1) == pytest.approx(expected, abs=2e-4)


def test_above_the_matrix_nothing_happens() -> None:
    """The same jump with enough behind it: requirement 0.8 (worst of the matrix + roll shock)."""
    form = one_account(legs=(OPTION,), netting="portfolio")
    tau = 20 * DAY
    worst = max(float(black.value(1.25 * 1.16, 1.0, sigma, tau, True)) for sigma in RULE.shifted(SIGMA, tau)) - call(
        1.25, 1.0, 20
    )
    delta = float(black.greeks(1.25, 1.0, SIGMA, tau, True).delta)
    needed = 0.8 * (worst + 0.01 * 1.25 * delta) + call(1.25, 1.0, 20) - call(1.0, 1.0, 20)
    for equity, safe in ((needed + 1e-3, True), (needed - 1e-3, False)):
        held = book(under_portfolio(equity, numbers(-1.0, 1.0, 20, True)))
        end = follow(form, held, [Step(([1.25],), variance=SIGMA**2)])[-1]
        assert (event(end.codes.liquidation) is None) == safe


@pytest.mark.parametrize(("size", "towards"), [(1.0, 0.7), (-1.0, 1.4)])
def test_a_single_future_under_portfolio_margin_has_its_closed_form(size: float, towards: float) -> None:
    """Equity 0.3 + q (p - 1) = 0.8 x 0.17 |q| p: closed there, found by secants on the way."""
    form = one_account(legs=(LINEAR,), netting="portfolio")
    held = book(under_portfolio(0.3, leg(size=size, fee=0.0, liquidation_fee=0.0)))
    end = follow(form, held, drift(towards))[-1]
    price = (1 - 0.3) / (1 - 0.136) if size > 0 else (1 + 0.3) / (1 + 0.136)
    assert event(end.codes.liquidation) == (0, "diffusion")
    trader = parties(form, held, end).trader
    assert trader == pytest.approx(0.3 + size * (price - 1), abs=1e-8)


def test_an_inverse_future_under_portfolio_margin() -> None:
    """Long, in coin: 0.3 + 1 - 1/p = 0.8 (1/p) (0.16 / 0.84 + 0.01); three secants over 4 % of the price."""
    form = one_account(legs=(INVERSE,), netting="portfolio")
    held = book(under_portfolio(0.3, leg(fee=0.0, liquidation_fee=0.0), coin=True))
    end = follow(form, held, drift(0.9, 0.88))[-1]
    price = (1 + 0.8 * (0.16 / 0.84 + 0.01)) / 1.3
    assert parties(form, held, end).trader == pytest.approx(0.3 + 1 - 1 / price, abs=1e-6)


def test_a_hedge_lowers_the_requirement() -> None:
    """A short call alone is liquidated by a jump that the same call and a long future survive."""
    held = numbers(-1.0, 1.0, 20, True)
    alone = one_account(legs=(OPTION,), netting="portfolio")
    hedged = one_account(legs=(OPTION, LINEAR), netting="portfolio")
    jump = [Step(([1.15],), variance=SIGMA**2)]
    assert event(follow(alone, book(under_portfolio(0.15, held)), jump)[-1].codes.liquidation)
    both = follow(hedged, book(under_portfolio(0.15, held, leg(size=0.55))), jump)[-1]
    assert event(both.codes.liquidation) is None


def test_without_portfolio_margin_an_option_sold_needs_its_worth_and_a_rate_of_the_underlying() -> None:
    """Short call: equity above c' + 0.075 p, else liquidated; a long call needs nothing."""
    form = one_account(legs=(OPTION,))
    jump = [Step(([1.1],), variance=SIGMA**2)]
    there = call(1.1, 1.0, 20)
    needed = there + 0.075 * 1.1 + there - call(1.0, 1.0, 20)
    for equity, safe in ((needed + 1e-3, True), (needed - 1e-3, False)):
        end = follow(form, book(account(equity, numbers(-1.0, 1.0, 20, True))), jump)[-1]
        assert (event(end.codes.liquidation) is None) == safe
    bought = book(account(call(1.0, 1.0, 20) + 1e-3, numbers(1.0, 1.0, 20, True)))
    assert event(follow(form, bought, [Step(([0.5],), variance=SIGMA**2)])[-1].codes.liquidation) is None


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 8))])
def test_cash_is_conserved_to_float64_rounding(seed: int) -> None:
    """Five options of three expiries and a perpetual, drifts and jumps over 8 days: whatever is paid is received."""
    rng = np.random.default_rng(seed)
    drawn_book = option_book(
        rng.normal(size=5), rng.uniform(0.9, 1.1, 5), rng.choice([2, 4, 7], 5) * DAY, rng.random(5) < 0.5
    )
    made, gross = options(drawn_book, FLAT, RULE, DAY, 16, SIGMA**2, (SIGMA, SIGMA))
    form = one_account(legs=(OPTION, LINEAR), netting="portfolio")
    option_leg = leg(size=gross, fee=0.0003, liquidation_fee=0.002, slippage=0.01)._replace(options=made)
    equity = float(rng.uniform(0.4, 1.0))
    held = book(under_portfolio(equity, option_leg, leg(size=float(rng.normal()))))
    price, steps = 1.0, []
    for _ in range(8):
        price *= float(np.exp(0.06 * rng.normal()))
        steps.append(Step(([price],) if rng.random() < 0.3 else (price,), rate=1e-4, variance=SIGMA**2))
    for books in follow(form, held, steps):
        ledger = books.ledger
        cash = books.accounts[0].balance + books.reserve + ledger.fees + ledger.fund + ledger.others
        assert float(np.asarray(cash)[0, 0]) == pytest.approx(equity, abs=1e-14)


def parties_at(form: Any, held: Any, books: Any, step: int) -> Any:
    """Everybody's money when the tables are read at this step."""
    from_tables = jax.tree.map(np.asarray, held)
    accounts = tuple(own._replace(legs=tuple(at(one, step) for one in own.legs)) for own in from_tables.accounts)
    return parties(form, from_tables._replace(accounts=accounts), books)


def at(leg_numbers: Any, step: int) -> Any:
    if not leg_numbers.options:
        return leg_numbers
    now = marks.at_step(jax.tree.map(jax.numpy.asarray, leg_numbers.options), jax.numpy.int32(step))
    return leg_numbers._replace(options=now)


def test_forms_without_options_have_no_part_in_it() -> None:
    """Their numbers pass through untouched."""
    plain = AccountForm()
    held = book(account(1.0, leg()))
    assert follow(one_account(), held, drift(1.0))[-1].accounts and plain.netting == "none"
