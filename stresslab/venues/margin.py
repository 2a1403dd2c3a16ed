"""Equity, bankruptcy and liquidation of a position by one's own numbers: closed forms, float64, elementwise.

In the coordinate x (P for a linear contract, 1 / P for an inverse one, where a long falls with x) and with the notional
N = q x in settlement currency:

    equity(x)      = margin + other_pnl + s q (x - x_entry)         s = +1: a linear long or an inverse short
    requirement(x) = q x (mmr + close_fee) - cum + other_maintenance        liquidated where equity <= requirement

so inside one tier  x* = (margin + other_pnl - other_maintenance + cum - s q x_entry) / (q (mmr + close_fee) - s q).
q > 0 is base currency for a linear contract and USD for an inverse one (contracts x multiplier for a quanto: linear in
P, settled in coin). `margin` is what backs the position now (isolated margin, or the wallet of a cross account),
without its PnL since entry, net of fees and of funding already settled. An isolated position leaves other_pnl and
other_maintenance at 0; a requirement frozen at entry is an other_maintenance. Sources: Binance FAQ
b3c689c1f50a44cabb3a84e663b81d93 (cross and isolated) and ceccfcfb4e3a45e3b48b0b1bb1a8ae46 (inverse), Gate and OKX with
close_fee > 0, dYdX v4 with cum = 0, Kraken (inverse).
"""

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stresslab.errors import require
from stresslab.venues import margin_kernel
from stresslab.venues.inputs import FloatArray, choice, direction, finite, positive, refuse_where, shapes_in_words
from stresslab.venues.tiers import TierTable
from stresslab.venues.trigger import adverse_end, safe_interval

Kind = Literal["linear", "inverse"]
ZERO = np.zeros(1)


def coordinate(price: ArrayLike, contract: Kind = "linear", key: str = "price") -> FloatArray:
    """The x in which PnL is linear: the price, or one over it; 0 and infinity are each other's."""
    choice("contract", contract, get_args(Kind))
    return finite(key, price) if contract == "linear" else 1 / positive(key, price)


def price_at(x: FloatArray, contract: Kind = "linear") -> FloatArray:
    """The price of a coordinate: 0.0 where a long, and infinite where an inverse short, is never reached."""
    if contract == "linear":
        return x
    with np.errstate(divide="ignore"):
        return 1 / x


def heading(side: Any, contract: Kind = "linear") -> FloatArray:
    """+1 where equity rises with x: a linear long, an inverse short."""
    choice("contract", contract, get_args(Kind))
    return direction(side) * (1.0 if contract == "linear" else -1.0)


@shapes_in_words
def notional(quantity: ArrayLike, price: ArrayLike, contract: Kind = "linear") -> FloatArray:
    """Settlement currency: q P, or Q / P coins."""
    return positive("quantity", quantity) * coordinate(price, contract)


@shapes_in_words
def equity(
    side: Any,
    entry_price: ArrayLike,
    quantity: ArrayLike,
    margin: ArrayLike,
    price: ArrayLike,
    other_pnl: ArrayLike = 0.0,
    contract: Kind = "linear",
) -> FloatArray:
    """What is left of the margin at `price`, settlement currency; negative beyond the bankruptcy price."""
    entry = coordinate(positive("entry_price", entry_price), contract)
    pnl = heading(side, contract) * positive("quantity", quantity) * (coordinate(price, contract) - entry)
    return finite("margin", margin) + finite("other_pnl", other_pnl) + pnl


@shapes_in_words
def bankruptcy_price(
    side: Any,
    entry_price: ArrayLike,
    quantity: ArrayLike,
    margin: ArrayLike,
    other_pnl: ArrayLike = 0.0,
    close_fee: ArrayLike = 0.0,
    contract: Kind = "linear",
) -> FloatArray:
    """The price at which equity is zero, or what the fee to close there takes.

    0.0 for a long and infinity for an inverse short that no price bankrupts.
    """
    s, q = heading(side, contract), positive("quantity", quantity)
    x = coordinate(positive("entry_price", entry_price), contract)
    backing = finite("margin", margin) + finite("other_pnl", other_pnl)
    empty = (x - s * backing / q) / (1 - s * _rate("close_fee", close_fee))
    return price_at(np.maximum(empty, 0.0), contract)


@shapes_in_words
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
    contract: Kind = "linear",
) -> FloatArray:
    """The price at which equity meets a requirement of one given rate and maintenance amount, whatever the notional.

    A position that no price above 0 liquidates gets 0.0 (a long) or infinity (an inverse short). One that is below its
    requirement already gets a price beyond its entry (above for a long): ask `is_liquidated` at the price now.
    """
    s, q = heading(side, contract), positive("quantity", quantity)
    rate = _rate("mmr", finite("mmr", mmr) + finite("close_fee", close_fee), "mmr + close_fee ")
    backing = finite("margin", margin) + finite("other_pnl", other_pnl) - finite("other_maintenance", other_maintenance)
    intercept = backing - s * q * coordinate(positive("entry_price", entry_price), contract)
    safe = safe_interval(s * q, intercept, (q * rate)[..., None], finite("cum", cum)[..., None], ZERO)
    return price_at(adverse_end(s > 0, safe), contract)[()]


def liquidation_price_from_available(
    side: Any, price: ArrayLike, quantity: ArrayLike, available: ArrayLike, mmr: ArrayLike
) -> FloatArray:
    """The same from what is there now: P - s available / q / (1 - s mmr), available = equity - requirement at P.

    Source: Hyperliquid docs, liquidations (account value, or isolated margin, less the maintenance margin).
    """
    required = _rate("mmr", mmr) * notional(quantity, price)
    return liquidation_price(side, price, quantity, finite("available", available) + required, mmr=mmr)


@shapes_in_words
def hedged_liquidation_price(
    long_entry: ArrayLike,
    long_quantity: ArrayLike,
    short_entry: ArrayLike,
    short_quantity: ArrayLike,
    margin: ArrayLike,
    *,
    long_mmr: ArrayLike,
    short_mmr: ArrayLike,
    long_cum: ArrayLike = 0.0,
    short_cum: ArrayLike = 0.0,
    other_pnl: ArrayLike = 0.0,
    other_maintenance: ArrayLike = 0.0,
    contract: Kind = "linear",
) -> FloatArray:
    """Hedge mode by one's own numbers: the one price that both legs share while they stay in these tiers.

    (margin + U - R + cum_L + cum_S - s_L q_L x_L - s_S q_S x_S) / (q_L mmr_L + q_S mmr_S - s_L q_L - s_S q_S) in the
    coordinate x. 0.0 (inverse: infinity) where it is not above 0, which the venue shows as "--". A rulebook finds the
    tiers, and the second price that legs of nearly one size have: `hedged_liquidation_prices`. Source: Binance FAQs.
    """
    top = finite("margin", margin) + finite("other_pnl", other_pnl) - finite("other_maintenance", other_maintenance)
    bottom, up = np.zeros(()), heading("long", contract)
    legs = (
        (up, "long_", long_entry, long_quantity, long_mmr, long_cum),
        (-up, "short_", short_entry, short_quantity, short_mmr, short_cum),
    )
    for s, name, entry, quantity, mmr, cum in legs:
        q, x = positive(name + "quantity", quantity), coordinate(positive(name + "entry", entry), contract)
        top = top + finite(name + "cum", cum) - s * q * x
        bottom = bottom + q * (_rate(name + "mmr", mmr) - s)
    with np.errstate(divide="ignore"):
        return price_at(np.maximum(top / bottom, 0.0), contract)[()]


@shapes_in_words
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
    contract: Kind = "linear",
) -> FloatArray:
    """The price at which equity meets the requirement of the tier that holds the notional AT THAT PRICE (not at entry).

    `tiers` are marginal and counted in the notional. The requirement is the largest of the tiers' lines, so the tier
    that holds the notional at its own price is the one whose price is met first: the largest x for a position that
    falls with x, the smallest for the other. That is the scan over tiers, without its failure when the notional falls
    on a cap to rounding. The last tier is continued above its cap. Prices of 0.0, of infinity and beyond entry mean
    what they mean in `liquidation_price`.
    """
    require(isinstance(tiers, TierTable), "must be a TierTable", key="tiers", got=tiers)
    require(not tiers.flat, "must be marginal: a flat requirement jumps, and is met more than once", key="tiers")
    s, q = heading(side, contract), positive("quantity", quantity)
    backing = finite("margin", margin) + finite("other_pnl", other_pnl) - finite("other_maintenance", other_maintenance)
    intercept = backing - s * q * coordinate(positive("entry_price", entry_price), contract)
    rate = q[..., None] * (tiers.mmr + finite("close_fee", close_fee)[..., None])
    return price_at(adverse_end(s > 0, safe_interval(s * q, intercept, rate, tiers.cum, ZERO)), contract)[()]


@shapes_in_words
def requirement(
    quantity: ArrayLike,
    price: ArrayLike,
    tiers: TierTable,
    close_fee: ArrayLike = 0.0,
    other_maintenance: ArrayLike = 0.0,
    contract: Kind = "linear",
) -> FloatArray:
    """Maintenance margin at `price` in settlement currency, marginal, with the last tier continued above its cap."""
    require(isinstance(tiers, TierTable), "must be a TierTable", key="tiers", got=tiers)
    size = notional(quantity, price, contract)
    wanted = margin_kernel.required(np, "marginal", tiers, size[..., None], size[..., None])[..., 0]
    return wanted + size * finite("close_fee", close_fee) + finite("other_maintenance", other_maintenance)


@shapes_in_words
def is_liquidated(
    side: Any,
    entry_price: ArrayLike,
    quantity: ArrayLike,
    margin: ArrayLike,
    mark_price: ArrayLike,
    tiers: TierTable,
    contract: Kind = "linear",
) -> NDArray[np.bool_]:
    """Whether an isolated position is at or below its requirement at `mark_price`: the trigger itself."""
    left = equity(side, entry_price, quantity, margin, mark_price, contract=contract)
    return left <= requirement(quantity, mark_price, tiers, contract=contract)


def _rate(key: str, given: ArrayLike, words: str = "") -> FloatArray:
    rate = finite(key, given)
    refuse_where((rate < 0) | (rate >= 1), rate, f"{words}must be at least 0 and below 1", key)
    return rate
