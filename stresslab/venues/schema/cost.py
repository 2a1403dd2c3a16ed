"""What trading and holding cost: fees, funding, and how a forced close fills."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from stresslab.errors import InputError
from stresslab.units import parse_duration
from stresslab.venues.schema.base import Duration, Fraction, NotNegative, Section, Text

CONTINUOUS = "continuous"


class Fees(Section):
    """Trading fees, fractions of the notional; a negative maker fee is a rebate."""

    maker: Annotated[float, Field(gt=-1, lt=1)]
    taker: Fraction
    entry_charged_to: Literal["wallet", "margin"] = Field(description="margin: the entry fee moves the trigger")


class NoCap(Section):
    """The rate is not bounded, or the bound is not known."""

    kind: Literal["none"]


class RateCap(Section):
    """|rate| at most `value`, or `value` times what `kind` names; the rate is the one of `rate_over`.

    fraction_of_oracle bounds the divergence of mark from oracle, as a fraction of the oracle price.
    """

    kind: Literal["absolute", "times_mmr", "times_imr_minus_mmr", "fraction_of_oracle"]
    value: NotNegative
    over: Duration = Field(description="the time that the bound is for")


class Funding(Section):
    """Funding payments: rate = (premium + clamp(interest - premium, +-damp)) x interval / rate_over, then the cap."""

    interval: Text = Field(description='duration such as "8h", counted from 00:00 UTC, or "continuous"')
    rate_over: Duration = Field(description="the time that premium and interest are quoted for")
    interest: float | None = Field(description="over rate_over; null: there is none, or not known")
    damp: NotNegative | None = Field(description="bound of interest - premium; null: there is none")
    cap: Annotated[NoCap | RateCap, Field(discriminator="kind")]
    sample_weights: Literal["equal", "linear"] = Field(description="of premiums in the interval; linear: later is more")
    charged_to: Literal["margin"] = Field(description="payments move the position's margin, and so the trigger")
    notional_at: Literal["mark", "oracle", "index"] = Field(description="the price of the notional that pays")

    @field_validator("interval")
    @classmethod
    def _duration(cls, text: str) -> str:
        if text != CONTINUOUS:
            parse_duration(text)
        return text

    @property
    def continuous(self) -> bool:
        """Whether it accrues all the time."""
        return self.interval == CONTINUOUS

    @property
    def interval_seconds(self) -> int:
        """The interval in seconds; InputError where funding is continuous."""
        if self.continuous:
            raise InputError("funding is continuous: it has no interval", key="funding.interval", got=self.interval)
        return parse_duration(self.interval)

    @property
    def rate_seconds(self) -> int:
        """The seconds that a rate is for: those of the interval, or of rate_over where funding is continuous."""
        return parse_duration(self.rate_over) if self.continuous else self.interval_seconds


class CloseOut(Section):
    """How a forced close fills."""

    slippage_bps: Annotated[float, Field(ge=0, lt=10_000)] = Field(description="worse than the price by, basis points")
