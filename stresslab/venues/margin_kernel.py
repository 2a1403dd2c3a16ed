"""Maintenance requirement and trigger of one position, as kernels over an array module.

A rulebook evaluates them with NumPy in float64, the account engine with JAX in float32. With the notional N = q x in
the coordinate x of `stresslab.venues.margin` (the price, or one over it), the size z that picks the rate, and the
columns of a table of rates

    marginal  max_i (N mmr_i - cum_i)                      the tiers' lines, which form a convex function
    flat      N mmr_i of the tier that holds z             with a jump at each cap
    affine    N min(mmr + cum z, cap)                      Deribit; KuCoin's cross accounts
    sqrt      N max(mmr, cap mmr + cum sqrt(z))            Drift v2

A closing fee on the notional is part of the rates (`with_fee`). Tables have their tiers on the last axis, measures
their paths: (..., tier) and (..., path), so that tables of several books are evaluated on the paths of each.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

Array = Any  # of the array module


class Table(Protocol):
    """Columns of a table of rates, (..., tier)."""

    @property
    def mmr(self) -> Array:
        """Maintenance rate; affine and sqrt: the rate at size 0, one row."""

    @property
    def cum(self) -> Array:
        """Maintenance amount; affine and sqrt: the growth of the rate with the size, or with its root."""

    @property
    def cap(self) -> Array:
        """Largest size of the tier; affine: the largest rate; sqrt: the share of the base rate beside the root."""


class Rates(NamedTuple):
    """A table as it stands in a rulebook."""

    mmr: Array
    cum: Array
    cap: Array


def required(xp: Any, shape: str, table: Table, notional: Array, size: Array) -> Array:
    """The maintenance requirement of a notional whose rate is picked by `size`."""
    found: Array = _SHAPES[shape](xp, table, notional, size)
    return found


def line(notional: Array, rate: Array, amount: Array) -> Array:
    """The requirement by one tier's line."""
    return rate * notional - amount


def line_crossing(slope: Array, intercept: Array, rate: Array, amount: Array) -> tuple[Array, Array]:
    """Numerator and denominator of the x at which the equity slope x + intercept meets the line rate x - amount."""
    return -(intercept + amount), slope - rate


def with_fee(shape: str, table: Table, fee: Array) -> Rates:
    """The rates with a closing fee on the notional in them; `fee` is a rate, (...,) of the table without its tiers."""
    fee = fee[..., None]
    if shape == "affine":
        return Rates(table.mmr + fee, table.cum, table.cap + fee)
    if shape == "sqrt":  # max(b, s b + g) + f = max(b + f, s' (b + f) + g)
        base = table.mmr + fee
        return Rates(base, table.cum, (table.cap * table.mmr + fee) / base)
    return Rates(table.mmr + fee, table.cum, table.cap)


def largest(xp: Any, line: Callable[[Array, Array], Array], mmr: Array, cum: Array) -> Array:
    """The largest of `line(rate, amount)` over the tiers, (..., path)."""
    lines = [line(mmr[..., tier, None], cum[..., tier, None]) for tier in range(mmr.shape[-1])]
    return functools.reduce(xp.maximum, lines)


def _marginal(xp: Any, table: Table, notional: Array, size: Array) -> Array:
    return largest(xp, lambda rate, amount: line(notional, rate, amount), table.mmr, table.cum)


def _flat(xp: Any, table: Table, notional: Array, size: Array) -> Array:
    rate = table.mmr[..., 0, None] + xp.zeros_like(notional)
    for tier in range(1, table.mmr.shape[-1]):
        rate = xp.where(size > table.cap[..., tier - 1, None], table.mmr[..., tier, None], rate)
    return rate * notional


def _affine(xp: Any, table: Table, notional: Array, size: Array) -> Array:
    grown = table.mmr[..., 0, None] + table.cum[..., 0, None] * size
    return xp.minimum(grown, table.cap[..., 0, None]) * notional


def _sqrt(xp: Any, table: Table, notional: Array, size: Array) -> Array:
    base = table.mmr[..., 0, None]
    grown = table.cap[..., 0, None] * base + table.cum[..., 0, None] * xp.sqrt(size)
    return xp.maximum(base, grown) * notional


_SHAPES = {"marginal": _marginal, "flat": _flat, "affine": _affine, "sqrt": _sqrt}
