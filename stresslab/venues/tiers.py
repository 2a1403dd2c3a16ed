"""Maintenance tiers: maintenance(N) = N * mmr - cum, with the tier whose (floor, cap] holds the notional N.

cum_n = cum_(n-1) + floor_n * (mmr_n - mmr_(n-1)) makes the requirement continuous; with rates that do not fall it is
convex, so that it is also the largest of the tiers' lines: maintenance(N) = max_i(N * mmr_i - cum_i). The
closed forms of `margin` rest on that. Notionals in quote currency, rates as fractions. Source: Binance FAQ
b3c689c1f50a44cabb3a84e663b81d93 (tiers and maintenance amount).

Flat tiers put the tier's rate on the whole position (cum = 0): the requirement jumps at the caps, and is no largest of
lines. Tiers are counted in the notional, or in another size (contracts, base currency): `tier_unit` of the rulebook.
The cap of the last tier may be infinite.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stresslab.errors import InputError, NotAllowed, require
from stresslab.venues import margin_kernel
from stresslab.venues.inputs import FloatArray, finite, refuse_where

ROUNDING = 1e-9  # of the floor: what a published maintenance amount may be off
LEVERAGE_ROUNDING = 1e-6  # of 1: venues publish 1/75 as 0.01333333


class TierAt(NamedTuple):
    """The tier of each notional asked for; arrays of the notional's shape."""

    number: NDArray[np.int64]  # counted from 1, as venues do
    floor: FloatArray  # quote currency, excluded
    cap: FloatArray  # quote currency, included
    mmr: FloatArray
    imr: FloatArray
    max_leverage: FloatArray
    cum: FloatArray  # quote currency


COLUMNS = TierAt._fields[1:]


@dataclass(frozen=True, eq=False)
class TierTable:
    """Tiers from the lowest to the highest notional: read-only float64 arrays of shape (tier,)."""

    floor: FloatArray
    cap: FloatArray
    mmr: FloatArray
    imr: FloatArray
    max_leverage: FloatArray
    cum: FloatArray
    flat: bool = False

    def __post_init__(self) -> None:
        for name in COLUMNS:
            column = _column(name, getattr(self, name))
            object.__setattr__(self, name, column)
            require(column.ndim == 1 and column.size == self.floor.size > 0, "one number for each tier", key=name)
        _check_bounds(self)
        _check_rates(self)

    @property
    def highest(self) -> float:
        """The largest notional that the venue allows."""
        return float(self.cap[-1])

    def at(self, notional: ArrayLike) -> TierAt:
        """The tier of each notional, (floor, cap]; 0 is in the first. NotAllowed above the last cap."""
        asked = finite("notional", notional)
        refuse_where(asked < 0, asked, "must not be negative", "notional")
        if np.any(asked > self.highest):
            raise NotAllowed(
                f"must be at most {self.highest:,.0f}, the cap of the venue's last tier",
                key="notional",
                got=float(asked.max()),
                hint="Make the position smaller",
            )
        index = np.asarray(np.searchsorted(self.cap, asked, side="left"), dtype=np.int64)
        return TierAt(index + 1, *(getattr(self, name)[index] for name in COLUMNS))

    def maintenance(self, notional: ArrayLike) -> FloatArray:
        """Maintenance margin in quote currency; NotAllowed above the last cap."""
        self.at(notional)  # refuses what is above
        size = np.asarray(notional, dtype=np.float64)[..., None]
        required = margin_kernel.required(np, "flat" if self.flat else "marginal", self, size, size)
        return np.asarray(required[..., 0])


def _column(name: str, given: ArrayLike) -> FloatArray:
    """A read-only copy; only the last cap may be infinite."""
    column = np.array(given, dtype=np.float64) if name == "cap" else finite(name, given).copy()
    if name == "cap":
        finite(name, np.where(np.isposinf(column) & (np.arange(column.size) == column.size - 1), 0.0, column))
    column.flags.writeable = False
    return column


def _check_bounds(table: TierTable) -> None:
    """Tiers start at 0 and follow each other without gap or overlap."""
    require(table.floor[0] == 0, "the first tier starts at 0", key="tiers[0].floor", got=float(table.floor[0]))
    previous = np.concatenate([[0.0], table.cap[:-1]])
    _refuse_tier(table.floor != previous, "floor", table.floor, previous, "must be the cap of the tier before it")
    _refuse_tier(table.cap <= table.floor, "cap", table.cap, table.floor, "must be above the tier's floor")


def _check_rates(table: TierTable) -> None:
    """Rates do not fall, leverage is the inverse of the initial rate, and cum makes the requirement continuous."""
    before = np.concatenate([[0.0], table.mmr[:-1]])
    outside = (table.mmr <= 0) | (table.mmr >= 1)
    _refuse_tier(outside, "mmr", table.mmr, None, "must be above 0 and below 1")
    _refuse_tier(table.mmr < before, "mmr", table.mmr, before, "must not be below the rate of the tier before it")
    _refuse_tier(table.imr < table.mmr, "imr", table.imr, table.mmr, "must not be below the tier's maintenance rate")
    falling = np.concatenate([[0.0], table.imr[:-1]])
    _refuse_tier(table.imr < falling, "imr", table.imr, falling, "must not be below the rate of the tier before it")
    off = np.abs(table.imr * table.max_leverage - 1) > LEVERAGE_ROUNDING
    _refuse_tier(off, "max_leverage", table.max_leverage, 1 / table.imr, "must be 1 / imr")
    cum = np.zeros(table.mmr.size) if table.flat else np.cumsum(table.floor * (table.mmr - before))
    wrong = np.abs(table.cum - cum) > ROUNDING * table.floor
    rule = "is 0 in a flat tier" if table.flat else "must be cum before + floor * (mmr - mmr before)"
    _refuse_tier(wrong, "cum", table.cum, cum, rule)


def _refuse_tier(bad: NDArray[np.bool_], column: str, got: FloatArray, wanted: FloatArray | None, rule: str) -> None:
    if bad.any():
        tier = int(bad.argmax())
        figure = "" if wanted is None else f", {wanted[tier]:.12g}"
        raise InputError(rule + figure, key=f"tiers[{tier}].{column}", got=float(got[tier]))
