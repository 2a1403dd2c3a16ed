"""Who bears a loss beyond the margin: the fund, then deleveraging, socialised loss, or a charge through funding."""

from typing import Annotated, Literal

from pydantic import Field

from stresslab.venues.schema.base import Duration, Fraction, NotNegative, Section, Text


class FundEmpty(Section):
    """Only when the fund has nothing left."""

    kind: Literal["fund_empty"]


class Drawdown(Section):
    """When the fund is down by a share of its peak over a window, or empty; until it is back above `stop`."""

    kind: Literal["drawdown"]
    drawdown: Annotated[float, Field(gt=0, le=1)]
    window: Duration
    stop: Annotated[float, Field(ge=0, le=1)] | None = Field(description="drawdown at which it stops; null: unknown")


class EquityNegative(Section):
    """As soon as an account is worth less than nothing (no fund comes first)."""

    kind: Literal["equity_negative"]


class PoolPnl(Section):
    """When the traders' open profit is above a share of the pool that owes it; until it is back at `stop` (GMX v2)."""

    kind: Literal["pool_pnl"]
    above: Fraction
    stop: Fraction


Trigger = Annotated[FundEmpty | Drawdown | EquityNegative | PoolPnl, Field(discriminator="kind")]


# Binance; Bybit and OKX; BitMEX; Hyperliquid; dYdX v4; GMX v2 (only what is in profit)
Rank = Literal["leverage_pnl", "leveraged_return", "pnl_times_leverage", "mark_leverage", "random", "profit"]


class Deleveraging(Section):
    """Positions of the winning side are closed, in an order."""

    rank: Rank = Field(description="who is closed first")
    trigger: Trigger
    price: Literal["bankruptcy", "mark", "oracle"] = Field(description="at which the winner is closed")


class Fund(Section):
    """The insurance fund."""

    initial: NotNegative | None = Field(description="settlement currency; null: not known, a study has to say")
    scope: Text = Field(description="which contracts share it")


class Loss(Section):
    """The waterfall after the margin: the fund, then this."""

    then: Literal["adl", "socialise", "pro_rata_funding", "none"]
    adl: Deleveraging | None = Field(description="needed where then is adl")
    fund: Fund
