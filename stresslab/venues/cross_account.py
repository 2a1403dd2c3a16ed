"""One position of a cross account: bankruptcy and fillable price, the account's equity shared by maintenance (dYdX).

    TNC  = quote balance + sum size P                 account value
    TMMR = sum |size| P mmf                           account maintenance
    bankruptcy price = P - TNC w / size               w = |size| P mmf / TMMR
    fillable price   = P - clamp(b (1 - TNC / TMMR), 0, 1) spread |size| P mmf / size

Sizes are signed, P the oracle price. The bankruptcy price of one of many positions is a convention, this one. With one
position it is entry price less margin. Source: dydxprotocol/v4-chain protocol/x/clob/keeper/liquidations.go at
84d4664bae71; b = 1 and spread = 150 % at genesis.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stresslab.venues.inputs import FloatArray, finite, not_negative, positive, refuse_where, shapes_in_words


@shapes_in_words
def account_value(quote_balance: ArrayLike, sizes: ArrayLike, prices: ArrayLike) -> FloatArray:
    """TNC: what is left if all positions (last axis) close at these prices."""
    worth = np.atleast_1d(finite("sizes", _held(sizes)) * positive("prices", _held(prices)))
    return finite("quote_balance", quote_balance) + worth.sum(axis=-1)


@shapes_in_words
def account_maintenance(sizes: ArrayLike, prices: ArrayLike, mmf: ArrayLike) -> FloatArray:
    """TMMR: the maintenance of all positions (last axis)."""
    notionals = np.abs(finite("sizes", _held(sizes))) * positive("prices", _held(prices))
    return np.atleast_1d(notionals * not_negative("mmf", _held(mmf))).sum(axis=-1)


def is_liquidatable(value: ArrayLike, maintenance: ArrayLike) -> NDArray[np.bool_]:
    """Whether the account's value is below its maintenance; an account without positions is not."""
    required = not_negative("maintenance", maintenance)
    return (finite("value", value) < required) & (required > 0)


def bankruptcy_price(
    size: ArrayLike, price: ArrayLike, mmf: ArrayLike, value: ArrayLike, maintenance: ArrayLike
) -> FloatArray:
    """The price at which closing this position uses up its share of the account's value; below 0 if it is large."""
    held, now, own = _position(size, price, mmf)
    return now - finite("value", value) * own / positive("maintenance", maintenance) / held


def fillable_price(
    size: ArrayLike,
    price: ArrayLike,
    mmf: ArrayLike,
    value: ArrayLike,
    maintenance: ArrayLike,
    bankruptcy_adjustment: ArrayLike = 1.0,
    spread_to_maintenance: ArrayLike = 1.5,
) -> FloatArray:
    """The worst price of a liquidation order: at the oracle while value = maintenance, off it by the spread at 0."""
    held, now, own = _position(size, price, mmf)
    distress = 1 - finite("value", value) / positive("maintenance", maintenance)
    urgency = np.clip(positive("bankruptcy_adjustment", bankruptcy_adjustment) * distress, 0.0, 1.0)
    return now - urgency * not_negative("spread_to_maintenance", spread_to_maintenance) * own / held


def _held(values: ArrayLike) -> Any:
    """No positions as an empty array of numbers."""
    return np.empty(0) if isinstance(values, list | tuple) and not values else values


def _position(size: ArrayLike, price: ArrayLike, mmf: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    held, now = finite("size", size), positive("price", price)
    refuse_where(held == 0, held, "must not be 0", "size")
    return held, now, np.abs(held) * now * not_negative("mmf", mmf)
