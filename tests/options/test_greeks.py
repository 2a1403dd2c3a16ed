"""Derivatives of a book in money, against finite differences of its worth."""

import numpy as np
import pytest
from helpers.option_books import DAY

from stresslab.options import greeks
from stresslab.options.book import OptionBook, option_book
from stresslab.options.smile import ImpliedVolatility

SPOT, VARIANCE, STEP = 90_000.0, 0.36, 1e-4
FLAT = ImpliedVolatility(skew=0.0, curvature=0.0)  # the volatility of an option does not move with the price


def book(settle: str) -> OptionBook:
    return option_book(
        [-2.0, 1.0, 3.0], [80_000, 95_000, 90_000], [7 * DAY, 7 * DAY, 30 * DAY], [False, True, True], settle
    )  # type: ignore[arg-type]


@pytest.mark.parametrize("settle", ["quote", "coin"])
@pytest.mark.parametrize(("name", "of"), [("delta", "value"), ("gamma", "delta"), ("vanna", "vega")])
def test_derivatives_by_the_price(settle: str, name: str, of: str) -> None:
    """Central differences with a ten-thousandth of the price."""
    low, here, high = (
        greeks.of_book(book(settle), FLAT, SPOT, np.array(SPOT * by), np.array(VARIANCE), 0.0)
        for by in (1 - STEP, 1, 1 + STEP)
    )
    slope = (getattr(high, of) - getattr(low, of)) / (2 * STEP * SPOT)
    assert getattr(here, name) == pytest.approx(float(slope), rel=1e-4)


@pytest.mark.parametrize("settle", ["quote", "coin"])
@pytest.mark.parametrize(("name", "of"), [("vega", "value"), ("volga", "vega"), ("vanna", "delta")])
def test_derivatives_by_the_volatility(settle: str, name: str, of: str) -> None:
    low, here, high = (
        greeks.of_book(book(settle), FLAT, SPOT, np.array(SPOT), np.array(sigma**2), 0.0)
        for sigma in (0.6 - STEP, 0.6, 0.6 + STEP)
    )
    slope = (getattr(high, of) - getattr(low, of)) / (2 * STEP)
    assert getattr(here, name) == pytest.approx(float(slope), rel=1e-4)


@pytest.mark.parametrize("settle", ["quote", "coin"])
@pytest.mark.parametrize(("name", "of"), [("theta", "value"), ("charm", "delta")])
def test_derivatives_by_time(settle: str, name: str, of: str) -> None:
    at = 1 * DAY
    low, here, high = (
        greeks.of_book(book(settle), FLAT, SPOT, np.array(SPOT), np.array(VARIANCE), t)
        for t in (at - 1e-5, at, at + 1e-5)
    )
    slope = (getattr(high, of) - getattr(low, of)) / 2e-5
    assert getattr(here, name) == pytest.approx(float(slope), rel=1e-3)


def test_a_future_beside_them_adds_its_slope() -> None:
    """Linear: its units. Inverse: notional / price^2, and its convexity."""
    for settle, future, delta, gamma in (
        ("quote", 0.7, 0.7, 0.0),
        ("coin", 50_000.0, 50_000 / SPOT**2, -2 * 50_000 / SPOT**3),
    ):
        bare, both = (
            greeks.of_book(book(settle), FLAT, SPOT, np.array(SPOT), np.array(VARIANCE), 0.0, size)
            for size in (0.0, future)
        )
        assert both.delta - bare.delta == pytest.approx(delta, rel=1e-9)
        assert both.gamma - bare.gamma == pytest.approx(gamma, rel=1e-6, abs=1e-20)
        assert both.value == bare.value


def test_along_quantiles_expired_options_are_left_out() -> None:
    """After 7 days the two short ones are gone; after 30 nothing is left."""
    held, horizons = book("quote"), np.array([1.0, 7.0, 30.0]) * DAY
    prices = SPOT * np.exp(np.outer(np.sqrt(horizons), 0.6 * np.array([-1.64, 0.0, 1.64])))
    found = greeks.along_quantiles(held, FLAT, SPOT, horizons, prices, np.full(prices.shape, VARIANCE))
    assert found.delta.shape == (3, 3) and (found.value[2] == 0).all() and (found.gamma[2] == 0).all()
    left = held.only(held.expiry > 8 * DAY)
    alone = greeks.of_book(left, FLAT, SPOT, prices[1], np.array(VARIANCE), 7 * DAY)
    np.testing.assert_allclose(found.delta[1], alone.delta, rtol=1e-14)


def test_every_greek_has_a_unit_and_a_name() -> None:
    for coin in (False, True):
        assert len(greeks.units("USD", "BTC", coin)) == len(greeks.LONG_NAMES) == len(greeks.Greeks._fields)
    assert (
        greeks.units("USD", "BTC", False).gamma == "BTC^2 / USD" and tuple(greeks.LONG_NAMES) == greeks.Greeks._fields
    )
