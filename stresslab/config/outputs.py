"""What is asked of the paths: the outputs block and the limits."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from stresslab.config.fields import Count, Distinct, Duration, Event, Filled, Level, Part, Text
from stresslab.errors import require


class Outputs(Part):
    """What is asked of the paths."""

    events: Annotated[tuple[Event, ...], Filled, Distinct] = ("liquidation", "bankruptcy", "loss_50")
    ruin: Event = Field(default="liquidation", description="the event that ruin means: one of events")
    loss_levels: Annotated[tuple[Level, ...], Filled, Distinct] = Field(
        default=(0.95, 0.99), description="levels of value at risk and expected shortfall"
    )
    survival_points: Count = Field(
        default=48, ge=1, le=10_000, description="about how many times the survival curve is read at"
    )

    @model_validator(mode="after")
    def _ruin_is_counted(self) -> Self:
        hint = f"Add {self.ruin} to events, or name another ruin"
        require(
            self.ruin in self.events,
            f"must be one of events, {list(self.events)}",
            key="ruin",
            got=self.ruin,
            hint=hint,
        )
        return self


class Limit(Part):
    """A bound on a probability: passed when the interval lies below it, breached when above, undecided between."""

    name: Text
    event: Event
    horizon: Duration
    where: dict[str, Any] = Field(
        default={}, description="dimension: swept value; every cell that has them is held to the limit"
    )
    max: Level
    undecided: Literal["breach", "pass", "undecided"] = Field(
        default="undecided", description="what an undecided limit counts as"
    )
