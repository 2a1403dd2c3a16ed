"""Rates that grow with the size of a position or balance: with each base unit (Deribit), with a square root (Drift v2).

    affine         rate at 0 + per_base size                       Deribit: 2 % + 0.005 % for each BTC
    square root    max(base, share base + factor sqrt(size))       Drift: share 0.8, of margin ratio or liability weight
    at a fill      (initial + maintenance) / 2                     Drift, while an order is filled
    asset weight   min(weight, 1.1 / (1 + factor sqrt(size)))      Drift: what a large deposit, or open profit, counts

Sizes in base units (of open profit: quote), rates as fractions. Sources: support.deribit.com 25944826427293;
drift-labs/protocol-v2 programs/drift/src/math/margin.rs and state/{perp,spot}_market.rs at 0ae3e3b1db78.
"""

import numpy as np
from numpy.typing import ArrayLike

from stresslab.venues.inputs import FloatArray, not_negative, shapes_in_words

SHARE_OF_BASE = 0.8
LARGEST_WEIGHT = 1.1


@shapes_in_words
def affine_rate(rate_at_0: ArrayLike, per_base: ArrayLike, size: ArrayLike) -> FloatArray:
    """Margin over notional for the whole position."""
    return not_negative("rate_at_0", rate_at_0) + not_negative("per_base", per_base) * not_negative("size", size)


@shapes_in_words
def sqrt_rate(base: ArrayLike, factor: ArrayLike, size: ArrayLike, share: ArrayLike = SHARE_OF_BASE) -> FloatArray:
    """Margin over notional, or the weight of a liability, for the whole position."""
    least = not_negative("base", base)
    grown = not_negative("share", share) * least + not_negative("factor", factor) * np.sqrt(not_negative("size", size))
    return np.maximum(least, grown)


def fill_rate(initial: ArrayLike, maintenance: ArrayLike) -> FloatArray:
    """The margin ratio that an order needs while it is filled."""
    return (not_negative("initial", initial) + not_negative("maintenance", maintenance)) / 2


@shapes_in_words
def asset_weight(weight: ArrayLike, factor: ArrayLike, size: ArrayLike) -> FloatArray:
    """The share of its value that a balance counts for."""
    discounted = LARGEST_WEIGHT / (1 + not_negative("factor", factor) * np.sqrt(not_negative("size", size)))
    return np.minimum(not_negative("weight", weight), discounted)
