"""Value and derivatives of a book of options in money: at the start, and along quantiles of the price at each horizon.

For the report and the dataset, on the host in float64. Every derivative holds each option's implied volatility fixed;
prices, strikes and results are in money, in the currency of settlement: quote, or coin where the book is settled in it.
"""

from typing import NamedTuple

import numpy as np

from stresslab.options import black
from stresslab.options.black import Greeks
from stresslab.options.book import OptionBook
from stresslab.options.smile import ImpliedVolatility

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)  # of the price of the underlying at a horizon

LONG_NAMES = {
    "value": "worth of the options",
    "delta": "change of their worth by the price of the underlying",
    "gamma": "change of delta by the price of the underlying",
    "vega": "change of their worth by the volatility, per 1.00",
    "theta": "change of their worth by time, per year",
    "vanna": "change of delta by the volatility, per 1.00",
    "volga": "change of vega by the volatility, per 1.00",
    "charm": "change of delta by time, per year",
}


class Units(NamedTuple):
    """Words for the units of each of them."""

    value: str
    delta: str
    gamma: str
    vega: str
    theta: str
    vanna: str
    volga: str
    charm: str


def units(quote: str, base: str, coin: bool) -> Units:
    """Units in the names of the currencies; a quote currency over the price of a unit of the base is units of base."""
    if coin:
        per, per_year = f"{base} / ({quote} / {base})", f"{base} / ({quote} / {base}) / year"
        return Units(base, per, f"{base} / ({quote} / {base})^2", base, f"{base} / year", per, base, per_year)
    return Units(quote, base, f"{base}^2 / {quote}", quote, f"{quote} / year", base, quote, f"{base} / year")


def of_book(
    book: OptionBook,
    implied: ImpliedVolatility,
    spot: float,
    price: np.ndarray,
    variance: np.ndarray,
    t: float,
    future: float = 0.0,
) -> Greeks:
    """Sums over the options that have not expired by `t` years, at these prices and variances of the model.

    `book` has strikes in money and quantities in units of the underlying; `spot` is the price at the start, where the
    link of volatility and price begins. `future` is held beside them: units of the underlying, or of a book in coin the
    quote notional of an inverse future, which is worth -future / price coins.
    """
    price, variance = np.broadcast_arrays(np.asarray(price, float), np.asarray(variance, float))
    left = book.only(book.expiry > t)
    forward, tau = price[..., None], left.expiry - t
    sigma = implied.volatility(np.log(forward / spot), variance[..., None], left.strike / spot, tau)
    each = black.greeks(forward, left.strike, sigma, tau, left.call)
    if book.settle == "coin":
        each = black.in_coin(each, forward)
    total = Greeks(*(np.broadcast_to(one, sigma.shape) @ left.quantity for one in each))
    if book.settle == "coin":
        return total._replace(delta=total.delta + future / price**2, gamma=total.gamma - 2 * future / price**3)
    return total._replace(delta=total.delta + future)


def along_quantiles(
    book: OptionBook,
    implied: ImpliedVolatility,
    spot: float,
    horizons: np.ndarray,
    prices: np.ndarray,
    variances: np.ndarray,
    future: float = 0.0,
) -> Greeks:
    """At each horizon (years) and quantile of the price, both arrays of shape (horizon, quantile)."""
    rows = [
        of_book(book, implied, spot, price, variance, t, future)
        for t, price, variance in zip(horizons, prices, variances, strict=True)
    ]
    return Greeks(*(np.stack(column) for column in zip(*rows, strict=True)))
