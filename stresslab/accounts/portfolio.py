"""Portfolio margin of an account: asset by asset, the worst scenario of its options and futures together.

Every leg of an asset is settled in the same currency: linear with `option`, inverse with `inverse_option`. The rule is
`options.margin`; here the legs are brought into its terms, a future as its size in units of the underlying at the mark.
"""

import functools

import jax.numpy as jnp
from jax import Array

from stresslab.accounts.contracts import OPTIONS
from stresslab.accounts.form import AccountForm, AccountNumbers, Leg
from stresslab.accounts.option_legs import row
from stresslab.accounts.point import Point, leg_price
from stresslab.options import marks


def of_account(form: AccountForm, numbers: AccountNumbers, sizes: tuple[Array, ...], point: Point) -> Array:
    """Maintenance margin of all legs."""
    assets = sorted({leg.asset for leg in form.legs})
    return functools.reduce(jnp.add, [_of_asset(form, numbers, sizes, point, asset) for asset in assets])


def _of_asset(form: AccountForm, numbers: AccountNumbers, sizes: tuple[Array, ...], point: Point, asset: int) -> Array:
    own = [(leg, of, size) for leg, of, size in zip(form.legs, numbers.legs, sizes, strict=True) if leg.asset == asset]
    price = point.prices[asset]
    futures = tuple(
        _in_units(leg, size, leg_price(leg, of, point), price) for leg, of, size in own if leg.contract not in OPTIONS
    )
    books = [(leg, of, size) for leg, of, size in own if leg.contract in OPTIONS]
    coin = own[0][0].contract in ("inverse", "inverse_option")
    options, held = (books[0][1].options, books[0][2]) if books else (None, jnp.zeros_like(own[0][2]))
    variance = row(point.variance, asset)
    return marks.maintenance(numbers.portfolio, options, price, variance, held, futures, coin)


def _in_units(leg: Leg, size: Array, traded_at: Array, price: Array) -> Array:
    """A future's size in units of the underlying: of an inverse one, its notional over the price it trades at."""
    return size / traded_at if leg.contract == "inverse" else size * (traded_at / price)
