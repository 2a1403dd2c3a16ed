"""Lending: health of a loan against several collaterals, the same E <= R with the debt as requirement.

    Aave v3   health = sum(collateral value * liquidation threshold) / debt          liquidated below 1
    Drift v2  requirement = borrow * liability weight * (1 + buffer)

Half of Aave's debt may be closed at once, all of it below a health of 0.95; the close factors were not read again at
the source. Sources: Aave v3 documentation; drift-labs/protocol-v2 sdk/tests/user/getMarginCalculation.ts.
"""

import numpy as np
from numpy.typing import ArrayLike

from stresslab.venues.inputs import FloatArray, finite, not_negative, positive, series, shapes_in_words


@shapes_in_words
def health_factor(collateral_values: ArrayLike, thresholds: ArrayLike, debt: ArrayLike) -> FloatArray:
    """Weighted collateral (assets on the last axis) over debt."""
    counted = not_negative("collateral_values", collateral_values) * not_negative("thresholds", thresholds)
    return series("collateral_values", counted).sum(axis=-1) / positive("debt", debt)


def close_factor(health: ArrayLike, all_below: ArrayLike = 0.95) -> FloatArray:
    """The share of the debt that may be repaid at once: 0 from a health of 1, 50 %, then 100 %."""
    level = finite("health", health)
    return np.where(level >= 1, 0.0, np.where(level < not_negative("all_below", all_below), 1.0, 0.5))[()]


def borrow_requirement(borrow: ArrayLike, liability_weight: ArrayLike, buffer: ArrayLike = 0.0) -> FloatArray:
    """Margin that a borrowed amount asks for; with the buffer a liquidation goes on until it is met (Drift)."""
    weighted = not_negative("borrow", borrow) * not_negative("liability_weight", liability_weight)
    return weighted * (1 + not_negative("buffer", buffer))
