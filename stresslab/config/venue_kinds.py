"""The conditions of a venue that a study can name: their fields, and the engine's form and numbers that they mean.

How often is a rate per year at the calm volatility; it follows the model's variance v as (v / calm^2)^power.
"""

import math
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple, Self

import numpy as np
from pydantic import Field, model_validator

from stresslab.accounts.conditions import basis as basis_condition
from stresslab.accounts.conditions import hazard, spells
from stresslab.accounts.conditions.basis import Mark
from stresslab.accounts.conditions.halt import Halt, HaltNumbers
from stresslab.accounts.conditions.latency import Latency, LatencyNumbers
from stresslab.accounts.conditions.outage import Outage
from stresslab.accounts.conditions.own_book import OwnBook, OwnBookNumbers
from stresslab.accounts.conditions.price_band import BandNumbers, PriceBand
from stresslab.accounts.conditions.stale_oracle import StaleOracle
from stresslab.accounts.conditions.venue_default import DefaultNumbers, VenueDefault
from stresslab.config.fields import Duration, Filled, Level, Part, Text
from stresslab.errors import require
from stresslab.models.base import NonNegative, Positive
from stresslab.units import SECONDS, YEAR_SECONDS, parse_duration, years
from stresslab.venues import Rulebook

_MARKS: dict[str, Mark] = {
    "equals_index": "index",
    "median_of_three": "median",
    "index_plus_ema": "average",
    "oracle": "oracle",
    "fair_funding": "fair",
}


class Clock(NamedTuple):
    """What a condition depends on beside its own fields."""

    row: int  # of the market's asset
    assets: tuple[str, ...]  # of the model
    step: float  # seconds
    variance: float  # calm, per year
    as_of: datetime
    rulebook: Rulebook  # the book's
    funding: float  # rate of an interval at as_of

    @property
    def years(self) -> float:
        return self.step / YEAR_SECONDS

    def steps(self, duration: str) -> int:
        """Whole steps, at least one, that are not shorter."""
        return max(1, math.ceil(parse_duration(duration) / self.step - 1e-9))


class Condition(Part):
    """Base of a block."""

    def form(self, at: Clock) -> Any:
        """The engine's condition."""
        raise NotImplementedError

    def numbers(self, at: Clock) -> Any:
        """Its numbers."""
        raise NotImplementedError


class _ByChance(Condition):
    per_year: NonNegative = Field(description="how often it begins, at the calm volatility")
    power: NonNegative = Field(default=0.0, le=10, description="of the variance over the calm one, in the rate")

    def hazard(self, at: Clock) -> hazard.Hazard:
        """Its rate."""
        return hazard.of_year(self.per_year, self.power, at.variance, at.years)


class _Spell(_ByChance):
    lasts: Duration = Field(description="how long, or the mean of it")
    lasting: spells.Lasting = Field(default="exponential", description="whether its length is fixed or drawn")

    def numbers(self, at: Clock) -> spells.SpellNumbers:
        return spells.numbers(self.hazard(at), parse_duration(self.lasts), at.step)


class OutageBlock(_Spell):
    """For a time the holder cannot act, while the venue trades and liquidates."""

    def form(self, at: Clock) -> Outage:
        return Outage(self.lasting, at.row)


class StaleOracleBlock(_Spell):
    """For a time the mark stands still, while prices go on."""

    def form(self, at: Clock) -> StaleOracle:
        return StaleOracle(self.lasting, at.row)


class DefaultBlock(_ByChance):
    """The venue fails: positions are closed at the mark, and a part of what was there comes back."""

    recovery: float = Field(default=0.0, ge=0, le=1, description="1 - loss given default")
    holds_reserve: bool = Field(default=True, description="whether the reserve is at the venue too")

    def form(self, at: Clock) -> VenueDefault:
        return VenueDefault(self.holds_reserve, at.row)

    def numbers(self, at: Clock) -> DefaultNumbers:
        return DefaultNumbers(self.hazard(at), np.float64(self.recovery))


class HaltBlock(Condition):
    """A large move pauses all trading; the path goes on, and trading reopens where it then is."""

    limits: Annotated[tuple[Level, ...], Filled] = Field(description="relative moves, from small to large")
    pauses: Annotated[tuple[Duration, ...], Filled] = Field(description="one for each limit")
    window: Duration | None = Field(default=None, description="moves within so long a time")
    session: Duration | None = Field(default=None, description="moves since the session began, at 00:00 UTC or later")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        require(len(self.limits) == len(self.pauses), "must be one for each limit", key="pauses", got=list(self.pauses))
        require(list(self.limits) == sorted(self.limits), "must rise", key="limits", got=list(self.limits))
        require((self.window is None) != (self.session is None), "give exactly one of window and session")
        one = self.window is None or len(self.limits) == 1
        require(one, "a window has one limit", key="limits", got=list(self.limits))
        return self

    def form(self, at: Clock) -> Halt:
        if self.window is not None:
            return Halt(at.steps(self.window), "window", at.row)
        return Halt(at.steps(self.session or ""), "session", at.row)

    def numbers(self, at: Clock) -> HaltNumbers:
        pauses = np.array([float(at.steps(pause)) for pause in self.pauses])
        return HaltNumbers(np.array(self.limits), pauses, _into_session(at, self.session))


class BandBlock(Condition):
    """Orders beyond the band are refused, or filled as far as it."""

    up: Positive = Field(lt=10, description="fraction of the reference")
    down: Level
    reference: Literal["mark", "index", "session", "premium"] = "mark"
    hard: Level | None = Field(default=None, description="of reference: premium: what no order goes beyond (OKX)")
    in_part: bool = Field(default=False, description="an order is filled as far as the band; else it is refused")
    session: Duration | None = Field(default=None, description="of reference: session")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        needs = self.reference == "session"
        require((self.session is not None) == needs, "belongs to reference: session", key="session", got=self.session)
        needs = self.reference == "premium"
        require((self.hard is not None) == needs, "belongs to reference: premium", key="hard", got=self.hard)
        return self

    def form(self, at: Clock) -> PriceBand:
        return PriceBand(self.reference, self.in_part, at.steps(self.session) if self.session else 1, at.row)

    def numbers(self, at: Clock) -> BandNumbers:
        hard = np.float64(np.inf if self.hard is None else self.hard)
        return BandNumbers(np.float64(self.up), np.float64(self.down), _into_session(at, self.session), hard)


class LatencyBlock(Condition):
    """Market and forced orders are filled later, and later still in a storm."""

    delay: Duration = Field(description="in a calm market")
    power: NonNegative = Field(default=0.0, le=10, description="of the variance over the calm one, in the delay")
    longest: Duration = Field(default="10min", description="however wild the market is")

    def form(self, at: Clock) -> Latency:
        return Latency()

    def numbers(self, at: Clock) -> LatencyNumbers:
        delay, longest = (years(parse_duration(text)) for text in (self.delay, self.longest))
        return LatencyNumbers(*map(np.float64, (delay, at.variance, self.power, longest)))


class BasisBlock(Condition):
    """Last and mark beside the index: requirements are tested at the mark that the rulebook makes of both."""

    now: float = Field(default=0.0, gt=-1, lt=1, description="log of last over index at as_of")
    mean: float = Field(default=0.0, gt=-1, lt=1, description="what it reverts to")
    half_life: Duration = Field(description="of a distance from the mean")
    volatility: NonNegative = Field(description="of the log basis, 1/sqrt(year), at the calm volatility")
    power: NonNegative = Field(default=0.0, le=10, description="of the variance over the calm one, in its volatility")
    pull: float = Field(default=0.0, ge=0, lt=1, description="by how much of a move of the index last overshoots it")

    def form(self, at: Clock) -> basis_condition.Basis:
        return basis_condition.Basis(_MARKS[at.rulebook.mark.kind], at.row)

    def numbers(self, at: Clock) -> basis_condition.BasisNumbers:
        mark, funding = at.rulebook.mark, at.rulebook.funding
        window, clamp = getattr(mark, "window", None), getattr(mark, "clamp_to_index", None)
        interval = 1 if funding.continuous else at.steps(funding.interval)
        passed = 0 if funding.continuous else int(_midnight(at) % funding.interval_seconds / at.step)
        return basis_condition.numbers(
            at.years,
            at.variance,
            now=self.now,
            mean=self.mean,
            speed=math.log(2) / years(parse_duration(self.half_life)),
            volatility=self.volatility,
            power=self.power,
            pull=self.pull,
            window=years(parse_duration(window)) if window else 0.0,
            smoothing=getattr(mark, "smoothing", None) or "mean",
            clamp=math.inf if clamp is None else clamp,
            rate=at.funding,
            interval=interval,
            passed=passed,
        )


class OwnBookBlock(Condition):
    """The venue prices a collateral off its own book, where in stress it is worth less than elsewhere."""

    asset: Text = Field(description="the collateral, one of the joint model's assets that no position is on")
    calm: float = Field(default=0.0, ge=0, lt=1, description="discount at the calm volatility, fraction")
    slope: NonNegative = Field(description="of the discount by max((variance over the calm one)^power - 1, 0)")
    power: NonNegative = Field(default=1.0, le=10)
    most: Level = Field(description="the largest discount; USDe fell by 0.35 on Binance alone, 2025-10-10")

    def form(self, at: Clock) -> OwnBook:
        rule, others = "is not an asset of market.model", [name for row, name in enumerate(at.assets) if row != at.row]
        hint = f"The model has {', '.join(others)}" if others else "Use a joint model with the collateral as an asset"
        require(self.asset in at.assets, rule, key="venue.own_book.asset", got=self.asset, hint=hint)
        return OwnBook(at.assets.index(self.asset), at.row)

    def numbers(self, at: Clock) -> OwnBookNumbers:
        return OwnBookNumbers(*map(np.float64, (self.calm, self.slope, self.power, at.variance, self.most)))


def _midnight(at: Clock) -> float:
    """Seconds of as_of since 00:00 UTC."""
    return at.as_of.timestamp() % SECONDS["D"]


def _into_session(at: Clock, session: str | None) -> np.int32:
    """Steps of a session that are over at as_of; sessions begin at 00:00 UTC and one after another."""
    return np.int32(0 if session is None else _midnight(at) % parse_duration(session) / at.step)
