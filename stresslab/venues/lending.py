"""Lending: health of a loan against several collaterals (Aave v3), the same E <= R with the debt as requirement.

    health = sum(collateral value * liquidation threshold) / debt          liquidated below 1

Half of the debt may be closed at once, all of it below a health of 0.95; the close factors were not read again at the
source. Source: Aave v3 documentation.
"""

import numpy as np
from numpy.typing import ArrayLike

from stresslab.venues.inputs import FloatArray, finite, not_negative, positive


def health_factor(collateral_values: ArrayLike, thresholds: ArrayLike, debt: ArrayLike) -> FloatArray:
    """Weighted collateral (assets on the last axis) over debt."""
    counted = not_negative("collateral_values", collateral_values) * not_negative("thresholds", thresholds)
    return counted.sum(axis=-1) / positive("debt", debt)


def close_factor(health: ArrayLike, all_below: ArrayLike = 0.95) -> FloatArray:
    """The share of the debt that may be repaid at once: 0 from a health of 1, 50 %, then 100 %."""
    level = finite("health", health)
    return np.where(level >= 1, 0.0, np.where(level < not_negative("all_below", all_below), 1.0, 0.5))[()]
