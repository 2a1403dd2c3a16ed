"""Losses that nobody covers, shared out: among winners by profit (Deribit), or by size over both sides (Drift).

    by profit   share_i = loss * max(0, profit_i) / sum max(0, profit)
    by size     per base = loss / (|long| + |short|), taken from every position through funding

Sources: insights.deribit.com on socialised losses (that shares are in proportion to the session's profit is the usual
reading, no figure was seen); drift-labs/protocol-v2 programs/drift/src/math/liquidation.rs.
"""

import numpy as np
from numpy.typing import ArrayLike

from stresslab.venues.inputs import FloatArray, finite, not_negative, refuse_where, series


def shares_by_profit(loss: ArrayLike, profits: ArrayLike) -> FloatArray:
    """What each account (last axis) gives up, at most its profit: money; losers give nothing."""
    gains = np.maximum(series("profits", finite("profits", profits)), 0.0)
    total = gains.sum(axis=-1, keepdims=True)
    rate = np.minimum(not_negative("loss", loss)[..., None] / np.where(total > 0, total, 1.0), 1.0)
    return gains * rate


def loss_per_base(loss: ArrayLike, base_long: ArrayLike, base_short: ArrayLike) -> FloatArray:
    """Quote currency that each base unit of every position loses; sizes of a sign or not."""
    open_interest = np.abs(finite("base_long", base_long)) + np.abs(finite("base_short", base_short))
    refuse_where(open_interest == 0, open_interest, "somebody must hold a position", "base_long")
    return not_negative("loss", loss) / open_interest


def shares_by_size(loss: ArrayLike, sizes: ArrayLike) -> FloatArray:
    """What each position (last axis, signed) loses: together the loss."""
    held = np.abs(series("sizes", finite("sizes", sizes)))
    per_base = loss_per_base(loss, held.sum(axis=-1), 0.0)
    return held * per_base[..., None]
