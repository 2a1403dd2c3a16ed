"""Fees of a forced close: the clearance fee, Drift's ramp and insurance fee, dYdX's fee to its fund.

    clearance   rate * liquidated notional, at most what is left                     Binance, Deribit
    ramp        base inside the grace, then base + 1e-6 per slot since active, capped    Drift
    insurance   min(max, 0.95 max(0, ratio - liquidator fee - shortage / (q P)))         Drift
    to fund     min(max_fee q fill, s q (fill - bankruptcy price))                       dYdX; negative: the fund pays

Rates are fractions, money in quote currency. Sources: docs.traderwagon.com copy of Binance's protocol; Deribit
support 25944769313309; drift-labs/protocol-v2 programs/drift/src/math/liquidation.rs at 0ae3e3b1db78; dydxprotocol
v4-chain protocol/testing/genesis.sh at 84d4664bae71.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from stresslab.venues.inputs import FloatArray, direction, finite, not_negative, numeric, positive, refuse_where

PER_SLOT = 1e-6
GRACE_SLOTS = 1500.0
INSURANCE_SHARE = 0.95


def clearance_fee(notional: ArrayLike, rate: ArrayLike, left: ArrayLike = np.inf) -> FloatArray:
    """Fee on the liquidated notional at the fill, at most the equity that is left, never below 0."""
    fee, most = not_negative("notional", notional) * not_negative("rate", rate), numeric("left", left)
    refuse_where(np.isnan(most), most, "must be a number", "left")
    return np.clip(fee, 0.0, np.maximum(most, 0.0))


def ramped_fee(
    base_fee: ArrayLike,
    max_fee: ArrayLike,
    slots_since_active: ArrayLike,
    grace_slots: ArrayLike = GRACE_SLOTS,
    per_slot: ArrayLike = PER_SLOT,
) -> FloatArray:
    """The liquidator's fee rate: it grows while nobody liquidates, over all slots since the user was active."""
    slots, base = not_negative("slots_since_active", slots_since_active), not_negative("base_fee", base_fee)
    grown = np.minimum(base + not_negative("per_slot", per_slot) * slots, not_negative("max_fee", max_fee))
    return np.where(slots < not_negative("grace_slots", grace_slots), base, grown)[()]


def insurance_fee_rate(
    margin_shortage: ArrayLike,
    base: ArrayLike,
    price: ArrayLike,
    margin_ratio: ArrayLike,
    liquidator_fee: ArrayLike,
    max_fee: ArrayLike,
    share: ArrayLike = INSURANCE_SHARE,
    quote_price: ArrayLike = 1.0,
) -> FloatArray:
    """Drift's fee rate for its fund: a share of what closing `base` leaves above the shortage; 0 for no notional."""
    notional = not_negative("base", base) * not_negative("price", price) * not_negative("quote_price", quote_price)
    short = not_negative("margin_shortage", margin_shortage) / np.where(notional > 0, notional, 1.0)
    room = not_negative("margin_ratio", margin_ratio) - not_negative("liquidator_fee", liquidator_fee) - short
    fee = np.minimum(not_negative("max_fee", max_fee), not_negative("share", share) * np.maximum(room, 0.0))
    return np.where(notional > 0, fee, 0.0)[()]


def fee_to_fund(
    side: Any, quantity: ArrayLike, fill_price: ArrayLike, bankruptcy_price: ArrayLike, max_fee: ArrayLike = 0.015
) -> FloatArray:
    """What dYdX's fund receives from a fill: the gain over bankruptcy, at most `max_fee`; negative: it pays."""
    q, fill = positive("quantity", quantity), positive("fill_price", fill_price)
    gain = direction(side) * q * (fill - finite("bankruptcy_price", bankruptcy_price))
    return np.minimum(not_negative("max_fee", max_fee) * q * fill, gain)
