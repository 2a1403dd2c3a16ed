"""Partial liquidation down the tiers: how much is closed so that a lower tier's requirement is met.

    by steps    close to the cap of the tier `tiers` below, then look again          OKX: two tiers at a time
    to passing  close to the cap of the highest tier whose requirement is met        Bybit, BitMEX (risk limits)

Sizes in the unit of the tiers, as arrays; tiers on a last axis of their own, lowest first. Sources: OKX tiered
maintenance rules and amorrr.com/14966 (seen in copies only); bybit.eu liquidation-summarize; BitMEX's page on
liquidation (testnet.bitmex.com/app/liquidation).
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from stresslab.errors import require
from stresslab.venues.inputs import FloatArray, finite, not_negative, positive


def reduce_by_tiers(
    size: ArrayLike, caps: ArrayLike, tiers: int = 2, from_tier: int = 3, covers_first_tier: Any = True
) -> FloatArray:
    """What is closed now: down by `tiers` tiers from tier `from_tier` (counted from 1) up, everything below it.

    `covers_first_tier` says whether the margin is above what the lowest tier asks for: without that OKX closes all.
    """
    require(0 < tiers < from_tier, "must be above 0 and below from_tier", key="tiers", got=tiers)
    held, bounds = positive("size", size), np.asarray(caps, dtype=np.float64)
    number = np.searchsorted(bounds[:-1], held, side="left") + 1
    target = bounds[np.maximum(number - 1 - tiers, 0)]
    stepwise = (number >= from_tier) & np.asarray(covers_first_tier)
    return np.where(stepwise, held - target, held)[()]


def reduce_to_passing_tier(
    size: ArrayLike, equity: ArrayLike, caps: ArrayLike, mmr: ArrayLike, cum: ArrayLike = 0.0
) -> FloatArray:
    """What is closed now: nothing if the requirement is met, else down to the highest cap that equity is enough for.

        met at size z in a tier   equity > z mmr - cum

    Everything where no lower tier passes. Equity in the unit of the sizes; it is taken to stay what it is: a close at
    the mark, without fee. How Bybit picks the tier "that passes" is read from its text, not from a figure.
    """
    held, left = (x[..., None] for x in np.broadcast_arrays(positive("size", size), finite("equity", equity)))
    bounds, rate, amount = np.broadcast_arrays(np.asarray(caps, float), not_negative("mmr", mmr), finite("cum", cum))
    inside = (held > np.concatenate([[0.0], bounds[:-1]])) & (held <= np.concatenate([bounds[:-1], [np.inf]]))
    met = np.any(inside & (left > held * rate - amount), axis=-1)
    passes = (bounds < held) & (left > np.where(bounds < held, bounds, 0.0) * rate - amount)
    target = np.max(np.where(passes, bounds, 0.0), axis=-1)
    return np.where(met, 0.0, held[..., 0] - target)[()]
