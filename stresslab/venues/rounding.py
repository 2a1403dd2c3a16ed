"""Prices on the tick, margins rounded up to a smallest unit, rates cut off to millionths: what venues do in integers.

A product that is a whole number of units but for its last binary digits counts as whole.
"""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stresslab.venues.inputs import FloatArray, choice, direction, finite, not_negative, numeric, positive, refuse_where

PPM = 1e-6
NEARLY = 1e-9  # of a unit
LAST_DIGITS = 8 * np.finfo(np.float64).eps  # of the number, where that is larger


def rounded_up(value: ArrayLike, unit: ArrayLike) -> FloatArray:
    """The next multiple of `unit` at or above the value (dYdX v4: quantums of 1e-6 USDC)."""
    return _whole(value, unit, np.ceil)


def rounded_down(value: ArrayLike, unit: ArrayLike) -> FloatArray:
    """The last multiple of `unit` at or below the value."""
    return _whole(value, unit, np.floor)


def maintenance_ppm(initial_ppm: ArrayLike, fraction_ppm: ArrayLike) -> NDArray[np.int64]:
    """Maintenance rate in millionths: initial x fraction, cut off (dYdX v4: liquidity_tier.go). Integers."""
    initial, fraction = not_negative("initial_ppm", initial_ppm), not_negative("fraction_ppm", fraction_ppm)
    return np.asarray(initial.astype(np.int64) * fraction.astype(np.int64) // 1_000_000, dtype=np.int64)


def rounded_margins(
    notional: ArrayLike, initial_rate: ArrayLike, fraction: ArrayLike, unit: float = 1e-6
) -> tuple[FloatArray, FloatArray]:
    """Initial margin, rounded up to `unit`, and its maintenance `fraction`, rounded up again (dYdX v4)."""
    initial = rounded_up(not_negative("notional", notional) * finite("initial_rate", initial_rate), unit)
    return initial, rounded_up(initial * finite("fraction", fraction), unit)


def open_interest_rate(
    base_rate: ArrayLike, open_interest: ArrayLike, lower: ArrayLike, upper: ArrayLike
) -> FloatArray:
    """Initial rate that rises from its base to 1 while open interest goes from `lower` to `upper`, cut off to ppm.

    Open interest and bounds in quote currency; an upper bound of 0 is none. Source: dYdX v4, liquidity_tier.go; the
    maintenance rate does not move.
    """
    base, low, high = not_negative("base_rate", base_rate), not_negative("lower", lower), not_negative("upper", upper)
    refuse_where((low >= high) & (high > 0), low, "must be below upper", "lower")
    above = not_negative("open_interest", open_interest) - low
    share = np.where(high > 0, np.clip(above / np.where(high > 0, high - low, 1.0), 0.0, 1.0), 0.0)
    return rounded_down(base + (1 - base) * share, PPM)


def on_tick(price: ArrayLike, tick: ArrayLike, how: Literal["up", "down", "earlier"], side: Any) -> FloatArray:
    """A liquidation price on the tick; earlier is the one met first: up for a long, down for a short (Bybit).

    Infinite prices, which are never met, stay what they are.
    """
    price = numeric("price", price)
    refuse_where(np.isnan(price), price, "must be a number", "price")
    choice("how", how, ("up", "down", "earlier"))
    finite_price = np.where(np.isfinite(price), price, 0.0)
    up, down = rounded_up(finite_price, tick), rounded_down(finite_price, tick)
    chosen = np.where(direction(side) > 0, up, down) if how == "earlier" else up if how == "up" else down
    return np.where(np.isfinite(price), chosen, price)[()]


def _whole(value: ArrayLike, unit: ArrayLike, way: Callable[[FloatArray], FloatArray]) -> FloatArray:
    step = positive("unit", unit)
    count = finite("value", value) / step
    near = np.rint(count)
    is_whole = np.abs(count - near) <= np.maximum(NEARLY, LAST_DIGITS * np.abs(count))
    return np.where(is_whole, near, way(count)) * step
