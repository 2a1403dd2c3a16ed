"""Tables read along paths, against the same book valued and margined exactly in float64.

Errors are stated as fractions of the gross size of the options at spot. What they are made of: the price step (gamma),
the time between slices, and where the variance moves the volatility step (volga).
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.option_books import DAY, STEP, drawn

from stresslab.options import margin, marks
from stresslab.options.book import OptionBook
from stresslab.options.margin import PortfolioMargin
from stresslab.options.numbers import options, stack
from stresslab.options.smile import ImpliedVolatility
from stresslab.options.surface import Grid

SPOT, N_STEPS, N = 66_000.0, 15 * 96, 200
RULE, IMPLIED = PortfolioMargin(short_option=0.01), ImpliedVolatility(spot_beta=-0.3)
STEPS = (0, 1, 50, 400, 671, 672, 673, 1000, 1343, 1344, 1440)  # expiries at 672 and 1344


class Errors(NamedTuple):
    """Of value, maintenance margin and the margin option by option; the last relative to what it should be."""

    value: np.ndarray
    maintenance: np.ndarray
    relative: np.ndarray


def errors(book: OptionBook, volatilities: tuple[float, float], grid: Grid) -> Errors:
    """200 prices (log deviation 0.25), volatilities and futures at each of the steps."""
    made, _ = options(book, IMPLIED, RULE, STEP, N_STEPS, 0.36, volatilities, grid)
    coin, rng = book.settle == "coin", np.random.default_rng(7)
    numbers, rule = (jax.tree.map(_device, one) for one in (made, marks.loop_rule(RULE, coin, SPOT)))
    found = []
    for step in STEPS:
        log_price, future = (np.float32(scale * rng.normal(size=(1, N))) for scale in (0.25, 0.1))
        sigma = np.exp(rng.uniform(*np.log(volatilities), (1, N)))
        variance = np.float32(sigma**2)
        own = _read(numbers, rule, jnp.int32(step), *map(jnp.asarray, (log_price, variance, future)), coin=coin)
        value, maintenance = (np.asarray(one)[0] for one in own)
        left = book.only(book.expiry > (step + 0.5) * STEP)
        price, tau = np.exp(np.float64(log_price[0])), left.expiry - step * STEP
        at = IMPLIED.volatility(np.log(price)[:, None], np.float64(variance[0])[:, None], left.strike, tau)
        exact = margin.requirement(RULE.relative_to(SPOT), left, price, at, step * STEP, np.float64(future[0]))
        worth = left.value(price, at, step * STEP) * (price if coin else 1.0)
        off = maintenance - exact.maintenance
        found.append((value - worth, off, off / exact.maintenance))
    return Errors(*(np.concatenate(column) for column in zip(*found, strict=True)))


@jax.jit
def _quote(numbers: marks.Options, rule: marks.Rule, step: Any, log_price: Any, variance: Any, future: Any) -> Any:
    return _evaluate(numbers, rule, step, log_price, variance, future, False)


@jax.jit
def _coin(numbers: marks.Options, rule: marks.Rule, step: Any, log_price: Any, variance: Any, future: Any) -> Any:
    return _evaluate(numbers, rule, step, log_price, variance, future, True)


def _read(*given: Any, coin: bool) -> Any:
    return (_coin if coin else _quote)(*given)


def _evaluate(numbers: Any, rule: Any, step: Any, log_price: Any, variance: Any, future: Any, coin: bool) -> Any:
    now = marks.at_step(numbers, step)
    held, price = jnp.ones_like(log_price), jnp.exp(log_price)
    needed = marks.maintenance(rule, now, price, variance, held, (future,), coin)
    return marks.value(now, log_price, variance), needed


def _device(leaf: np.ndarray) -> jax.Array:
    return jnp.asarray(leaf, jnp.float32 if leaf.dtype == np.float64 else leaf.dtype)


@pytest.mark.parametrize("settle", ["quote", "coin"])
def test_values_and_requirements_where_the_variance_never_moves(settle: Any) -> None:
    """20 options: at most 2e-4 of the gross size off, 1e-5 in the root mean square; the requirement 0.1 % of itself."""
    found = errors(drawn(20, settle), (0.6, 0.6), Grid())
    assert np.abs(found.value).max() < 2e-4 and rms(found.value) < 1e-5
    assert np.abs(found.maintenance).max() < 1e-3 and rms(found.relative) < 1e-3


@pytest.mark.slow
def test_values_and_requirements_where_the_variance_moves() -> None:
    """Volatilities from 0.15 to 3."""
    found = errors(drawn(20), (0.15, 3.0), Grid())
    assert np.abs(found.value).max() < 3e-3 and rms(found.value) < 1e-4
    assert np.abs(found.maintenance).max() < 3e-3 and rms(found.relative) < 3e-3


def test_coarser_tables_are_worse() -> None:
    """The bounds above can fail: with steps three times as wide they do."""
    found = errors(drawn(20), (0.6, 0.6), Grid(prices=96, time_step=0.06))
    assert rms(found.value) > 1e-5 and rms(found.relative) > 1e-3


def rms(error: np.ndarray) -> float:
    return float(np.sqrt(np.mean(error**2)))


def test_far_from_the_strikes_prices_go_straight_on() -> None:
    """Ten times the spot, beyond the table: the calls' slope to float32."""
    book = drawn(20)
    made, _ = options(book, IMPLIED, RULE, STEP, 96, 0.36, (0.6, 0.6))
    now = marks.at_step(jax.tree.map(_device, made), jnp.int32(0))
    prices = np.array([[10.0, 12.0]])
    found = np.asarray(marks.value(now, jnp.asarray(np.log(prices), jnp.float32), jnp.full((1, 1), jnp.float32(0.36))))
    calls = np.where(book.call, book.quantity, 0.0)
    np.testing.assert_allclose(found[0], prices[0] * calls.sum() - calls @ book.strike, atol=2e-3)


def test_the_derivative_of_a_value_is_the_tables_delta() -> None:
    """To the error of the delta itself, which a slope between two nodes would not have."""
    book = drawn(20)
    made, _ = options(book, ImpliedVolatility(), RULE, STEP, 96, 0.36, (0.6, 0.6))
    now = marks.at_step(jax.tree.map(_device, made), jnp.int32(0))
    log_price = jnp.linspace(-0.2, 0.2, 41, dtype=jnp.float32)[None]
    variance = jnp.full((1, 1), jnp.float32(0.36))
    _, slope = jax.jvp(lambda x: marks.value(now, x, variance), (log_price,), (jnp.ones_like(log_price),))
    price = np.exp(np.float64(log_price[0]))
    sigma = ImpliedVolatility().volatility(np.log(price)[:, None], 0.36, book.strike, book.expiry)
    exact = margin.black.greeks(price[:, None], book.strike, sigma, book.expiry, book.call).delta @ book.quantity
    np.testing.assert_allclose(np.asarray(slope)[0] / price, exact, atol=1e-4)


def test_what_expires_is_paid_and_gone() -> None:
    """Before and after the step of an expiry: the difference in value is the payoff, to the price step's error."""
    book = drawn(20)
    made, _ = options(book, IMPLIED, RULE, STEP, N_STEPS, 0.36, (0.6, 0.6))
    numbers = jax.tree.map(_device, made)
    price = jnp.linspace(0.6, 1.6, 50, dtype=jnp.float32)[None]
    paid = np.asarray(marks.payoff(numbers, price, jnp.int32(672)))[0]
    np.testing.assert_allclose(paid, book.payoff(np.float64(price[0]), 7 * DAY), atol=1e-6)
    assert np.abs(paid).max() > 1e-2 and not np.asarray(marks.payoff(numbers, price, jnp.int32(671))).any()
    variance = jnp.full((1, 1), jnp.float32(0.36))
    after = marks.value(marks.at_step(numbers, jnp.int32(672)), jnp.log(price), variance)
    left = book.only(book.expiry > 7.5 * DAY)
    sigma = IMPLIED.volatility(np.log(np.float64(price[0]))[:, None], 0.36, left.strike, left.expiry - 7 * DAY)
    np.testing.assert_allclose(np.asarray(after)[0], left.value(np.float64(price[0]), sigma, 7 * DAY), atol=1e-4)


def test_stacked_books_are_read_as_each_alone_and_share_tables() -> None:
    """Three rows of two different books, one of them twice."""
    variance, price = jnp.full((1, 1), jnp.float32(0.36)), jnp.linspace(-0.3, 0.3, 8, dtype=jnp.float32)[None]
    few, many = (options(drawn(n), IMPLIED, RULE, STEP, 8 * 96, 0.36, (0.6, 0.6))[0] for n in (3, 20))
    rows = stack([few, many, few])
    assert rows.columns.shape[0] == 2 and rows.table.tolist() == [0, 1, 0] and rows.strike.shape == (3, 20)

    @jax.jit
    def read(numbers: marks.Options, step: Any) -> Any:
        return marks.value(marks.at_step(numbers, step), price, variance), marks.payoff(numbers, jnp.exp(price), step)

    for step in (5, 672, 700):
        all_, one, other = (read(jax.tree.map(_device, made), jnp.int32(step)) for made in (rows, few, many))
        for together, first, second in zip(all_, one, other, strict=True):
            np.testing.assert_allclose(together, np.concatenate([first, second, first]), atol=1e-7)


def test_an_expiry_between_two_steps_is_refused() -> None:
    with pytest.raises(ValueError, match="at the end of a step"):
        options(drawn(3), IMPLIED, RULE, STEP * 0.97, 8 * 96, 0.36, (0.6, 0.6))
