"""The last stage of a launch: per-path results made small on the device, so that the host has little left to add up."""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab import general
from stresslab.estimate import tails
from stresslab.evaluate import Arguments, Closed, Shape, settle

MONEY = ("pnl", "fees", "funding", "shortfall")
GENERAL_MONEY = (*MONEY, "fund")  # of books that the general engine evaluates
GROUP = 64  # paths whose money is added up in float32, in a fixed order, before the host goes on in float64


class Condensed(NamedTuple):
    """Of one side. Codes are (event, book, path) with liquidation, bankruptcy and losses as events. JAX, then NumPy."""

    codes: Any
    moments: Any  # (money, power, horizon, book, group): sums over the units of each group, in float32
    loss_bin: Any  # int32 (horizon, book, path), counted through over horizons and books
    loss_quanta: Any  # int32 (horizon, book, path)


def condense(shape: Shape, closed: Closed, *given: Any) -> tuple[tuple[Condensed, ...], Array]:
    """Each side condensed, and the gaps that found no slot."""
    sides = Arguments(*given).sides
    made = []
    for closing, money, side in zip(closed.closing, settle(shape, closed, *given).money, sides, strict=True):
        codes = jnp.concatenate([closing.liquidation[None], closing.bankruptcy[None], closing.loss])
        made.append(_condensed(codes, money, MONEY, side.positions.equity, shape.antithetic))
    return tuple(made), closed.gaps_lost


def condense_general(shape: general.Shape, result: general.Result, *given: Any) -> tuple[tuple[Condensed, ...], Array]:
    """The books of one form condensed as one side; the general engine loses no gaps."""
    codes = result.codes
    single = (codes.liquidation, codes.bankruptcy, codes.deleveraged, codes.default)
    rows = jnp.concatenate([jnp.stack(single), codes.loss])
    equity = general.Arguments(*given).numbers.equity
    none_lost = jnp.zeros((1, shape.n_paths), jnp.int32)
    return (_condensed(rows, result.money, GENERAL_MONEY, equity, shape.antithetic),), none_lost


def _condensed(codes: Array, money: Any, kinds: tuple[str, ...], equity: Array, antithetic: bool) -> Condensed:
    moments = jnp.stack([_moments(getattr(money, name), antithetic) for name in kinds])
    loss = -money.pnl / equity[None, :, None]
    # a sum that is not finite tells that the book failed; what is counted here must still be a bin
    loss = jnp.where(jnp.isfinite(loss), loss, np.float32(0))
    n_horizons, n_books, _ = loss.shape
    row = jnp.arange(n_horizons * n_books, dtype=jnp.int32).reshape(n_horizons, n_books, 1)
    return Condensed(codes, moments, row * np.int32(tails.N_BINS) + tails.bin_of(loss), tails.quanta_of(loss))


def _moments(value: Array, pairs: bool) -> Array:
    """Sums of the units and of their squares by group; the units are paths, or means of antithetic pairs."""
    units = (value[..., 0::2] + value[..., 1::2]) * np.float32(0.5) if pairs else value
    return jnp.stack([_fold(units), _fold(units * units)])


def _fold(units: Array) -> Array:
    """Sums of neighbours: which ones does not depend on how many paths a scan carries."""
    groups = units.reshape(*units.shape[:-1], -1, GROUP)
    while groups.shape[-1] > 1:
        half = groups.shape[-1] // 2
        groups = groups[..., :half] + groups[..., half:]
    return groups[..., 0]
