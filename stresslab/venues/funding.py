"""Funding payments: when they are made, how much, and what recorded rates sum to.

    linear   received = -s q P rate     quote currency
    inverse  received = -s Q / P rate   coin, Q the notional in USD

with s = +1 long and -1 short, q in base currency, P the price of the rulebook's `notional_at` (mark, oracle or index)
and the rate a fraction per interval: a positive rate is paid by longs to shorts. Payment times are the multiples of
the interval since 00:00 UTC. Source: Binance FAQ on funding (00:00, 08:00 and 16:00 UTC by default).
"""

from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stresslab.errors import require
from stresslab.units import SECONDS
from stresslab.venues.inputs import FloatArray, direction, finite, positive, shapes_in_words, whole
from stresslab.venues.margin import Kind, notional

DAY = SECONDS["D"]


def funding_seconds(as_of: datetime, interval_seconds: int, horizon_seconds: int) -> NDArray[np.int64]:
    """Payment times in whole seconds after `as_of`, in (0, horizon]: a payment at `as_of` itself is past."""
    require(isinstance(as_of, datetime), "must be a date with a time", key="as_of", got=as_of)
    require(
        as_of.tzinfo is not None, "must say its time zone", key="as_of", got=str(as_of), hint="End it with Z for UTC"
    )
    require(as_of.microsecond == 0, "must be a whole second", key="as_of", got=str(as_of))
    require(
        whole("interval", interval_seconds) in range(1, DAY + 1) and DAY % interval_seconds == 0,
        "must divide a day, so that every day has the same payment times",
        key="interval",
        got=interval_seconds,
    )
    horizon = whole("horizon", horizon_seconds)
    clock = as_of.astimezone(UTC)
    since_midnight = clock.hour * 3600 + clock.minute * 60 + clock.second
    first = interval_seconds - since_midnight % interval_seconds
    return np.arange(first, horizon + 1, interval_seconds, dtype=np.int64)


@shapes_in_words
def funding_payment(
    side: Any, quantity: ArrayLike, price: ArrayLike, rate: ArrayLike, contract: Kind = "linear"
) -> FloatArray:
    """Settlement currency received at one payment; negative is paid. `quantity` in USD for an inverse contract."""
    paid = notional(quantity, positive("price", price), contract)
    return -direction(side) * paid * finite("rate", rate)


@shapes_in_words
def funding_sum(
    side: Any,
    quantity: ArrayLike,
    opened: ArrayLike,
    closed: ArrayLike,
    times: ArrayLike,
    prices: ArrayLike,
    rates: ArrayLike,
) -> FloatArray:
    """Quote currency received over recorded payments with opened <= time <= closed: both ends count.

    `times`, `prices` and `rates` share their last axis, the payments; times are in the unit of `opened` and `closed`
    (say Unix seconds). The other arguments are scalars, or arrays over positions.
    """
    start, end, when = (finite(key, x) for key, x in (("opened", opened), ("closed", closed), ("times", times)))
    require(bool(np.all(start <= end)), "a position closes after it is opened", key="closed")
    held = (start[..., None] <= when) & (when <= end[..., None])
    sign = direction(side)[..., None]
    paid = sign * funding_payment("long", positive("quantity", quantity)[..., None], prices, rates)
    return np.sum(np.where(held, paid, 0.0), axis=-1)
