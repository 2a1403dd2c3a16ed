"""Equity, bankruptcy and liquidation of a linear position: closed forms, float64, elementwise over arrays.

    equity(P)      = margin + s q (P - entry) + other_pnl
    requirement(P) = q P (mmr + close_fee) - cum + other_maintenance          liquidated where equity <= requirement

so inside one tier  P* = (margin + other_pnl - other_maintenance + cum - s q entry) / (q (mmr + close_fee) - s q).
s is +1 for a long and -1 for a short, q > 0 in base currency, prices and money in quote currency, rates as
fractions. `margin` is what backs the position now (isolated margin, or the wallet of a cross account), net of fees and
of funding already settled. An isolated position leaves other_pnl and other_maintenance at 0. Sources: Binance FAQ
b3c689c1f50a44cabb3a84e663b81d93 (cross and isolated), Gate and OKX with close_fee > 0, dYdX v4 with cum = 0.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stresslab.venues.inputs import FloatArray, direction, finite, positive, refuse_where
from stresslab.venues.tiers import TierTable


def equity(
    side: Any,
    entry_price: ArrayLike,
    quantity: ArrayLike,
    margin: ArrayLike,
    price: ArrayLike,
    other_pnl: ArrayLike = 0.0,
) -> FloatArray:
    """What is left of the margin at `price`, quote currency; negative beyond the bankruptcy price."""
    moved = finite("price", price) - positive("entry_price", entry_price)
    pnl = direction(side) * positive("quantity", quantity) * moved
    return finite("margin", margin) + finite("other_pnl", other_pnl) + pnl


def bankruptcy_price(
    side: Any, entry_price: ArrayLike, quantity: ArrayLike, margin: ArrayLike, other_pnl: ArrayLike = 0.0
) -> FloatArray:
    """The price at which equity is zero; 0.0 for a long that no price bankrupts (margin above its entry notional)."""
    backing = finite("margin", margin) + finite("other_pnl", other_pnl)
    price = positive("entry_price", entry_price) - direction(side) * backing / positive("quantity", quantity)
    return np.maximum(price, 0.0)


def liquidation_price(
    side: Any,
    entry_price: ArrayLike,
    quantity: ArrayLike,
    margin: ArrayLike,
    *,
    mmr: ArrayLike,
    cum: ArrayLike = 0.0,
    close_fee: ArrayLike = 0.0,
    other_pnl: ArrayLike = 0.0,
    other_maintenance: ArrayLike = 0.0,
) -> FloatArray:
    """The price at which equity meets a requirement of one given rate and maintenance amount, whatever the notional.

    A long whose price would not be above 0 is never liquidated: 0.0 is returned for it. A position that is below its
    requirement already gets a price beyond its entry (above for a long): ask `is_liquidated` at the price now.
    """
    s, q = direction(side), positive("quantity", quantity)
    rate = finite("mmr", mmr) + finite("close_fee", close_fee)
    refuse_where((rate < 0) | (rate >= 1), rate, "mmr + close_fee must be at least 0 and below 1", "mmr")
    backing = finite("margin", margin) + finite("other_pnl", other_pnl) - finite("other_maintenance", other_maintenance)
    price = (backing + finite("cum", cum) - s * q * positive("entry_price", entry_price)) / (q * (rate - s))
    return np.maximum(price, 0.0)


def tiered_liquidation_price(
    side: Any,
    entry_price: ArrayLike,
    quantity: ArrayLike,
    margin: ArrayLike,
    tiers: TierTable,
    *,
    close_fee: ArrayLike = 0.0,
    other_pnl: ArrayLike = 0.0,
    other_maintenance: ArrayLike = 0.0,
) -> FloatArray:
    """The price at which equity meets the requirement of the tier that holds the notional AT THAT PRICE (not at entry).

    The requirement is the largest of the tiers' lines, so the tier that holds the notional at its own price is the one
    whose price is met first: the highest for a long, the lowest for a short. Taking that one is the scan over tiers,
    without its failure when the notional falls on a cap to rounding. The last tier is continued above its cap, where a
    short may be driven. Prices of 0.0 and beyond entry mean what they mean in `liquidation_price`.
    """
    s, per_tier = direction(side), [_last_axis(x) for x in (entry_price, quantity, margin)]
    others = [_last_axis(x) for x in (close_fee, other_pnl, other_maintenance)]
    prices = liquidation_price(
        np.asarray(side)[..., None],
        *per_tier,
        mmr=tiers.mmr,
        cum=tiers.cum,
        close_fee=others[0],
        other_pnl=others[1],
        other_maintenance=others[2],
    )
    return np.where(s > 0, prices.max(axis=-1), prices.min(axis=-1))[()]


def requirement(
    quantity: ArrayLike,
    price: ArrayLike,
    tiers: TierTable,
    close_fee: ArrayLike = 0.0,
    other_maintenance: ArrayLike = 0.0,
) -> FloatArray:
    """Maintenance margin at `price` in quote currency, with the last tier continued above its cap."""
    notional = positive("quantity", quantity) * finite("price", price)
    lines = notional[..., None] * tiers.mmr - tiers.cum
    return (
        lines.max(axis=-1) + notional * finite("close_fee", close_fee) + finite("other_maintenance", other_maintenance)
    )


def is_liquidated(
    side: Any, entry_price: ArrayLike, quantity: ArrayLike, margin: ArrayLike, mark_price: ArrayLike, tiers: TierTable
) -> NDArray[np.bool_]:
    """Whether an isolated position is at or below its requirement at `mark_price`: the trigger itself."""
    return equity(side, entry_price, quantity, margin, mark_price) <= requirement(quantity, mark_price, tiers)


def _last_axis(value: ArrayLike) -> Any:
    return np.asarray(value)[..., None]
