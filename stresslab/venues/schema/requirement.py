"""Maintenance and initial margin, one model for each shape that a requirement may have.

N is the notional in settlement currency at the price of `basis`, z the size in `tier_unit`.

    marginal  N mmr - cum                          the tier that holds z; continuous at the caps
    flat      N mmr                                the tier's rate on the whole position: jumps at the caps
    affine    N (mmr0 + mmr_per_base z)            z in base currency (Deribit)
    sqrt      N max(base, size_factor_base base + size_factor sqrt(z))     z in base currency (Drift v2)
    option    a fraction of the underlying and the option's own price, short options only (Deribit)
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from stresslab.errors import InputError, require
from stresslab.venues.inputs import FloatArray
from stresslab.venues.schema.base import Fraction, NotEmpty, NotNegative, Positive, Section
from stresslab.venues.schema.portfolio import Portfolio
from stresslab.venues.tiers import TierTable

RATE_DIGITS = 12  # of the rates of tiers that are written out
TierUnit = Literal["quote", "base", "contracts", "coin"]


class OpenInterestScaling(Section):
    """The initial rate rises linearly from its base to 1 while open interest goes from `lower` to `upper`."""

    lower: NotNegative = Field(description="quote currency")
    upper: Positive = Field(description="quote currency")

    @model_validator(mode="after")
    def _order(self) -> "OpenInterestScaling":
        require(self.lower < self.upper, "must be above lower", key="upper", got=self.upper)
        return self


class _Requirement(Section):
    basis: Literal["mark", "oracle", "entry"] = Field(description="price of the notional; entry: frozen there")
    include_close_fee: Literal["none", "on_notional", "at_bankruptcy", "on_entry_and_margin"] = Field(
        description="whether the fee to close is part of the requirement, and on what: the notional; the one at the "
        "bankruptcy price of the leverage set; or entry notional plus initial margin"
    )
    close_fee_rate: NotNegative | None = Field(
        default=None, description="rate of that fee where it is the contract's; null: the account's taker fee"
    )
    with_funding: bool = Field(
        default=False, description="true: the current funding rate, where it is adverse, adds to the maintenance rate"
    )
    max_quantity: Positive | None = Field(
        default=None, description="largest position, in the contract's unit of quantity; null: the last tier bounds it"
    )
    compare: Literal["le", "lt"] = Field(description="liquidated where equity <= requirement, or <")
    netting: Literal["none", "max_leg"] = Field(description="max_leg: only the larger of long and short is counted")
    rounded_up_to: Positive | None = Field(description="margins are rounded up to multiples of this; null: not")
    oi_scaling: OpenInterestScaling | None
    portfolio: Portfolio | None = Field(description="the scenarios of the portfolio mode; null: there is none")

    @property
    def table(self) -> TierTable:
        """The tiers as arrays; InputError for a shape without tiers."""
        shape = getattr(self, "shape", "")
        raise InputError("has no tiers: its rate follows from the size", key="requirement.shape", got=shape)


class Tier(Section):
    """One marginal tier: sizes in (floor, cap]; cap null: without end (only the last)."""

    floor: NotNegative
    cap: Positive | None
    mmr: Fraction = Field(description="maintenance rate, fraction of the notional")
    imr: Positive = Field(description="initial rate, fraction of the notional")
    max_leverage: Positive
    cum: NotNegative = Field(description="maintenance amount, in the unit of the tiers")


class Marginal(_Requirement):
    """Each slice of the size at its own rate: N mmr - cum."""

    shape: Literal["marginal"]
    tier_unit: TierUnit = Field(description="what tiers are counted in")
    tier_at: Literal["trigger_price", "entry"] = Field(description="where the size that picks the tier is taken")
    tiers: Annotated[tuple[Tier, ...], Field(strict=False), NotEmpty]

    @property
    def table(self) -> TierTable:
        """The tiers as arrays."""
        return _marginal_table(self.tiers)

    @model_validator(mode="after")
    def _consistent(self) -> "Marginal":
        _marginal_table(self.tiers)  # building the table checks it
        return self


class FlatTier(Section):
    """One flat tier: from the cap before it (excluded) to its own."""

    cap: Positive | None = Field(description="null: without end (only the last)")
    mmr: Fraction
    imr: Positive = Field(description="1 / imr is the largest leverage")


class OpenEnded(Section):
    """Tiers that go on after the listed ones, each wider by `step`, until `last_cap` or an initial rate of 1."""

    step: Positive = Field(description="in the unit of the tiers")
    last_cap: Positive | None = Field(default=None, description="cap of the last tier; null: the initial rate ends it")
    mmr_step: NotNegative
    imr_step: Positive


class Flat(_Requirement):
    """The tier's rate on the whole position."""

    shape: Literal["flat"]
    tier_unit: TierUnit = Field(description="what tiers are counted in")
    tier_at: Literal["trigger_price", "entry"] = Field(description="where the size that picks the tier is taken")
    tiers: Annotated[tuple[FlatTier, ...], Field(strict=False), NotEmpty]
    open_ended: OpenEnded | None

    @property
    def table(self) -> TierTable:
        """The tiers as arrays, those of `open_ended` written out; maintenance amounts are 0."""
        return _flat_table(self.tiers, self.open_ended)

    @model_validator(mode="after")
    def _consistent(self) -> "Flat":
        _flat_table(self.tiers, self.open_ended)
        return self


class Affine(_Requirement):
    """A rate that rises with every unit of base currency held."""

    shape: Literal["affine"]
    tier_unit: Literal["base"]
    tier_at: Literal["trigger_price"]
    imr0: Fraction
    mmr0: Fraction
    imr_per_base: NotNegative = Field(description="added to the rate for each unit of base currency")
    mmr_per_base: NotNegative
    imr_limit: Positive | None = Field(default=None, description="the rate rises no further; null: without end")
    mmr_limit: Positive | None = Field(default=None, description="the rate rises no further; null: without end")


class Sqrt(_Requirement):
    """A rate that rises with the square root of the size."""

    shape: Literal["sqrt"]
    tier_unit: Literal["base"]
    tier_at: Literal["trigger_price"]
    base_initial: Fraction
    base_maintenance: Fraction
    size_factor_base: Fraction = Field(description="share of the base rate beside the square root (Drift v2: 0.8)")
    size_factor: NotNegative = Field(description="for the square root of base units")


class ShortOption(_Requirement):
    """Margin of a short option for each unit of base currency, as fractions of the underlying; long options need none.

    call  initial max(initial - OTM / S, initial_floor) + premium,  maintenance maintenance + premium
    put   initial the larger of the same and its maintenance,  maintenance max(m, m premium) + premium
    """

    shape: Literal["option"]
    tier_unit: Literal["base"]
    tier_at: Literal["trigger_price"]
    initial: Fraction
    initial_floor: Fraction
    maintenance: Fraction


Requirement = Annotated[Marginal | Flat | Affine | Sqrt | ShortOption, Field(discriminator="shape")]


@lru_cache
def _marginal_table(tiers: tuple[Tier, ...]) -> TierTable:
    return TierTable(
        floor=_column(tier.floor for tier in tiers),
        cap=_column(_end(tier.cap) for tier in tiers),
        mmr=_column(tier.mmr for tier in tiers),
        imr=_column(tier.imr for tier in tiers),
        max_leverage=_column(tier.max_leverage for tier in tiers),
        cum=_column(tier.cum for tier in tiers),
    )


@lru_cache
def _flat_table(tiers: tuple[FlatTier, ...], more: OpenEnded | None) -> TierTable:
    rows = [(_end(tier.cap), tier.mmr, tier.imr) for tier in tiers]
    if more is not None:
        rows += _further(*rows[-1], more)
    cap, mmr, imr = (_column(row[place] for row in rows) for place in range(3))
    return TierTable(
        floor=np.concatenate([[0.0], cap[:-1]]),
        cap=cap,
        mmr=mmr,
        imr=imr,
        max_leverage=1 / imr,
        cum=np.zeros(cap.size),
        flat=True,
    )


def _further(cap: float, mmr: float, imr: float, more: OpenEnded) -> list[tuple[float, float, float]]:
    """Rows after the last listed one; rounded, as steps of 0.005 added up would miss a rate of 1 by their error."""
    rows: list[tuple[float, float, float]] = []
    while cap < _end(more.last_cap):
        count = len(rows) + 1
        rates = (round(mmr + count * more.mmr_step, RATE_DIGITS), round(imr + count * more.imr_step, RATE_DIGITS))
        if rates[1] > 1:
            break
        rows.append((cap + more.step, *rates))
        cap = rows[-1][0]
    return rows


def _end(cap: float | None) -> float:
    return float("inf") if cap is None else cap


def _column(numbers: Iterable[float]) -> FloatArray:
    return np.array(list(numbers), dtype=np.float64)
