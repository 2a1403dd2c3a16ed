"""The policies that a study can name: their fields, and the engine's choices and numbers that they mean."""

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from stresslab.accounts import policies as engine
from stresslab.accounts.policies.constant_leverage import ConstantLeverageNumbers
from stresslab.accounts.policies.deleverage import DeleverageNumbers
from stresslab.accounts.policies.delta_hedge import DeltaHedgeNumbers
from stresslab.accounts.policies.margin_top_up import MarginTopUpNumbers
from stresslab.accounts.policies.re_entry import ReEntryNumbers
from stresslab.accounts.policies.stop_loss import StopLossNumbers
from stresslab.accounts.policies.take_profit import TakeProfitNumbers
from stresslab.accounts.policies.trailing_stop import TrailingStopNumbers
from stresslab.config.fields import Amount, Duration, Level
from stresslab.config.policy_base import PolicyPart, Standing
from stresslab.errors import require
from stresslab.models.base import NonNegative, Positive


class _Target(PolicyPart):
    """A level, given in one of three ways."""

    distance: Level | None = Field(default=None, description="of the price from entry, fraction of the entry price")
    price: Amount | None = Field(default=None, description="the level itself, quote currency")
    of_margin: Positive | None = Field(default=None, lt=1000, description="fraction of the margin lost or gained")
    share: float = Field(default=1.0, gt=0, le=1, description="of the position that is closed")

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [name for name in ("distance", "price", "of_margin") if getattr(self, name) is not None]
        rule = f"give exactly one of distance, price and of_margin; there {'are two' if given else 'is none'}"
        require(len(given) == 1, rule)
        return self

    @property
    def at(self) -> Literal["price", "from_entry", "of_margin"]:
        """Which of the three it is."""
        if self.price is not None:
            return "price"
        return "from_entry" if self.distance is not None else "of_margin"

    def level(self, at: Standing) -> tuple[float, float]:
        """The level, and what it is counted from."""
        if self.price is not None:
            return self.price / at.spot, at.entry
        return (self.distance, at.entry) if self.distance is not None else (self.of_margin or 0.0, at.margin)

    def passed(self, at: Standing, price: float, way: float) -> bool:
        """Whether the price stands at or beyond the level, in the position's favour (1) or against it (-1)."""
        if self.of_margin is not None:
            return False
        level, base = self.level(at)
        at_price = level if self.price is not None else base * (1 + way * at.side * level)
        return way * at.side * (price - at_price) >= 0


class StopLoss(_Target):
    """Closes when the price has moved so far against the position."""

    kind: Literal["stop_loss"]
    order: Literal["market", "limit"] = "market"
    limit: NonNegative = Field(default=0.0, lt=1, description="how far beyond the level a limit order fills, fraction")
    latency: Duration | None = Field(default=None, description="from the level to the execution of a market order")
    on: Literal["mark", "last"] = Field(default="mark", description="the price that is watched")

    @model_validator(mode="after")
    def _limit(self) -> Self:
        rule = "belongs to a limit order: a market order fills at any price"
        require(self.order == "limit" or self.limit == 0, rule, key="limit", got=self.limit, hint="Write order: limit")
        return self

    @property
    def closes_whole(self) -> bool:  # type: ignore[override]
        return self.share == 1

    def form(self, at: Standing) -> engine.StopLoss:
        part, delayed = self.share < 1, self.latency is not None
        return engine.StopLoss(at.account, at.leg, self.at, self.order, self.on, part, delayed)

    def numbers(self, at: Standing) -> StopLossNumbers:
        return StopLossNumbers(*self.level(at), self.share, self.limit, at.steps(self.latency, least=1))

    def is_met(self, at: Standing, price: float) -> bool:
        return self.passed(at, price, -1)


class TakeProfit(_Target):
    """Closes when the price has moved so far in the position's favour."""

    kind: Literal["take_profit"]
    order: Literal["market", "limit"] = "limit"
    on: Literal["mark", "last"] = Field(default="last", description="the price that is watched")

    @property
    def closes_whole(self) -> bool:  # type: ignore[override]
        return self.share == 1

    def form(self, at: Standing) -> engine.TakeProfit:
        return engine.TakeProfit(at.account, at.leg, at=self.at, order=self.order, on=self.on, part=self.share < 1)

    def numbers(self, at: Standing) -> TakeProfitNumbers:
        return TakeProfitNumbers(*self.level(at), self.share)

    def is_met(self, at: Standing, price: float) -> bool:
        return self.passed(at, price, 1)


class TrailingStop(PolicyPart):
    """Closes when the price has come back so far from the best that it has seen."""

    kind: Literal["trailing_stop"]
    distance: Level = Field(description="fraction of the best price so far")
    best: Amount | None = Field(default=None, description="best price until as_of; market.spot without it")
    on: Literal["mark", "last"] = Field(default="mark", description="the price that is watched")
    closes_whole: ClassVar[bool] = True

    def form(self, at: Standing) -> engine.TrailingStop:
        return engine.TrailingStop(at.account, at.leg, on=self.on)

    def numbers(self, at: Standing) -> TrailingStopNumbers:
        return TrailingStopNumbers(self.distance, 1.0 if self.best is None else self.best / at.spot)

    def is_met(self, at: Standing, price: float) -> bool:
        return self.best is not None and at.side * (price - self.best / at.spot * (1 - at.side * self.distance)) <= 0


class _Ratios(PolicyPart):
    """Acts when equity over requirement falls below one ratio, back to another; the venue liquidates at 1."""

    trigger: float = Field(gt=1, description="equity over maintenance margin below which it acts")
    target: float = Field(gt=1, description="to which it brings it back")

    @model_validator(mode="after")
    def _order(self) -> Self:
        require(
            self.target >= self.trigger, f"must be at least trigger, {self.trigger:g}", key="target", got=self.target
        )
        return self


class MarginTopUp(_Ratios):
    """Puts cash from the reserve into the account."""

    kind: Literal["margin_top_up"]
    wait: Duration | None = Field(default=None, description="between two top-ups")
    needs_reserve: ClassVar[bool] = True

    def form(self, at: Standing) -> engine.MarginTopUp:
        return engine.MarginTopUp(at.account)

    def numbers(self, at: Standing) -> MarginTopUpNumbers:
        return MarginTopUpNumbers(self.trigger, self.target, at.steps(self.wait))


class Deleverage(_Ratios):
    """Reduces all positions of the account by the same share."""

    kind: Literal["deleverage"]

    def form(self, at: Standing) -> engine.Deleverage:
        return engine.Deleverage(at.account)

    def numbers(self, at: Standing) -> DeleverageNumbers:
        return DeleverageNumbers(self.trigger, self.target)


class ConstantLeverage(PolicyPart):
    """Trades back to a leverage, at an interval or when it has left a band."""

    kind: Literal["constant_leverage"]
    leverage: Amount | None = Field(default=None, description="notional over equity; that of as_of without it")
    interval: Duration | None = None
    band: Positive | None = Field(default=None, lt=1, description="fraction of the leverage")
    grows: ClassVar[bool] = True

    @model_validator(mode="after")
    def _one(self) -> Self:
        require((self.interval is None) != (self.band is None), "give exactly one of interval and band")
        return self

    def form(self, at: Standing) -> engine.ConstantLeverage:
        return engine.ConstantLeverage(at.account, at.leg, "band" if self.interval is None else "interval")

    def numbers(self, at: Standing) -> ConstantLeverageNumbers:
        return ConstantLeverageNumbers(self.leverage or at.leverage, at.steps(self.interval, least=1), self.band or 0.0)


class DeltaHedge(PolicyPart):
    """Sets the position against the delta of all else that the book holds, at an interval or outside a band."""

    kind: Literal["delta_hedge"]
    interval: Duration | None = None
    band: Positive | None = Field(default=None, description="of delta, units of the underlying")
    ratio: float = Field(default=1.0, gt=0, le=2, description="share of the delta that is hedged")
    max_leverage: Positive = Field(default=10.0, description="of the hedge, over its account's equity")
    grows: ClassVar[bool] = True
    needs_others: ClassVar[bool] = True

    @model_validator(mode="after")
    def _one(self) -> Self:
        require((self.interval is None) != (self.band is None), "give exactly one of interval and band")
        return self

    def form(self, at: Standing) -> engine.DeltaHedge:
        return engine.DeltaHedge(at.account, at.leg, "band" if self.interval is None else "interval")

    def numbers(self, at: Standing) -> DeltaHedgeNumbers:
        every, band = at.steps(self.interval, least=1), (self.band or 0.0) * at.one
        return DeltaHedgeNumbers(self.ratio, self.max_leverage, every, band)


class ReEntry(PolicyPart):
    """Opens the position again after it was closed, from what is left."""

    kind: Literal["re_entry"]
    leverage: Amount | None = Field(default=None, description="notional over margin; that of as_of without it")
    floor: NonNegative = Field(default=0.0, lt=1, description="wealth below which it stays out, fraction of as_of's")
    wait: Duration | None = None
    grows: ClassVar[bool] = True
    of_one_leg: ClassVar[bool] = True

    def form(self, at: Standing) -> engine.ReEntry:
        return engine.ReEntry(at.account)

    def numbers(self, at: Standing) -> ReEntryNumbers:
        return ReEntryNumbers(at.side, self.leverage or at.leverage, self.floor, at.steps(self.wait))


KINDS: dict[str, type[PolicyPart]] = {
    "stop_loss": StopLoss,
    "take_profit": TakeProfit,
    "trailing_stop": TrailingStop,
    "margin_top_up": MarginTopUp,
    "deleverage": Deleverage,
    "constant_leverage": ConstantLeverage,
    "delta_hedge": DeltaHedge,
    "re_entry": ReEntry,
}
AnyPolicy = StopLoss | TakeProfit | TrailingStop | MarginTopUp | Deleverage | ConstantLeverage | DeltaHedge | ReEntry
