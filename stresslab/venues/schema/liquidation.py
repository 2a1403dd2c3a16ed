"""What happens at the trigger: the stages of the ladder in their order, the fee, and who keeps what is left."""

from typing import Annotated, Literal

from pydantic import Field

from stresslab.venues.schema.base import Duration, Fraction, NotEmpty, NotNegative, Positive, Section


class CancelOrders(Section):
    """Open orders are cancelled, which frees what they reserve."""

    stage: Literal["cancel_orders"]


class ReduceTiers(Section):
    """The position is cut down by `tiers` tiers at a time while it is in tier `from_tier` (from 1) or above."""

    stage: Literal["reduce_tiers"]
    tiers: Annotated[int, Field(ge=1)]
    from_tier: Annotated[int, Field(ge=2)]


class ToPassingTier(Section):
    """The position is cut down to the cap of the highest tier at which it passes (Bybit, BitMEX)."""

    stage: Literal["to_passing_tier"]


class CloseFraction(Section):
    """A fraction first where the notional is above a bound, the rest after a cooldown (Hyperliquid)."""

    stage: Literal["fraction"]
    fraction: Annotated[float, Field(gt=0, le=1)]
    above_notional: NotNegative = Field(description="quote currency")
    cooldown: Duration


class CoverShortage(Section):
    """As much as brings the account back to its requirement (Binance, Drift)."""

    stage: Literal["cover_shortage"]
    buffer: NotNegative = Field(description="added to the maintenance rate that has to be reached")


class Incremental(Section):
    """A fraction again and again until the requirement is met (Deribit)."""

    stage: Literal["incremental"]
    fraction: Annotated[float, Field(gt=0, le=1)] = Field(description="of the position in each round")
    every: Duration


class Full(Section):
    """The whole position at once."""

    stage: Literal["full"]


Stage = Annotated[
    CancelOrders | ReduceTiers | ToPassingTier | CloseFraction | CoverShortage | Incremental | Full,
    Field(discriminator="stage"),
]


class Caps(Section):
    """Bounds of one forced close (dYdX v4: in one block)."""

    min_notional: NotNegative = Field(description="quote currency: at least this, if the position is as large")
    max_portion: Annotated[float, Field(gt=0, le=1)] = Field(description="of a position")
    max_notional: Positive = Field(description="quote currency for one account")
    max_insurance_loss: Positive = Field(description="quote currency for one account")


class LimitPrice(Section):
    """The worst price of a forced close: (N - clamp(b (1 - equity / mm), 0, 1) spread mm) / size (dYdX v4)."""

    spread_to_maintenance: NotNegative
    bankruptcy_adjustment: Annotated[float, Field(ge=1)]


class FeeRamp(Section):
    """The fee grows while nobody liquidates: fee + per_slot (slots - grace), at most max_fee (Drift v2)."""

    per_slot: NotNegative
    grace_slots: Annotated[int, Field(ge=0)]
    max_fee: Fraction


class InsuranceFee(Section):
    """min(max_fee, share max(0, margin ratio - liquidator fee - shortage / N)), for the fund (Drift v2)."""

    max_fee: Fraction
    share: Annotated[float, Field(ge=0, le=1)]


class Pace(Section):
    """The share that may be closed: initial + slots / duration; all at once below a shortage (Drift v2)."""

    initial_share: Fraction
    duration_slots: Annotated[int, Field(ge=1)]
    at_once_below: NotNegative = Field(description="margin shortage, quote currency")


class Liquidation(Section):
    """The ladder, tried in order until the requirement is met, and what it costs."""

    ladder: Annotated[tuple[Stage, ...], Field(strict=False), NotEmpty]
    fee: Fraction = Field(description="fraction of fee_base, capped by what is left")
    fee_base: Literal["liquidated_notional"]
    residual: Literal["customer", "insurance", "backstop"] = Field(description="who keeps what is left after the fee")
    backstop_at: Fraction | None = Field(description="below this share of the requirement a backstop takes all")
    caps: Caps | None
    limit_price: LimitPrice | None
    fee_ramp: FeeRamp | None
    insurance_fee: InsuranceFee | None
    pace: Pace | None
