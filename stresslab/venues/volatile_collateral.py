"""Positions backed by a token that moves itself: the trigger and what is given back (GMX v2).

    PnL         s (tokens P - size_usd)                     size_usd is the notional at entry
    remaining   collateral * price_min + PnL + impact - fees, impact <= 0 and >= -floor * size_usd
    liquidated  remaining < min USD, or remaining < factor * size_usd, or remaining <= 0
    returned    (collateral * price + PnL - fees) / price   tokens, at least 0

A fall of the collateral alone liquidates. The liquidation fee is not part of the test. Factor: 0.5 % BTC and ETH, 1 %
default. Source: gmx-io/gmx-synthetics contracts/position/PositionUtils.sol at a5c0c8835182 (2026-03-13).
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stresslab.venues.inputs import FloatArray, direction, finite, not_negative, positive


def token_pnl(side: Any, size_tokens: ArrayLike, size_usd: ArrayLike, index_price: ArrayLike) -> FloatArray:
    """PnL in USD of a position of so many tokens that cost `size_usd`."""
    worth = positive("size_tokens", size_tokens) * positive("index_price", index_price)
    return direction(side) * (worth - positive("size_usd", size_usd))


def remaining_collateral(
    collateral_tokens: ArrayLike,
    price_min: ArrayLike,
    pnl: ArrayLike,
    size_usd: ArrayLike,
    impact: ArrayLike = 0.0,
    fees: ArrayLike = 0.0,
    impact_floor: ArrayLike | None = None,
) -> FloatArray:
    """USD left; a positive price impact does not count, a negative one at most `impact_floor` of the size."""
    backing = not_negative("collateral_tokens", collateral_tokens) * positive("price_min", price_min)
    worst = np.minimum(finite("impact", impact), 0.0)
    if impact_floor is not None:
        worst = np.maximum(worst, -not_negative("impact_floor", impact_floor) * positive("size_usd", size_usd))
    return backing + finite("pnl", pnl) + worst - not_negative("fees", fees)


def is_liquidatable(
    remaining: ArrayLike, size_usd: ArrayLike, factor: ArrayLike = 0.01, min_usd: ArrayLike = 0.0
) -> NDArray[np.bool_]:
    """Whether what remains is under the floor in USD, under the factor of the size, or nothing."""
    left = finite("remaining", remaining)
    needed = np.maximum(
        not_negative("min_usd", min_usd), not_negative("factor", factor) * positive("size_usd", size_usd)
    )
    return (left < needed) | (left <= 0)


def returned_collateral(
    collateral_tokens: ArrayLike, collateral_price: ArrayLike, pnl: ArrayLike, fees: ArrayLike = 0.0
) -> FloatArray:
    """Tokens given back when the position is closed: a loss is taken out of the collateral at its price now."""
    at = positive("collateral_price", collateral_price)
    owed = finite("pnl", pnl) - not_negative("fees", fees)
    return np.maximum(not_negative("collateral_tokens", collateral_tokens) + owed / at, 0.0)
