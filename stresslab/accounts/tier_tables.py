"""Look-ups in tables of tiers, (book, tier), for measures of shape (book, path).

Tables of up to `UNROLLED` rows are compared row by row: XLA fuses the comparisons with the surrounding code.
The compiled program would grow with the rows of a longer table (BitMEX and OKX extend theirs without limit), so a
longer table is searched by bisection.
"""

import functools
from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from stresslab.venues import margin_kernel

UNROLLED = 24


def is_long(table: Array) -> bool:
    """Whether a table is searched instead of compared row by row."""
    return table.shape[1] > UNROLLED


def tier_at(caps: Array, measure: Array) -> Array:
    """The tier of each measure, int32 from 0: how many of the caps, (book, tier - 1), lie below it."""
    none_below = jnp.zeros(measure.shape, jnp.int32)
    rows = caps.shape[1]
    if not is_long(caps):
        above = [(measure > caps[:, row, None]).astype(jnp.int32) for row in range(rows)]
        return functools.reduce(jnp.add, above, none_below)
    found = none_below
    for power in reversed(range(rows.bit_length())):
        further = found + np.int32(1 << power)
        is_above = measure > row_of(caps, jnp.minimum(further, np.int32(rows)) - np.int32(1))
        found = jnp.where((further <= np.int32(rows)) & is_above, further, found)
    return found


def row_of(table: Array, tier: Array) -> Array:
    """The entries of a table at these tiers, (book, path)."""
    return jnp.take_along_axis(table, tier, axis=1, mode="clip")


def largest(line: Callable[[Array, Array], Array], mmr: Array, cum: Array) -> Array:
    """The largest of `line(rate, amount)` over the tiers, (book, path)."""
    if not is_long(mmr):
        found: Array = margin_kernel.largest(jnp, line, mmr, cum)
        return found

    def larger(tier: Array, found: Array) -> Array:
        return jnp.maximum(found, line(_column(mmr, tier), _column(cum, tier)))

    return lax.fori_loop(1, mmr.shape[1], larger, line(mmr[:, 0, None], cum[:, 0, None]))


def _column(table: Array, tier: Array) -> Array:
    return lax.dynamic_slice_in_dim(table, tier, 1, axis=1)
