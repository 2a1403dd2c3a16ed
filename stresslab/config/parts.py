"""What is simulated and what is held: the market and book blocks, each with the rules of its own."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from stresslab.config.fields import Distinct, Duration, Filled, Part, Text
from stresslab.errors import InputError, require
from stresslab.models.base import NonNegative, Positive
from stresslab.random import MAX_STEPS
from stresslab.units import format_duration, parse_duration

LONGEST_HORIZON = parse_duration("3650D")


class Market(Part):
    """What is simulated: one asset under one model, watched up to the horizons."""

    asset: Text
    spot: Positive = Field(description="price at as_of, quote currency")
    model: Text = Field(description="one of the names under models")
    step: Duration = Field(description="time step of the simulation")
    horizons: Annotated[tuple[Duration, ...], Filled, Distinct] = Field(description="checkpoints, shortest first")
    shock: Text | None = Field(default=None, description="one of the names under shocks, or none")

    @property
    def step_seconds(self) -> int:
        return parse_duration(self.step)

    @property
    def horizon_seconds(self) -> tuple[int, ...]:
        return tuple(parse_duration(horizon) for horizon in self.horizons)

    @model_validator(mode="after")
    def _clock(self) -> Self:
        step, ends = self.step_seconds, self.horizon_seconds
        ordered = ", ".join(format_duration(end) for end in sorted(ends))
        require(
            sorted(ends) == list(ends),
            "must run from short to long",
            key="horizons",
            got=list(self.horizons),
            hint=f"Write [{ordered}]",
        )
        require(ends[-1] <= LONGEST_HORIZON, "must be at most 3650D", key="horizons", got=self.horizons[-1])
        require(
            step <= ends[0],
            f"must not be longer than the shortest horizon, {self.horizons[0]}",
            key="step",
            got=self.step,
        )
        for horizon, end in zip(self.horizons, ends, strict=True):
            require(
                end % step == 0, f"must divide every horizon; {horizon} is not a multiple", key="step", got=self.step
            )
        rule = f"gives {ends[-1] // step} steps to {self.horizons[-1]}, more than {MAX_STEPS}"
        require(ends[-1] // step <= MAX_STEPS, rule, key="step", got=self.step)
        return self


def _isolated(value: Any) -> Any:
    require(value == "isolated", "must be isolated: no other margin mode is built", got=value)
    return value


class Book(Part):
    """What is held. Leverage is notional over collateral at entry: any two sizes give the third."""

    rulebook: Text = Field(description="a rulebook's id, such as binance_usdm/BTCUSDT, or the path of a rulebook file")
    margin_mode: Annotated[Literal["isolated"], BeforeValidator(_isolated)] = "isolated"
    side: Literal["long", "short"]
    collateral: Positive | None = Field(default=None, description="margin put up at entry, quote currency")
    leverage: Positive | None = Field(default=None, description="notional over collateral at entry")
    quantity: Positive | None = Field(default=None, description="size in units of the asset")
    entry_price: Positive | None = Field(default=None, description="of a position in flight; market.spot without it")
    margin: Positive | None = Field(default=None, description="of a position in flight, now, quote currency")
    slippage_bps: NonNegative | None = Field(default=None, lt=10_000, description="of a close-out; else the rulebook's")

    @model_validator(mode="after")
    def _size(self) -> Self:
        sizes = {name: getattr(self, name) for name in ("leverage", "collateral", "quantity")}
        given = {name: value for name, value in sizes.items() if value is not None}
        if len(given) != 2:
            got = ", ".join(f"{name} {value:g}" for name, value in given.items()) or "none of them"
            raise InputError(f"give exactly two of leverage, collateral and quantity; there is {got}")
        require(
            self.margin is None or self.entry_price is not None,
            "describes a position in flight and needs entry_price",
            key="margin",
            got=self.margin,
            hint="For a position that is opened now give collateral",
        )
        return self
