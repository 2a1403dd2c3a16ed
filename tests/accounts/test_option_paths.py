"""Books of options on simulated paths: payoffs path by path, a delta hedge whose error falls with its interval."""

from typing import Any

import jax
import numpy as np
import pytest
from helpers.option_books import DAY, STEP

from stresslab import general, random, scan, schedule
from stresslab.accounts.form import AccountForm, AccountNumbers, BookForm, BookNumbers, Leg, LegNumbers
from stresslab.accounts.policies.delta_hedge import DeltaHedge, DeltaHedgeNumbers
from stresslab.models import GBM
from stresslab.options.black import greeks
from stresslab.options.book import OptionBook, option_book
from stresslab.options.margin import PortfolioMargin
from stresslab.options.numbers import options
from stresslab.options.smile import ImpliedVolatility

SIGMA, DAYS, PATHS = 0.6, 14, 2048
FLAT = ImpliedVolatility(skew=0.0, curvature=0.0)
STRADDLE = option_book([-1.0, -1.0], [1.0, 1.0], [DAYS * DAY] * 2, [True, False])
PLENTY = 10.0  # equity that no path comes near to losing


def leg(size: np.ndarray, **given: Any) -> LegNumbers:
    """Rows without costs."""
    nothing = np.zeros(len(size))
    free: dict[str, Any] = dict.fromkeys(("fee", "liquidation_fee", "slippage"), nothing)
    tiers: dict[str, Any] = dict.fromkeys(("mmr", "cum", "cap"), nothing[:, None])
    return LegNumbers(size=size, entry=nothing + 1, **tiers, **free, **given)


def walk(form: BookForm, legs: tuple[LegNumbers, ...], policies: tuple[Any, ...] = ()) -> general.Result:
    """All paths to expiry, one account with as many rows as the legs have."""
    books = len(legs[0].size)
    one, nothing = np.ones(books), np.zeros(books)
    account = AccountNumbers(PLENTY * one, legs, one)
    numbers = BookNumbers((account,), PLENTY * one, nothing, nothing, nothing, policies)
    model, end = GBM(kind="gbm", sigma=SIGMA), np.array([DAYS * 96])
    clock = schedule.build(end, end, np.array([], int), 0.0)
    shape = general.Shape(model.dynamics, model.layout(STEP), form, 1, False, PATHS // 4)
    given = general.arguments(random.key(3), model, STEP, clock, np.zeros(0), numbers)
    found = scan.launch((general.walk,), shape, np.arange(0, PATHS, PATHS // 4), tuple(given))
    return jax.tree.map(np.asarray, found)


def tables(book: OptionBook) -> tuple[Any, float]:
    return options(book, FLAT, PortfolioMargin(), STEP, DAYS * 96, SIGMA**2, (SIGMA, SIGMA))


def test_at_expiry_every_path_has_its_payoff_less_the_premium() -> None:
    """A strangle bought, no costs: PnL = payoff at the path's own price - premium, to float32 and the table's 1e-5."""
    book = option_book([2.0, 1.0], [0.95, 1.1], [DAYS * DAY] * 2, [False, True])
    made, gross = tables(book)
    form = BookForm((AccountForm((Leg(contract="option"),)),))
    found = walk(form, (leg(np.array([gross]), options=made),))
    price = np.moveaxis(found.end.price, 0, 1).reshape(1, -1)[0].astype(float)
    pnl = found.money.pnl[:, 0, 0].reshape(-1)
    premium = float(greeks(1.0, book.strike, SIGMA, book.expiry, book.call).value @ book.quantity)
    np.testing.assert_allclose(pnl, book.payoff(price, DAYS * DAY) - premium, atol=2e-5)
    assert np.abs(pnl - book.payoff(price * 1.001, DAYS * DAY) + premium).max() > 2e-5


@pytest.fixture(scope="module")
def hedged() -> np.ndarray:
    """PnL at expiry of a straddle sold and hedged every 1, 4, 16 and 64 steps, and of a hedge of 80 % every step."""
    made, gross = tables(STRADDLE)
    intervals, ratio = np.array([1, 4, 16, 64, 1], np.int32), np.array([1.0, 1.0, 1.0, 1.0, 0.8])
    rows = np.full(5, gross)
    repeated = made._replace(
        **{
            name: np.repeat(getattr(made, name), 5, axis=0)
            for name in ("table", "start", "quantity", "strike", "call", "expiry")
        }
    )
    form = BookForm(
        (AccountForm((Leg(contract="option"), Leg(shape="marginal"))),), policies=(DeltaHedge(account=0, leg=1),)
    )
    policy = DeltaHedgeNumbers(ratio, np.full(5, 1e3), intervals, np.zeros(5))
    found = walk(form, (leg(rows, options=repeated), leg(np.zeros(5))), (policy,))
    return np.moveaxis(found.money.pnl[:, 0], 1, 0).reshape(5, -1)


def test_the_hedging_error_falls_as_the_root_of_the_interval(hedged: np.ndarray) -> None:
    """2,048 paths. Standard deviation by the interval: slope 1/2 of the logarithms. The standard error of each
    deviation is 3 % (kurtosis 5), of the slope 0.012.
    """
    deviation = hedged[:4].std(axis=1)
    slope = np.polyfit(np.log([1, 4, 16, 64]), np.log(deviation), 1)[0]
    assert slope == pytest.approx(0.5, abs=0.04)
    assert np.abs(hedged[:4].mean(axis=1) / deviation).max() < 4 / np.sqrt(PATHS)


def test_its_size_is_that_of_black_and_scholes(hedged: np.ndarray) -> None:
    """Variance of a hedge at N times: sum of (gamma S^2 sigma^2 dt)^2 / 2, averaged over the paths' law: for an option
    at the money pi / 4 vega^2 sigma^2 / N (Derman and Kamal 1999), here of two options; 10 % for what that leaves out.
    """
    vega = -float(greeks(1.0, STRADDLE.strike, SIGMA, STRADDLE.expiry, STRADDLE.call).vega @ STRADDLE.quantity)
    expected = np.sqrt(np.pi / 4) * vega * SIGMA / np.sqrt(DAYS * 96 / 16)
    assert hedged[2].std() == pytest.approx(expected, rel=0.1)


def test_a_hedge_of_a_part_of_the_delta_leaves_an_error_that_no_interval_takes_away(hedged: np.ndarray) -> None:
    assert hedged[4].std() > 3 * hedged[0].std()


def test_the_greeks_replicate_a_book_in_plain_numpy() -> None:
    """The same straddle hedged by `black.greeks` alone, every 4 and 64 steps: 2,048 paths, the same slope."""
    rng = np.random.default_rng(4)
    deviations = []
    for interval in (4, 64):
        n, dt = DAYS * 96 // interval, interval * STEP
        price, earned = np.ones(PATHS), np.zeros(PATHS)
        for step in range(n):
            tau = STRADDLE.expiry - step * dt
            hedge = -greeks(price[:, None], STRADDLE.strike, SIGMA, tau, STRADDLE.call).delta @ STRADDLE.quantity
            after = price * np.exp(SIGMA * np.sqrt(dt) * rng.standard_normal(PATHS) - SIGMA**2 * dt / 2)
            earned, price = earned + hedge * (after - price), after
        deviations.append((earned + STRADDLE.payoff(price, DAYS * DAY)).std())
    assert np.log(deviations[1] / deviations[0]) / np.log(16) == pytest.approx(0.5, abs=0.04)
