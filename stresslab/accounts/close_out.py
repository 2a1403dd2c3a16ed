"""What an order loses to the book that it meets: impact that grows with the order, in a book that thins out in a storm.

    linear        loss = c N / (D d)                    c = 0.005: on average half of the way to the last fill
    square_root   loss = Y sigma_day sqrt(N / (V d))    sigma_day = sqrt(variance now / 365)
    d             = max(floor, (variance now / variance_0)^-a)     share of the calm depth or volume that is there

N is the order's notional in quote currency, D the depth within 1 % of the mid and V the volume of a day, both calm.
The loss is a fraction of the price, at most `most`, beside the fixed slippage of the leg; counterparties get it.
Linear: a book of even density. Square root: Toth et al. (2011), Anomalous price impact, PRX 1, 021006, with Y near 1;
Almgren et al. (2005), Direct estimation of equity market impact, find the power 0.6. It has the volatility in it
already, so `falls` is meant for the linear law. BTC within 1 % of the mid: $16.5M on Binance in July 2025 (Amberdata),
$20M early October 2025 (CoinDesk); at the worst of 2025-10-10 2 to 10 % of it was left (Kaiko), when BTC fell 13 % in
under an hour: 20 to 30 times the calm volatility. a = 0.5 (depth falls as volatility rises), floor 0.02 agree with it.
"""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab.accounts.contracts import quote_notional
from stresslab.accounts.form import Leg, LegNumbers
from stresslab.accounts.point import Point

_DAYS = np.float32(365)


@dataclass(frozen=True)
class CloseOut:
    """`Leg.close_out`: which law, and whether depth falls."""

    impact: Literal["linear", "square_root"] = "linear"
    falls: bool = True


class CloseOutNumbers(NamedTuple):
    """`LegNumbers.close_out`, (book,); of a condition, scalars. The last three but `most` only where depth falls."""

    coefficient: Any  # linear: mean loss of an order as large as the depth (0.005); square_root: Y
    depth: (
        Any  # linear: within 1 % of the mid; square_root: of a day; in the quote notional of a leg of size 1 at as_of
    )
    most: Any = np.float32(0.5)  # of the price, below 1
    calm_variance: Any = np.float32(1)  # per year: variance_0
    power: Any = np.float32(0.5)  # a
    floor: Any = np.float32(0.02)


def impact(form: CloseOut, numbers: CloseOutNumbers, traded: Array, variance: Array) -> Array:
    """The fraction of the price that an order of this quote notional loses."""
    depth = numbers.depth
    if form.falls:
        stress = jnp.maximum(variance / numbers.calm_variance, np.float32(1e-12))
        share = jnp.exp(-numbers.power * jnp.log(stress))
        depth = depth * jnp.clip(share, numbers.floor, np.float32(1))
    filled = traded / depth
    if form.impact == "square_root":
        # the least is there for the derivative at 0, which stages of a ladder take
        filled = jnp.sqrt(variance / _DAYS) * jnp.sqrt(jnp.maximum(filled, np.float32(1e-12)))
    return jnp.minimum(numbers.coefficient * filled, numbers.most)


def of_order(leg: Leg, numbers: LegNumbers, change: Array, price: Array, at: Point) -> Array:
    """The loss of an order in one leg, (book, path); `price` is what the leg trades at."""
    column = CloseOutNumbers(*(np.float32(1) * field[:, None] for field in numbers.close_out))
    traded = jnp.abs(change) * quote_notional(leg.contract, price)
    return impact(leg.close_out, column, traded, at.variance[leg.asset : leg.asset + 1])
