"""The three forecasts that a model has to beat. Nothing in them is estimated but from the trailing window.

gbm_baseline            Brownian motion with the window's realised volatility, in closed form; growth 0
frequency_baseline      how often the event happened from every bar of the window whose horizon lies within it
scaled_excursions       the moves of those same horizons, each in log and times sigma_now / sigma_then, with sigma^2 the
                        exponentially weighted variance of log returns, whose weights fall by 0.94 a day

0.94 is the decay of RiskMetrics (J.P. Morgan and Reuters 1996, Technical Document, section 5.3), fixed in advance.
Scaling past moves to today's volatility: Hull and White (1998), "Incorporating volatility updating into the historical
simulation method for value at risk". Value at risk is the same window's quantile.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.signal import lfilter
from scipy.special import ndtri

from stresslab.backtest.clock import Clock, trailing
from stresslab.backtest.outcomes import Excursions, liquidated, losses
from stresslab.calibrate import Bars, gbm
from stresslab.calibrate.prices import DAY_SECONDS
from stresslab.errors import require
from stresslab.models import GBM
from stresslab.units import years

DECAY_PER_DAY = 0.94
BURN_IN_DAYS = 20  # of the exponentially weighted mean, before it is used


class Asked(NamedTuple):
    """What every forecaster is asked."""

    sides: tuple[str, ...]
    levels: np.ndarray  # log distances (side, leverage, date)
    confidences: tuple[float, ...]  # of value at risk
    n_ahead: int  # bars of the horizon
    n_window: int  # returns of the trailing window


class Forecast(NamedTuple):
    """What a forecaster said, for all dates."""

    probability: np.ndarray  # of liquidation (side, leverage, date)
    error: np.ndarray  # Monte Carlo standard error of it
    value_at_risk: np.ndarray  # log move against the position (side, confidence, date)


def gbm_baseline(bars: Bars, clock: Clock, asked: Asked, moves: Excursions) -> Forecast:
    """Constant trailing volatility."""
    horizon = years(asked.n_ahead * bars.seconds)
    forecast = empty(asked, len(clock.dates))
    normal = ndtri(np.array(asked.confidences))
    for place, row in enumerate(clock.rows):
        sigma = gbm.volatility(trailing(bars, row, asked.n_window))
        require(sigma > 0, "the price does not move within a window", key="close", got=0.0, file=bars.file)
        model, deviation = GBM(sigma=sigma, mu=0.0), sigma * np.sqrt(horizon)
        for index, level in np.ndenumerate(asked.levels[:, :, place]):
            forecast.probability[(*index, place)] = model.first_passage_probability(float(np.exp(level)), horizon)
        drift = [deviation**2 / 2 if side == "long" else -(deviation**2) / 2 for side in asked.sides]
        forecast.value_at_risk[:, :, place] = np.array(drift)[:, None] + deviation * normal[None]
    return forecast


def frequency_baseline(bars: Bars, clock: Clock, asked: Asked, moves: Excursions) -> Forecast:
    """Plain historical frequency."""
    return _from_history(clock, asked, moves, lambda row, past: np.ones(len(past)))


def scaled_excursions(bars: Bars, clock: Clock, asked: Asked, moves: Excursions) -> Forecast:
    """Historical excursions scaled by exponentially weighted volatility."""
    sigma = weighted_volatility(bars)
    return _from_history(clock, asked, moves, lambda row, past: sigma[row] / sigma[past])


BASELINES: dict[str, Callable[[Bars, Clock, Asked, Excursions], Forecast]] = {
    "constant_volatility": gbm_baseline,
    "frequency": frequency_baseline,
    "scaled_excursions": scaled_excursions,
}


def weighted_volatility(bars: Bars) -> np.ndarray:
    """At each bar's close the root of the exponentially weighted variance per bar; NaN while it burns in.

    sum of w r^2 over sum of w k, with r the log return between successive rows, k the bars that it takes, and weights w
    that fall with time by 0.94 a day: a hole changes neither.
    """
    place = (bars.stamps - bars.stamps[0]) // bars.seconds
    squares, taken = np.zeros((2, int(place[-1]) + 1))
    squares[place[1:]], taken[place[1:]] = bars.moves**2, np.diff(place)
    decay = DECAY_PER_DAY ** (bars.seconds / DAY_SECONDS)
    sums, weights = (lfilter([1.0], [1.0, -decay], one)[place] for one in (squares, taken))
    known = (place > BURN_IN_DAYS * DAY_SECONDS // bars.seconds) & (sums > 0)
    return np.sqrt(np.divide(sums, weights, out=np.full(len(place), np.nan), where=known))


def empty(asked: Asked, n_dates: int) -> Forecast:
    """A forecast yet to be made: NaN, without Monte Carlo error."""
    shape = (*asked.levels.shape[:2], n_dates)
    risk = np.full((len(asked.sides), len(asked.confidences), n_dates), np.nan)
    return Forecast(np.full(shape, np.nan), np.zeros(shape), risk)


def _from_history(
    clock: Clock, asked: Asked, moves: Excursions, scale: Callable[[int, np.ndarray], np.ndarray]
) -> Forecast:
    """Frequencies and quantiles of past moves, each times `scale(row, past rows)`."""
    forecast = empty(asked, len(clock.dates))
    for place, row in enumerate(clock.rows):
        past = np.arange(max(0, row - asked.n_window), row - asked.n_ahead + 1)  # their horizons end by now
        factor = scale(row, past)
        good = np.isfinite(moves.low[past]) & np.isfinite(factor)
        seen = Excursions(*(one[past[good]] * factor[good] for one in moves))
        forecast.probability[:, :, place] = liquidated(seen, asked.levels[:, :, place], asked.sides).mean(axis=2)
        quantiles = np.quantile(losses(seen, asked.sides), asked.confidences, axis=1)
        forecast.value_at_risk[:, :, place] = quantiles.T
    return forecast
