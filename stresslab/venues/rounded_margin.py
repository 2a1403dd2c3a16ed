"""Margins in whole units, rounded up, and an initial rate that rises with open interest (dYdX v4).

    IM   = ceil(N IMF),  MM = ceil(IM fraction)                             in steps of 1e-6 USDC
    IMF  = floor(base + (1 - base) (OI - lower) / (upper - lower))          in ppm, between the caps; MM keeps the base

N = |size| * oracle price, OI the open interest times the oracle price, both in USDC. Source: dydxprotocol/v4-chain
protocol/x/perpetuals at 84d4664bae71 (2026-03-04).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from stresslab.venues.inputs import FloatArray, not_negative, positive, refuse_where

STEP = 1e-6  # USDC, and of 1 for rates
EPSILON = np.finfo(np.float64).eps


class Margins(NamedTuple):
    """Quote currency."""

    initial: FloatArray
    maintenance: FloatArray


def round_up(amount: ArrayLike, step: ArrayLike = STEP) -> FloatArray:
    """To the next multiple of the step; an amount that is one but for float64's rounding stays."""
    unit = positive("step", step)
    steps = not_negative("amount", amount) / unit
    return np.ceil(steps - _slack(steps)) * unit


def round_down(amount: ArrayLike, step: ArrayLike = STEP) -> FloatArray:
    """To the multiple of the step below; an amount that is one but for float64's rounding stays."""
    unit = positive("step", step)
    steps = not_negative("amount", amount) / unit
    return np.floor(steps + _slack(steps)) * unit


def rounded_margins(
    notional: ArrayLike,
    imf: ArrayLike,
    maintenance_fraction: ArrayLike,
    scaled_imf: ArrayLike | None = None,
    step: ArrayLike = STEP,
) -> Margins:
    """Initial and maintenance margin; `scaled_imf` (of `scaled_initial_fraction`) raises the initial one alone."""
    size, rate = not_negative("notional", notional), not_negative("imf", imf)
    initial = round_up(size * rate, step)
    maintenance = round_up(initial * not_negative("maintenance_fraction", maintenance_fraction), step)
    raised = initial if scaled_imf is None else round_up(size * not_negative("scaled_imf", scaled_imf), step)
    return Margins(raised, maintenance)


def scaled_initial_fraction(
    base_imf: ArrayLike, open_interest: ArrayLike, lower: ArrayLike, upper: ArrayLike
) -> FloatArray:
    """The initial rate at this open interest (USDC): base up to `lower`, 1 from `upper` on; base where both are 0."""
    base, held = not_negative("base_imf", base_imf), not_negative("open_interest", open_interest)
    low, high = not_negative("lower", lower), not_negative("upper", upper)
    refuse_where((high <= low) & (high > 0), high, "must be above lower, or 0 with it", "upper")
    way = np.clip((held - low) / np.where(high > low, high - low, 1.0), 0.0, 1.0)
    return np.where(high > low, np.minimum(round_down(base + (1 - base) * way), 1.0), base)[()]


def _slack(steps: FloatArray) -> FloatArray:
    return np.maximum(8 * EPSILON * steps, 1e-7)
