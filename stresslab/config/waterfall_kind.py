"""The venue's waterfall in a study: how large market and insurance fund are; the rulebook says who bears a loss."""

import numpy as np
from pydantic import Field

from stresslab.accounts.close_out import CloseOutNumbers
from stresslab.accounts.conditions.waterfall import Waterfall, WaterfallNumbers
from stresslab.accounts.population import LEVERAGE, SHARES, Population
from stresslab.config.fields import Duration
from stresslab.config.venue_kinds import Clock, Condition
from stresslab.errors import InputError
from stresslab.models.base import NonNegative, Positive
from stresslab.units import parse_duration, years
from stresslab.venues import Rulebook
from stresslab.venues.answers.demand import maintenance_rate
from stresslab.venues.schema.loss import Drawdown, PoolPnl

_BLOCKS = 8  # of a window, in which the fund's peak is remembered
_GAP_BEYOND = 4.0  # deviations; see `accounts.population`
_IMPACT = 1.0  # Y of the square-root law
_SMALL = 1e-6  # tier units: the maintenance rate of a small position


class WaterfallBlock(Condition):
    """What the market's bankrupt positions have lost: the fund pays, then whom the rulebook names."""

    open_interest: Positive = Field(description="of each side, quote currency; $20B for BTC in October 2025")
    volume: Positive = Field(description="of a day, quote currency, which the liquidations of the market meet")
    fund: NonNegative | None = Field(default=None, description="quote currency at as_of; else the rulebook's")
    holding_time: Duration = Field(default="5D", description="mean time that a position of the market is held")

    def form(self, at: Clock) -> Waterfall:
        loss = at.rulebook.loss
        if loss.adl is None:
            return Waterfall(then=loss.then, asset=at.row)
        trigger = loss.adl.trigger
        if isinstance(trigger, PoolPnl):
            rule = "deleverages by the profit of a pool, which no engine runs yet"
            raise InputError(rule, key="venue.waterfall", got=at.rulebook.id)
        blocks, _ = self._window(at)
        return Waterfall(loss.then, trigger.kind, loss.adl.rank, loss.adl.price, blocks=blocks, asset=at.row)

    def numbers(self, at: Clock) -> WaterfallNumbers:
        rulebook = at.rulebook
        trigger = rulebook.loss.adl.trigger if rulebook.loss.adl else None
        down, stop = 1.0, 1.0
        if isinstance(trigger, Drawdown):
            down = trigger.drawdown
            stop = down if trigger.stop is None else trigger.stop
        return WaterfallNumbers(
            fund=np.float64(self._fund(rulebook)),
            kept=np.float64(rulebook.liquidation.residual != "customer"),
            population=self._population(at),
            close_out=CloseOutNumbers(np.float64(_IMPACT), np.float64(self.volume)),
            drawdown=np.float64(down),
            stop=np.float64(stop),
            block=np.int32(self._window(at)[1]),
        )

    def _fund(self, rulebook: Rulebook) -> float:
        found = self.fund if self.fund is not None else rulebook.loss.fund.initial
        if found is None:
            raise InputError(f"the fund of {rulebook.id} is not known", key="venue.waterfall.fund", hint="Write it")
        return found

    def _window(self, at: Clock) -> tuple[int, int]:
        """Parts of the window, and steps in each."""
        trigger = at.rulebook.loss.adl.trigger if at.rulebook.loss.adl else None
        steps = at.steps(trigger.window) if isinstance(trigger, Drawdown) else _BLOCKS
        return (steps, 1) if steps < _BLOCKS else (_BLOCKS, round(steps / _BLOCKS))

    def _population(self, at: Clock) -> Population:
        leverage = np.array(LEVERAGE)
        rate = float(maintenance_rate(at.rulebook, np.array(_SMALL)))
        held = years(parse_duration(self.holding_time))
        return Population(
            open_interest=self.open_interest * np.array(SHARES),
            leverage=leverage,
            mmr=np.minimum(rate, 0.5 / leverage),  # below 1 / leverage: else none could stand
            renewal=np.float64(-np.expm1(-at.years / held)),
            gap_beyond=np.float64(_GAP_BEYOND),
            deviation=np.float64(np.sqrt(at.years)),
            dispersion=np.float64(np.sqrt(at.variance * held / 2)),
        )
