"""Tables of what a book of options is worth, and would be worth after the shifts of portfolio margin.

A book's options do not change along a path (an account holds a multiple of them), so all that the loop asks of them is
a function of time, price and the model's variance. It is worked out once, on a grid:

    time         slices between one expiry and the next, evenly spaced in tau^(1/4), tau the time to that expiry: this
                 spreads the error of going straight between two slices evenly (the value goes with sqrt(tau))
    volatility   square root of the model's variance, evenly spaced in its logarithm; one node where it never moves
    price        evenly spaced in its logarithm, from a third of the lowest strike to three times the highest

    columns      value, delta, contingency, the requirement option by option, then for each standard move of the price
                 the lowest value over the volatility shifts (a future's PnL does not depend on them), then for each
                 extended move the value with volatility up

The requirement option by option is that of an account without portfolio margin: an option sold needs its worth and a
rate of the underlying (a put: of its worth, if that is more), one bought nothing. doc.tslab.pro, Deribit margin.

All in the quote currency, also for options settled in coin. Where an expiry is reached there are two slices: with the
options at their payoff, and without them.
"""

import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from stresslab.options import black
from stresslab.options.book import OptionBook
from stresslab.options.margin import SAME, UP, PortfolioMargin
from stresslab.options.smile import ImpliedVolatility

VALUE, DELTA, CHARGE, ALONE, SHIFTED = range(5)  # columns


class Grid(NamedTuple):
    """How fine the tables are.

    With the defaults, as fractions of the options' gross size at spot (tests/options/test_marks.py): their value is off
    by at most 2e-4, 1e-5 in the root mean square, where the variance never moves, and by 3e-3 and 1e-4 where it does;
    the maintenance margin by 1e-3 and 3e-3 at most.
    """

    prices: int = 384
    reach: float = 3.0  # how far beyond the strikes and the spot the prices go, as a factor
    volatility_step: float = 0.1  # of the log volatility
    time_step: float = 0.02  # of the fourth root of the years to the next expiry


class Surface(NamedTuple):
    """Tables of one book."""

    tables: np.ndarray  # float32 (slice, column, volatility, price)
    times: np.ndarray  # years, of each slice
    log_price: np.ndarray
    log_volatility: np.ndarray  # one node where the variance never moves


def build(
    book: OptionBook,
    implied: ImpliedVolatility,
    rule: PortfolioMargin,
    end: float,
    volatilities: tuple[float, float],
    grid: Grid,
    sold: float,
) -> Surface:
    """Tables until `end` years, for model volatilities between these two; prices relative to the spot. `sold` is the
    rate of an option that stands alone.
    """
    log_price = _log_prices(book, grid)
    lowest, highest = np.log(volatilities)
    log_volatility = np.linspace(lowest, highest, int(np.ceil((highest - lowest) / grid.volatility_step)) + 1)
    tables, times = [], []
    for interval in slice_times(book, end, grid.time_step):
        is_open = book.expiry > interval[0]
        tables += [_slice(book, is_open, implied, rule, t, log_price, log_volatility, sold) for t in interval]
        times.append(interval)
    return Surface(np.stack(tables), np.concatenate(times), log_price, log_volatility)


def _log_prices(book: OptionBook, grid: Grid) -> np.ndarray:
    low, high = min(book.strike.min(), 1.0) / grid.reach, max(book.strike.max(), 1.0) * grid.reach
    return np.linspace(np.log(low), np.log(high), grid.prices)


def slice_times(book: OptionBook, end: float, step: float) -> list[np.ndarray]:
    """Times of the slices of each interval from one expiry to the next, the start and `end` included."""
    expiries = np.append(book.expiries, np.inf)
    stops = np.concatenate([[0.0], expiries[expiries <= end], [end]])  # two slices at the end where an expiry is there
    return [_interval(start, stop, expiries[expiries > start][0], step) for start, stop in itertools.pairwise(stops)]


def _interval(start: float, stop: float, expiry: float, step: float) -> np.ndarray:
    if np.isinf(expiry):  # nothing is left
        return np.array([start, stop])
    first, last = (expiry - start) ** 0.25, (expiry - stop) ** 0.25
    times = expiry - np.linspace(first, last, max(2, int(np.ceil((first - last) / step)) + 1)) ** 4
    times[0], times[-1] = start, stop
    return times


class _Held(NamedTuple):
    """The options at one time, those that have expired with nothing held of them; float32."""

    quantity: np.ndarray
    strike: np.ndarray
    call: np.ndarray
    tau: np.ndarray
    by_expiry: np.ndarray  # (expiry, option): the quantity where the option is of the expiry
    roll: np.ndarray  # (expiry,) rate of the roll shock
    net_sold: np.ndarray  # charge for net short options, units of the underlying
    sold: np.ndarray  # rate of an option that stands alone


def _slice(
    book: OptionBook,
    is_open: np.ndarray,
    implied: ImpliedVolatility,
    rule: PortfolioMargin,
    t: float,
    log_price: np.ndarray,
    log_volatility: np.ndarray,
    sold: float,
) -> np.ndarray:
    """All columns at one time, shape (column, volatility, price)."""
    tau, quantity = np.maximum(book.expiry - t, 0.0), np.where(is_open, book.quantity, 0.0)
    of_option = (slice(None), None, None)
    variance = np.exp(2 * log_volatility)[:, None]
    sigma = implied.volatility(log_price, variance, book.strike[of_option], tau[of_option])
    held = _Held(
        quantity, book.strike, book.call, tau,
        by_expiry=np.where(book.expiry == book.expiries[:, None], quantity, 0.0),
        roll=np.array([rule.roll_shock(max(expiry - t, 0.0)) for expiry in book.expiries]),
        net_sold=np.asarray(rule.short_option * book.only(is_open).short_per_strike(t)),
        sold=np.asarray(sold),
    )  # fmt: skip
    price = np.broadcast_to(np.exp(log_price), sigma.shape[1:])
    given = held, price, rule.shifted(sigma, tau[of_option]), rule.standard_moves, np.asarray(rule.extended_moves)
    return np.asarray(_columns(*jax.tree.map(_single, given)))


def _single(leaf: np.ndarray) -> np.ndarray:
    return leaf if leaf.dtype == bool else np.asarray(leaf, np.float32)


@jax.jit
def _columns(held: _Held, price: Array, shifted: Array, standard: Array, extended: Array) -> Array:
    """`price` has shape (volatility, price), `shifted` (shift, option, volatility, price)."""
    strike, call, tau = (one[:, None, None] for one in (held.strike, held.call, held.tau))

    def worth(move: Array, sigma: Array) -> Array:
        each = black.value(price[None] * (np.float32(1) + move), strike, sigma, tau, call)
        return jnp.tensordot(held.quantity, each, 1)

    at = black.greeks(price[None], strike, shifted[SAME], tau, call)
    value, delta = (jnp.tensordot(held.quantity, one, 1) for one in (at.value, at.delta))
    net = jnp.tensordot(held.by_expiry, at.delta, 1)
    charge = price * (jnp.tensordot(held.roll, jnp.abs(net), 1) + held.net_sold)
    rate = held.sold * jnp.where(call, price[None], jnp.maximum(price[None], at.value))
    alone = jnp.tensordot(jnp.maximum(-held.quantity, np.float32(0)), rate + at.value, 1)
    lowest = lax.map(lambda move: jnp.min(jnp.stack([worth(move, sigma) for sigma in shifted]), axis=0), standard)
    far = lax.map(lambda move: worth(move, shifted[UP]), extended)
    return jnp.concatenate([jnp.stack([value, delta, charge, alone]), lowest, far])
