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
from stresslab.venues.inputs import (
    FloatArray,
    finite,
    flags,
    not_negative,
    numeric,
    positive,
    series,
    shapes_in_words,
    whole,
)


def reduce_by_tiers(
    size: ArrayLike, caps: ArrayLike, tiers: int = 2, from_tier: int = 3, covers_first_tier: Any = True
) -> FloatArray:
    """What is closed now: down by `tiers` tiers from tier `from_tier` (counted from 1) up, everything below it.

    `covers_first_tier` says whether the margin is above what the lowest tier asks for: without that OKX closes all.
    """
    down, lowest = whole("tiers", tiers, 1), whole("from_tier", from_tier, 2)
    require(down < lowest, "must be below from_tier", key="tiers", got=tiers)
    held, bounds = positive("size", size), _rising(caps)
    number = np.searchsorted(bounds[:-1], held, side="left") + 1
    target = bounds[np.maximum(number - 1 - down, 0)]
    stepwise = (number >= lowest) & flags("covers_first_tier", covers_first_tier)
    return np.where(stepwise, held - target, held)[()]


@shapes_in_words
def reduce_to_passing_tier(
    size: ArrayLike, equity: ArrayLike, caps: ArrayLike, mmr: ArrayLike, cum: ArrayLike = 0.0
) -> FloatArray:
    """What is closed now: nothing if the requirement is met, else down to the highest cap that equity is enough for.

        met at size z in a tier   equity > z mmr - cum

    Everything where no lower tier passes. Equity in the unit of the sizes; it is taken to stay what it is: a close at
    the mark, without fee. How Bybit picks the tier "that passes" is read from its text, not from a figure.
    """
    held, left = (x[..., None] for x in np.broadcast_arrays(positive("size", size), finite("equity", equity)))
    bounds, rate, amount = np.broadcast_arrays(_rising(caps), not_negative("mmr", mmr), finite("cum", cum))
    inside = (held > np.concatenate([[0.0], bounds[:-1]])) & (held <= np.concatenate([bounds[:-1], [np.inf]]))
    met = np.any(inside & (left > held * rate - amount), axis=-1)
    passes = (bounds < held) & (left > np.where(bounds < held, bounds, 0.0) * rate - amount)
    target = np.max(np.where(passes, bounds, 0.0), axis=-1)
    return np.where(met, 0.0, held[..., 0] - target)[()]


def _rising(caps: ArrayLike) -> FloatArray:
    """The caps of the tiers, the last of which may be infinite."""
    bounds = series("caps", numeric("caps", caps))
    rule = "must rise from tier to tier, from above 0"
    require(bounds.ndim == 1 and bool(np.all(np.diff(bounds, prepend=0.0) > 0)), rule, key="caps", got=bounds.tolist())
    return bounds
