"""The parts of a rulebook, one small frozen model each: what may stand in configs/venues/*/*.yaml.

Only what is simulated can be written: a rulebook that says `shape: flat` or `kind: inverse` is refused, not half
obeyed.
"""

from functools import lru_cache
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from stresslab.units import parse_duration
from stresslab.venues.tiers import TierTable

Fraction = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
Text = Annotated[str, Field(min_length=1)]


class Section(BaseModel):
    """Base of every part: frozen, strict, no unknown keys, finite numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Contract(Section):
    """What is traded."""

    kind: Literal["linear"] = Field(description="PnL in quote currency, linear in price")
    settle: Text = Field(description="currency of margin, PnL and fees")


class Collateral(Section):
    """What backs the position."""

    mode: Literal["isolated"] = Field(description="the loss is capped at the position's margin")


class Tier(Section):
    """One tier: notionals in (floor, cap], quote currency."""

    floor: Annotated[float, Field(ge=0)]
    cap: Positive
    mmr: Fraction = Field(description="maintenance rate, fraction of the notional")
    imr: Positive = Field(description="initial rate, fraction of the notional")
    max_leverage: Positive
    cum: Annotated[float, Field(ge=0)] = Field(description="maintenance amount, quote currency")


class Requirement(Section):
    """Maintenance margin and when it triggers."""

    basis: Literal["mark"] = Field(description="the price of the notional")
    shape: Literal["marginal"] = Field(description="notional * mmr - cum")
    tier_unit: Literal["quote"] = Field(description="what tiers are counted in")
    tier_at: Literal["trigger_price"] = Field(description="the tier is the one of the notional at the trigger price")
    include_close_fee: Literal["none"] = Field(description="whether the fee to close is part of the requirement")
    compare: Literal["le"] = Field(description="liquidated where equity <= requirement")
    tiers: Annotated[tuple[Tier, ...], Field(strict=False, min_length=1)]

    @property
    def table(self) -> TierTable:
        """The tiers as arrays."""
        return _table(self.tiers)

    @model_validator(mode="after")
    def _consistent(self) -> "Requirement":
        _table(self.tiers)  # building the table checks it
        return self


@lru_cache
def _table(tiers: tuple[Tier, ...]) -> TierTable:
    return TierTable(**{name: np.array([getattr(tier, name) for tier in tiers]) for name in Tier.model_fields})


class Mark(Section):
    """The price that triggers. An assumption until mark and index are simulated apart."""

    kind: Literal["equals_index"] = Field(description="mark = last = index")


class Liquidation(Section):
    """What happens at the trigger."""

    ladder: Literal["full"] = Field(description="the whole position is closed at once")
    fee: Fraction = Field(description="fraction of fee_base, capped by what is left")
    fee_base: Literal["liquidated_notional"]
    residual: Literal["customer", "insurance"] = Field(description="who keeps what is left after the fee")


class Fees(Section):
    """Trading fees, fractions of the notional; a negative maker fee is a rebate."""

    maker: Annotated[float, Field(gt=-1, lt=1)]
    taker: Fraction
    entry_charged_to: Literal["wallet", "margin"] = Field(description="margin: the entry fee moves the trigger")


class Funding(Section):
    """Funding payments; the rate comes from the study."""

    interval: Text = Field(description='duration such as "8h", counted from 00:00 UTC')
    charged_to: Literal["margin"] = Field(description="payments move the position's margin, and so the trigger")
    notional_at: Literal["mark"] = Field(description="the price of the notional that the rate is applied to")

    @field_validator("interval")
    @classmethod
    def _duration(cls, text: str) -> str:
        parse_duration(text)
        return text

    @property
    def interval_seconds(self) -> int:
        """The interval in seconds."""
        return parse_duration(self.interval)


class CloseOut(Section):
    """How a forced close fills."""

    slippage_bps: Annotated[float, Field(ge=0, lt=10_000)] = Field(description="worse than the price by, basis points")
