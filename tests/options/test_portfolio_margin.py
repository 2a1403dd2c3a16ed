"""Portfolio margin against the venue's worked response, closed forms of single positions, and a loop over scenarios."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from helpers.option_books import DAY, drawn, nothing, one
from hypothesis import given, settings
from hypothesis import strategies as st

from stresslab.options import margin
from stresslab.options.book import FIELDS, OptionBook
from stresslab.options.margin import PortfolioMargin
from stresslab.options.smile import ImpliedVolatility

RULE = PortfolioMargin()
FLAT = np.array([0.6])
SPOT = 66_000.0

# docs.deribit.com/api-reference/account-management/private-simulate, response of 2024-06-17, figures in BTC
PERPETUAL, DATED, INDEX = 0.314538364, -0.001187534, 65666.19
STANDARD = [-0.05991206933, -0.04289159509, -0.02735116209, -0.01310576517, 0.0, 0.01209762938, 0.02329913807,
            0.033700539, 0.04338460193]  # fmt: skip
WORST, ROLL, MATRIX, MAINTENANCE = 0.05968587238, 0.00315725898, 0.06284313098, 0.050274504784


def test_the_venues_worked_response() -> None:
    """Vector, worst case, roll shock, matrix margin and maintenance margin of two futures, to the last digit given (the
    response adds the worst case rounded to 1e-9).
    """
    moves = RULE.standard_moves
    np.testing.assert_allclose(PERPETUAL * moves / (1 + moves), STANDARD, atol=1e-11)
    both = margin.requirement(RULE, nothing("coin"), np.array(INDEX), np.zeros(0), 0.0, PERPETUAL + DATED)
    assert both.worst == pytest.approx(WORST, abs=1e-11)
    roll = RULE.roll_shock(0.0) * (PERPETUAL - DATED)
    assert roll == pytest.approx(ROLL, abs=1e-11)
    assert both.worst + roll == pytest.approx(MATRIX, abs=1e-9)
    assert RULE.mm_factor * (both.worst + roll) == pytest.approx(MAINTENANCE, abs=1e-9)


def test_an_extended_move_of_a_future_counts_as_the_outermost_standard_one() -> None:
    """As in the response's `extended` vector, before the dampener; which then takes all of it."""
    free = PortfolioMargin(extended_dampener=0.0)
    for move in RULE.extended_moves:
        edge = math.copysign(RULE.price_range, move)
        pnl = PERPETUAL * move / (1 + move)
        expected = min(PERPETUAL * edge / (1 + edge), 0.0)
        assert free.damped(pnl, move, INDEX, True) == pytest.approx(expected, abs=1e-15)
        assert RULE.damped(pnl, move, INDEX, True) == 0.0


@pytest.mark.parametrize("size", [2.0, -3.0])
def test_a_single_future_needs_its_range_and_its_roll_shock(size: float) -> None:
    """Linear: 0.8 |q| S (0.16 + 0.01)."""
    found = margin.requirement(RULE, nothing("quote"), np.array(SPOT), np.zeros(0), 0.0, size)
    assert found.maintenance == pytest.approx(0.8 * abs(size) * SPOT * 0.17, rel=1e-14)


def call(forward: float, strike: float, sigma: float, tau: float) -> float:
    """Black-76 written down once more, with the standard library."""
    d1 = (math.log(forward / strike) + sigma * sigma * tau / 2) / (sigma * math.sqrt(tau))
    normal = NormalDist()
    return forward * normal.cdf(d1) - strike * normal.cdf(d1 - sigma * math.sqrt(tau))


def test_a_long_call_needs_its_fall_in_price_and_volatility() -> None:
    """30 days, at the money: the worst is 16 % down with the volatility a quarter lower. Roll shock of its delta."""
    tau = 30 * DAY
    found = margin.requirement(RULE, one(1.0, SPOT, 30, True), np.array(SPOT), FLAT, 0.0)
    loss = call(SPOT, SPOT, 0.6, tau) - call(0.84 * SPOT, SPOT, 0.45, tau)
    delta = NormalDist().cdf(0.6 * math.sqrt(tau) / 2)
    assert found.worst == pytest.approx(loss, rel=1e-12)
    assert found.contingency == pytest.approx(delta * SPOT * 0.01, rel=1e-12)
    assert found.initial == found.worst + found.contingency


def test_a_short_call_far_out_of_the_money_needs_an_extended_move() -> None:
    """10,000 calls at 2.5 times the spot: at +300 %, volatility up to 90 %, times 0.16 / 3, less 17.75 dampeners."""
    tau, strike, quantity = 30 * DAY, 2.5 * SPOT, -10_000.0
    found = margin.requirement(RULE, one(quantity, strike, 30, True), np.array(SPOT), FLAT, 0.0)
    by_move = {}
    for move in (1.0, 2.0, 3.0, 4.0, 5.0):
        loss = -quantity * (call((1 + move) * SPOT, strike, 0.9, tau) - call(SPOT, strike, 0.6, tau))
        by_move[move] = loss * 0.16 / move - (move / 0.16 - 1) * 100_000
    assert max(by_move, key=lambda move: by_move[move]) == 5.0 and by_move[5.0] > 0
    assert found.worst == pytest.approx(max(by_move.values()), rel=1e-12)


def test_a_spread_is_bounded_by_its_width() -> None:
    """A short call spread cannot lose more than its width; one leg alone needs several times as much."""
    spread = one(-1.0, SPOT, 7, True)
    spread = spread._replace(
        quantity=np.array([-1.0, 1.0]),
        strike=np.array([1.0, 1.05]) * SPOT,
        expiry=np.array([7.0, 7.0]) * DAY,
        call=np.array([True, True]),
    )
    both = margin.requirement(RULE, spread, np.array(SPOT), np.array([0.6, 0.6]), 0.0)
    alone = margin.requirement(RULE, one(-1.0, SPOT, 7, True), np.array(SPOT), FLAT, 0.0)
    assert 0 < both.worst < 0.05 * SPOT < alone.worst / 2


@pytest.mark.parametrize("settle", ["quote", "coin"])
def test_the_matrix_is_a_loop_over_scenarios(settle: str) -> None:
    """6 options and a future, 5 prices: every scenario of every option worked out alone."""
    book = drawn(6, settle)  # type: ignore[arg-type]
    rule, rng = RULE.relative_to(SPOT), np.random.default_rng(5)
    implied = ImpliedVolatility()
    for price, future in zip(np.exp(0.3 * rng.normal(size=5)), 0.1 * rng.normal(size=5), strict=True):
        sigma = implied.volatility(np.log(price), 0.36, book.strike, book.expiry)
        found = margin.requirement(rule, book, np.array(price), sigma, 0.0, future)
        worst = 0.0
        for move, kind in scenarios(rule):
            after = price * (1 + move)
            pnl = future * price * move / (after if settle == "coin" else 1)
            for n in range(6):
                shifted = rule.shifted(sigma[n], book.expiry[n])
                values = [
                    float(book.only(np.arange(6) == n).value(np.array(at), np.array([vol]), 0.0))
                    for at, vol in ((price, sigma[n]), (after, shifted[kind]))
                ]
                pnl += values[1] - values[0]
            if abs(move) > rule.price_range + 1e-12:
                pnl = float(rule.damped(pnl, move, price, settle == "coin"))
            worst = max(worst, -pnl)
        assert found.worst == pytest.approx(worst, abs=1e-13)


def scenarios(rule: PortfolioMargin) -> list[tuple[float, int]]:
    """Moves with the volatility down, same, up; extended ones with it up."""
    return [(move, kind) for move in rule.standard_moves for kind in range(3)] + [
        (move, margin.UP) for move in rule.extended_moves
    ]


def test_volatilities_move_more_for_short_expiries_and_less_than_nothing_never() -> None:
    """30 days: 50 % up, 25 % down. A quarter of that time: times 4^0.3; four times: times 4^-0.13. At least 50 % up."""
    at = np.array([7.5, 30, 120]) * DAY
    down, same, up = RULE.shifted(np.full(3, 0.6), at)
    growth = np.array([4**0.3, 1.0, 4**-0.13])
    np.testing.assert_allclose(up, 0.6 * (1 + 0.5 * growth), rtol=1e-12)
    np.testing.assert_allclose(down, 0.6 * (1 - 0.25 * growth), rtol=1e-12)
    assert (same == 0.6).all() and RULE.shifted(0.1, 1.0)[margin.UP] == 0.5
    assert PortfolioMargin(volatility_range_down=0.9).shifted(0.6, 1 * DAY)[margin.DOWN] == 0


def test_net_short_options_are_charged_by_strike() -> None:
    """Short 2 calls, long 1 put at one strike, long 5 calls at another: one net, in units of the underlying."""
    book = one(-2.0, SPOT, 7, True)._replace(
        quantity=np.array([-2.0, 1.0, 5.0]),
        strike=np.array([1.0, 1.0, 1.2]) * SPOT,
        expiry=np.full(3, 7 * DAY),
        call=np.array([True, False, True]),
    )
    sigma = np.full(3, 0.6)
    charged, free = (
        margin.contingency(PortfolioMargin(short_option=rate), book, np.array(SPOT), sigma, 0.0) for rate in (0.01, 0.0)
    )
    assert charged - free == pytest.approx(0.01 * SPOT, rel=1e-12)


@given(seed=st.integers(0, 10**6), factor=st.floats(0.1, 10.0), settle=st.sampled_from(["quote", "coin"]))
@settings(max_examples=30, deadline=None)
def test_the_requirement_grows_with_the_book_and_two_books_need_at_most_what_each_does(
    seed: int, factor: float, settle: str
) -> None:
    """Without the dampener, which is an amount: homogeneous, subadditive, and never below 0."""
    free, price = PortfolioMargin(extended_dampener=0.0), np.array(1.0)
    one_book, other = (drawn(5, settle, seed + n) for n in (0, 1))  # type: ignore[arg-type]
    both = one_book._replace(
        **{name: np.concatenate([getattr(one_book, name), getattr(other, name)]) for name in FIELDS}
    )
    futures = np.random.default_rng(seed).normal(size=2)

    def needed(book: OptionBook, future: float) -> float:
        found = margin.requirement(free, book, price, np.full(len(book.strike), 0.7), 0.0, future)
        return float(found.maintenance)

    alone = needed(one_book, futures[0])
    assert alone >= 0
    assert needed(one_book._replace(quantity=factor * one_book.quantity), factor * futures[0]) == pytest.approx(
        factor * alone, rel=1e-9
    )
    assert needed(both, futures.sum()) <= (alone + needed(other, futures[1])) * (1 + 1e-9)
