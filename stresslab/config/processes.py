"""What moves beside the price: the funding rate that a perpetual pays on its mark notional, and its basis."""

from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from stresslab.config.fields import Duration, Instant, Part, Text, listed
from stresslab.config.unions import one_of
from stresslab.errors import require
from stresslab.files.layout import Layout
from stresslab.models.base import Correlation, NonNegative, Positive
from stresslab.units import SECONDS, parse_duration, years


class _Reverting(Part):
    """A process that is drawn back to its mean: how fast, by one of two names."""

    speed: Positive | None = Field(default=None, description="of mean reversion, 1/year")
    half_life: Duration | None = Field(default=None, description="of a distance from the mean, in place of speed")

    @model_validator(mode="after")
    def _one_speed(self) -> Self:
        given = [name for name in ("speed", "half_life") if getattr(self, name) is not None]
        require(len(given) == 1, f"give exactly one of speed and half_life; there {'are two' if given else 'is none'}")
        return self

    @property
    def reversion(self) -> float:
        """Speed of mean reversion, 1/year."""
        if self.half_life is None:
            return float(self.speed or 0.0)
        return 0.6931471805599453 / years(parse_duration(self.half_life))


class _Paid(Part):
    interval: Duration = Field(default="8h", description="time between payments, counted from midnight UTC")

    @property
    def interval_seconds(self) -> int:
        return parse_duration(self.interval)


class _Regular(_Paid):
    """Payments at the multiples of the interval since midnight UTC.

    One inside a step is made at the step's end; so are several, each at the price there.
    """

    @model_validator(mode="after")
    def _divides_a_day(self) -> Self:
        rule = "must divide a day, so that every day has the same payment times"
        hint = "Write for example 1h, 4h or 8h"
        require(SECONDS["D"] % self.interval_seconds == 0, rule, key="interval", got=self.interval, hint=hint)
        return self


class ConstantFunding(_Regular):
    """The same rate at every payment."""

    kind: Literal["constant"]
    rate: float = Field(gt=-1, lt=1, description="fraction of notional in one interval; positive: longs pay")


class MeanRevertingFunding(_Regular, _Reverting):
    """A rate that wanders about its mean, with the returns of the interval or against them."""

    kind: Literal["mean_reverting"]
    rate: float = Field(gt=-1, lt=1, description="tonight's, fraction of notional in one interval")
    mean: float = Field(gt=-1, lt=1, description="what it reverts to, fraction in one interval")
    volatility: NonNegative = Field(description="of the rate, fraction / sqrt(year)")
    correlation: Correlation = Field(
        default=0.0,
        description="with the return of the interval; in a longer step, with the interval's share of its return",
    )
    cap: float = Field(default=0.0075, gt=-1, lt=1, description="the largest rate that is paid")
    floor: float = Field(default=-0.0075, gt=-1, lt=1, description="the smallest")

    @model_validator(mode="after")
    def _room(self) -> Self:
        require(self.floor <= self.cap, f"must be at most cap, {self.cap:g}", key="floor", got=self.floor)
        return self


class ReplayFunding(_Paid):
    """Payments of a record, made again when they were made: after as_of, up to the last horizon."""

    kind: Literal["replay"]
    interval: Duration = Field(
        default="8h",
        description="what a rulebook's cap on the rate is scaled to; the times of payments are those of the record",
    )
    file: Text = Field(description="CSV or Parquet: timestamp, funding_rate and, where there are several, exchange")
    exchange: Text | None = None
    symbol: Text | None = Field(default=None, description="which instrument of a file that holds several")
    utc: bool | None = Field(default=None, description="stamps without a zone are UTC")
    columns: tuple[Text, ...] | None = Field(default=None, description="names of the file's columns, in their order")
    dates: Text | None = Field(default=None, description="how dates are written, such as %d/%m/%Y")
    decimal: Literal["point", "comma"] | None = Field(default=None, description="which character precedes the fraction")
    start: Instant | None = Field(default=None, description="where in the record as_of is laid; without it at as_of")

    @field_validator("columns", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return value if value is None else listed(value)

    @property
    def layout(self) -> Layout:
        """The layout options that the study gives for the file."""
        said = self.dates or "", self.decimal or "", self.symbol or ""
        return Layout(bool(self.utc), self.columns or (), *said, prefix="funding.")


class FundingRef(Part):
    """A process whose numbers lie in a file."""

    file: Text = Field(description="relative to the study file; failing that, to the configurations that are shipped")
    set: dict[str, Any] = Field(default={}, description="numbers put in place of the file's, such as tonight's rate")


class ConstantBasis(Part):
    """Mark over index that stays what it is: it moves no price, and so no book."""

    kind: Literal["constant"]
    basis: float = Field(gt=-1, lt=1, description="log of mark over index")


class MeanRevertingBasis(_Reverting):
    """Mark over index that wanders about its mean."""

    kind: Literal["mean_reverting"]
    basis: float = Field(default=0.0, gt=-1, lt=1, description="log of mark over index at as_of")
    mean: float = Field(default=0.0, gt=-1, lt=1, description="what it reverts to")
    volatility: NonNegative = Field(description="of the log basis, 1/sqrt(year)")
    correlation: Correlation = Field(default=0.0, description="of its noise with the price's")


FUNDINGS: dict[str, type[_Paid]] = {
    "constant": ConstantFunding,
    "mean_reverting": MeanRevertingFunding,
    "replay": ReplayFunding,
}
BASES: dict[str, type[Part]] = {"constant": ConstantBasis, "mean_reverting": MeanRevertingBasis}
Funding = one_of(FUNDINGS, ConstantFunding | MeanRevertingFunding | ReplayFunding | FundingRef, FundingRef)
Basis = one_of(BASES, ConstantBasis | MeanRevertingBasis)
