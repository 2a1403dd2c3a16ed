"""What a shock does: the vocabulary of stress, one class each. `EFFECTS` is the whole registry.

Every effect says when it strikes (`at`: now, a duration from as_of, {within: 7D} or {rate: 2.0}) and, for a model of
several assets, which asset it strikes (`asset`; all without one). Times are in durations, rates per year.
"""

from typing import Annotated, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from stresslab.errors import require
from stresslab.files.magnitudes import check_sizes
from stresslab.models.base import LARGEST, NonNegative, Positive
from stresslab.shocks.when import At, Span, check_whole

MOST_MOVED = 20.0  # up, by a gap: squares of money stay in the range of float32


class Effect(BaseModel):
    """Base of every effect: frozen, strict, finite, hashable."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
    kind: str
    at: At = Field(default="now", description="now, a duration from as_of, {within: 7D} or {rate: 2.0} per year")
    asset: str | None = Field(default=None, description="the asset that it strikes; every one without it")

    @model_validator(mode="after")
    def _sizes(self) -> Self:
        check_sizes(self, LARGEST)
        return self

    def check_step(self, seconds: int) -> None:
        """InputError where its times are no whole steps."""
        for name in ("at", "lasting"):
            check_whole(getattr(self, name, None), seconds, name)


class Gap(Effect):
    """The price jumps at once: nothing trades in between."""

    kind: Literal["gap"] = "gap"
    fraction: float | None = Field(default=None, gt=-1, description="-0.2: the price falls by a fifth")
    log_size: float | None = Field(default=None, description="the same as a move of the log price")

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        given = [size for size in (self.fraction, self.log_size) if size is not None]
        require(len(given) == 1, "give exactly one of fraction and log_size")
        rule = f"moves the log price by {self.size:.3g}; the limit is {MOST_MOVED:g}"
        name = "fraction" if self.fraction is not None else "log_size"
        require(self.size <= MOST_MOVED, rule, key=name, got=given[0], hint="-0.2 is a fall, 0.2 a rise by a fifth")
        return self

    @property
    def size(self) -> float:
        """The move of the log price."""
        return float(np.log1p(self.fraction)) if self.fraction is not None else float(self.log_size or 0.0)


class Volatility(Effect):
    """Volatility of the diffusion times a factor: flat, or decaying to 1; jumps stay as they are.

    A diffusion piece with move m, variance w and growth g of the price becomes f (m - g + w/2) - f^2 w/2 + g with
    variance f^2 w: the growth of E[price] stays what it was. The model's own variance runs on unscaled.
    """

    kind: Literal["volatility"] = "volatility"
    factor: Positive = Field(description="times the model's volatility")
    lasting: Span | None = Field(default=None, description="how long; to the end without it")
    half_life: Span | None = Field(default=None, description="of factor - 1; flat without it")


class JumpIntensity(Effect):
    """Intensity of the model's jumps times a factor for a while; the compensator follows."""

    kind: Literal["jump_intensity"] = "jump_intensity"
    factor: NonNegative = Field(description="times the model's jump intensity")
    lasting: Span | None = Field(default=None, description="how long; to the end without it")


class Correlation(Effect):
    """Correlation of a joint model moved towards one for a while: (1 - stress) R + stress 11'."""

    kind: Literal["correlation"] = "correlation"
    stress: float = Field(ge=0, le=1, description="0: as it is, 1: all assets move together")
    lasting: Span | None = Field(default=None, description="how long; to the end without it")

    @model_validator(mode="after")
    def _of_all(self) -> Self:
        require(self.asset is None, "strikes all assets: leave asset out", key="asset", got=self.asset)
        return self


class Funding(Effect):
    """A spike of the funding rate, added to whatever the rate is: flat, or decaying to nothing."""

    kind: Literal["funding"] = "funding"
    rate: float = Field(gt=-1, lt=1, description="fraction of notional in one interval; positive: longs pay more")
    lasting: Span | None = Field(default=None, description="how long; to the end without it")
    half_life: Span | None = Field(default=None, description="flat without it")


EFFECTS: dict[str, type[Effect]] = {
    "gap": Gap,
    "volatility": Volatility,
    "jump_intensity": JumpIntensity,
    "correlation": Correlation,
    "funding": Funding,
}
AnyEffect = Annotated[Gap | Volatility | JumpIntensity | Correlation | Funding, Field(discriminator="kind")]
