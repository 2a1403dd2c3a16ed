"""Value at risk and expected shortfall from counts in fixed bins.

Losses are fractions of the account's equity at as_of. Bins: below -1, then equal steps up to 1, then the atom of losing
everything (which may be a little more than 1 where fees came from outside). Counts, and the sums of losses as whole
multiples of `QUANTUM`, are integers, so that merging blocks is exact in any order.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

BINS_PER_UNIT = 200
QUANTUM = 2.0**-20
EVERYTHING = 1 - 2.0**-20  # a loss from here on is the atom
EDGES = np.linspace(-1.0, 1.0, 2 * BINS_PER_UNIT + 1)
N_BINS = len(EDGES) + 1
LOWER = np.concatenate([[-np.inf], EDGES[:-1], [1.0]])
UPPER = np.concatenate([EDGES, [1.0]])


class TailRisk(NamedTuple):
    """Value at risk and expected shortfall at one level, fractions of equity, with standard errors."""

    value_at_risk: np.ndarray
    expected_shortfall: np.ndarray
    value_at_risk_se: np.ndarray
    expected_shortfall_se: np.ndarray


def bin_of(loss: Array) -> Array:
    """The bin of each loss: float32 in, int32 out, in JAX."""
    inside = jnp.clip(jnp.ceil((loss + np.float32(1)) * np.float32(BINS_PER_UNIT)), 0, N_BINS - 2).astype(jnp.int32)
    return jnp.where(loss >= np.float32(EVERYTHING), np.int32(N_BINS - 1), inside)


def quanta_of(loss: Array) -> Array:
    """Each loss in whole quanta, int32; a gain of more than a thousandfold counts as that."""
    return jnp.rint(jnp.maximum(loss, np.float32(-1024)) / np.float32(QUANTUM)).astype(jnp.int32)


def tail_risk(count: np.ndarray, total: np.ndarray, level: float, n_units: float) -> TailRisk:
    """At confidence `level`, from `count` and `total` (sum of losses) of each bin, both of shape (..., bin).

    The quantile is taken linearly within its bin, exactly in the atom. Standard errors: the binomial order-statistic
    interval for the quantile, and the variance of the tail for the shortfall (Manistre and Hancock 2005), for `n_units`
    independent units.
    """
    n = count.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(count > 0, total / np.maximum(count, 1), 0.0)
        spread = np.sqrt(level * (1 - level) / n_units)
        quantile = _quantile(count, mean, level)
        reach = _quantile(count, mean, min(level + spread, 1.0)) - _quantile(count, mean, max(level - spread, 0.0))
        tail = n * (1 - level)
        above, above_total, above_square = _beyond(count, mean, quantile)
        # the quantile's own bin fills the tail up to its size
        missing = tail - above
        shortfall = (above_total + missing * quantile) / tail
        variance = np.maximum((above_square + missing * quantile**2) / tail - shortfall**2, 0.0)
        shortfall_se = np.sqrt((variance + level * (shortfall - quantile) ** 2) / (n_units * (1 - level)))
    return TailRisk(quantile, shortfall, reach / 2, shortfall_se)


def _ends(mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each bin's losses lie: between its edges, all at the mean in the open first bin and in the atom."""
    lower, upper = np.broadcast_to(LOWER, mean.shape).copy(), np.broadcast_to(UPPER, mean.shape).copy()
    for edge in (lower, upper):
        edge[..., 0], edge[..., -1] = mean[..., 0], mean[..., -1]
    return lower, upper


def _quantile(count: np.ndarray, mean: np.ndarray, level: float) -> np.ndarray:
    cumulative = np.cumsum(count, axis=-1)
    rank = level * cumulative[..., -1:]
    place = np.argmax(cumulative >= np.maximum(rank, 1), axis=-1)[..., None]
    lower, upper = (np.take_along_axis(edge, place, -1) for edge in _ends(mean))
    inside = np.take_along_axis(count, place, -1)
    before = np.take_along_axis(cumulative, place, -1) - inside
    share = np.clip((rank - before) / np.maximum(inside, 1), 0.0, 1.0)
    return (lower + share * (upper - lower))[..., 0]


def _beyond(count: np.ndarray, mean: np.ndarray, quantile: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count, sum and sum of squares of the losses beyond the quantile, its own bin cut at it."""
    lower, upper = _ends(mean)
    width = upper - lower
    cut = quantile[..., None]
    share = np.where(width > 0, np.clip((upper - cut) / np.where(width > 0, width, 1.0), 0.0, 1.0), mean > cut)
    centre = np.where((share > 0) & (share < 1), (np.maximum(lower, cut) + upper) / 2, mean)
    part = count * share
    return part.sum(axis=-1), (part * centre).sum(axis=-1), (part * centre**2).sum(axis=-1)
