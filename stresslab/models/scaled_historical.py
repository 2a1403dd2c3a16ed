"""Recorded days replayed at tonight's volatility.

    dx = (mu - v/2) dt + (sigma_t / sigma_s) dr,        r = blocks of consecutive recorded bars, s the bar before them
    log sigma_t^2 = constant + sum over k of weights[k] log m_k(t)
    m_k(t + 1) = m_k(t) + (1 - 2^(-bar / half_lives[k])) (q - m_k(t))

q is the variance of a bar by its range (Parkinson), m_k averages of it with a short to a long memory, and sigma_t^2 the
forecast of the variance over the next block: a heterogeneous autoregression in logarithms. Time in years, q and m_k in
squared log returns per bar. Scheme: a path is made of blocks whose starts are uniform over the history, each scaled by
the ratio of the volatility forecast then and the one where it was recorded. Inside a block intraday clustering and
seasonality stay as they were. A path's own scaled bars feed the averages. The moves have mean zero, and -v/2 makes mu
the growth rate of E[price] up to the third moment. Recorded bars as in recorded.py.
Barone-Adesi, Giannopoulos and Vosper (1999), "VaR without correlations for portfolios of derivative securities";
Corsi (2009), "A simple approximate long-memory model of realized volatility".
"""

from typing import Annotated, Any, Literal, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from pydantic import Field, model_validator
from scipy.signal import lfilter

from stresslab.errors import require
from stresslab.models import bar, recorded
from stresslab.models.base import Layout, Listed, Parameters, Piece, Positive, State
from stresslab.models.history import History
from stresslab.random import uniform
from stresslab.units import parse_duration

HALF_LIVES = ("3h", "8h", "1D", "3D", "10D", "30D")
FLOOR = 1e-14  # of an average: a price that stands still has no logarithm of its variance
MOST_LOG = 60  # of a forecast: its exponential is a number in float32


class Coefficients(NamedTuple):
    """Of one step."""

    played: recorded.Tables
    range_variance: np.ndarray  # q of each bar
    forecast: np.ndarray  # variance per year forecast at the end of each bar
    steps: Any  # of a bar, uint32
    bars: Any  # of a block, uint32
    starts: np.float32  # how many bars a block may follow
    lost: np.ndarray  # share of an average that a bar replaces, one number for each
    weights: np.ndarray
    constant: np.float32
    drift: np.float32  # of a step
    half_dt: np.float32


class Memory(NamedTuple):
    """Steps since the start; the bar before the block that is played; what is left of the bar; the averages."""

    clock: Any
    before: Any
    left: Any
    averages: tuple[Any, ...]


class ScaledHistorical(Parameters):
    """Blocks of recorded bars scaled by a forecast of their volatility."""

    kind: Literal["scaled_historical"] = "scaled_historical"
    constant: float = Field(description="of the forecast of log variance")
    weights: Annotated[tuple[float, ...], Listed] = Field(description="of the log of each average of bars' variance")
    half_lives: Annotated[tuple[str, ...], Listed] = Field(description="of the averages, durations")
    averages: Annotated[tuple[Positive, ...], Listed] | None = Field(
        None, description="tonight's averages, variance of a bar; none: those at the end of the history"
    )
    block: str = Field("1D", description="length of a block, a duration: a multiple of the bar")
    history: History = Field(description="recorded bars")
    mu: float = Field(0.0, description="growth rate of E[price], 1/year")

    has_variance = True
    has_characteristic_function = False

    @model_validator(mode="after")
    def _consistent(self) -> "ScaledHistorical":
        n = len([parse_duration(text) for text in self.half_lives])
        same = len(self.weights) == n and (self.averages is None or len(self.averages) == n)
        require(n > 0 and same, "one weight and one average for each half-life", key="weights", got=len(self.weights))
        whole = parse_duration(self.block) % self.history.seconds == 0
        require(whole, "a block is a whole number of bars", key="block", got=self.block)
        n_bars = len(self._bars.rows)
        require(n_bars > self.block_bars, "the history is shorter than a block", key="history", got=n_bars)
        self._check_forecasts()
        return self

    def _check_forecasts(self) -> None:
        """InputError where a forecast variance, over the history or tonight, is not a positive float32."""
        recorded_averages = averages(self._bars.variances(), self.half_lives, self.history.seconds)
        levels = self._log_forecasts(np.vstack([recorded_averages, self.tonight()]))
        furthest = float(levels[np.abs(levels).argmax()])
        name = "constant" if abs(self.constant) > MOST_LOG / 2 else "weights"
        rule = f"the logarithm of the variance that is forecast reaches {furthest:.3g}; it must stay within {MOST_LOG}"
        require(abs(furthest) <= MOST_LOG, rule, key=name, got=getattr(self, name), hint="Calibrate it to the history")

    @property
    def _bars(self) -> History:
        return self.history.without_gaps()

    @property
    def block_bars(self) -> int:
        """Bars of a block."""
        return parse_duration(self.block) // self.history.seconds

    def check_step(self, seconds: int) -> None:
        bar.check_step(seconds, self.history.seconds)

    def step_limits(self) -> dict[str, float]:
        """The bar of the history."""
        return {"history": self.history.dt}

    def layout(self, dt: float) -> Layout:
        return recorded.layout(self.history, others=1)

    def tonight(self) -> np.ndarray:
        """The averages that paths start from."""
        if self.averages is not None:
            return np.array(self.averages)
        return averages(self._bars.variances(), self.half_lives, self.history.seconds)[-1]

    def forecasts(self, of: np.ndarray) -> np.ndarray:
        """sigma^2 from averages (..., half-life): variance of a block, up to a factor."""
        return np.exp(self._log_forecasts(of))

    def _log_forecasts(self, of: np.ndarray) -> np.ndarray:
        return self.constant + np.log(np.maximum(of, FLOOR)) @ np.array(self.weights)

    def centre(self) -> tuple[float, float]:
        """Mean of a bar's log return, and the variance per year of a block's in units of `forecasts`: with them the
        scaled blocks have mean zero and the variance that is forecast, over the history.
        """
        bars, span = self._bars, self.block_bars
        total = np.concatenate([[0.0], np.cumsum(bars.close)])
        moves = total[1 + span :] - total[1:-span]
        forecasts = self.forecasts(averages(bars.variances(), self.half_lives, bars.seconds)[: len(moves)])
        mean = float(np.average(moves, weights=1 / np.sqrt(forecasts)) / span)
        return mean, float(np.mean((moves - span * mean) ** 2 / forecasts) / (span * bars.dt))

    def coefficients(self, dt: float) -> Coefficients:
        bars, (mean, level) = self._bars, self.centre()
        found = averages(bars.variances(), self.half_lives, bars.seconds)
        forecast = self.forecasts(found) * level
        return Coefficients(
            played=recorded.tables(bars, mean, forecast * bars.dt),
            range_variance=bars.variances().astype(np.float32),
            forecast=forecast.astype(np.float32),
            steps=bar.steps(dt, bars.dt),
            bars=np.uint32(self.block_bars),
            starts=np.float32(len(bars.rows) - self.block_bars),
            lost=(1 - _kept(self.half_lives, bars.seconds)).astype(np.float32),
            weights=np.array(self.weights, np.float32),
            constant=np.float32(self.constant + np.log(level)),
            drift=np.float32(self.mu * dt),
            half_dt=np.float32(dt / 2),
        )

    def init(self, n_paths: int) -> State:
        def wide(value: float, dtype: Any = np.float32) -> np.ndarray:
            return np.full((1, n_paths), value, dtype)

        now = self.tonight()
        memory = Memory(np.uint32(0), wide(0, np.int32), wide(0), tuple(wide(value) for value in now))
        return State(wide(0), wide(float(self.forecasts(now)) * self.centre()[1]), memory)

    @staticmethod
    def step(coefficients: Coefficients, state: State, words: tuple[Array, ...]) -> tuple[State, tuple[Piece, ...]]:
        c, memory = coefficients, state.memory
        at = memory.clock % c.steps
        number = (memory.clock // c.steps) % c.bars  # of the bar in its block
        drawn = jnp.minimum(uniform(words[-1]) * c.starts, c.starts - np.float32(1)).astype(jnp.int32)
        before = jnp.where((at == 0) & (number == 0), drawn, memory.before)
        here = before + np.int32(1) + number.astype(jnp.int32)
        scale = jnp.sqrt(state.variance / jnp.take(c.forecast, before, mode="clip"))
        drift = c.drift - c.half_dt * state.variance
        pieces, left = recorded.pieces(c.played, here, scale, drift, at, c.steps, memory.left, words)
        bar_ends, block_ends = at + 1 == c.steps, number + 1 == c.bars
        seen = scale * scale * jnp.take(c.range_variance, here, mode="clip")
        moved = tuple(
            jnp.where(bar_ends, one + lost * (seen - one), one)
            for one, lost in zip(memory.averages, c.lost, strict=True)
        )
        logs = [
            weight * jnp.log(jnp.maximum(one, np.float32(FLOOR))) for one, weight in zip(moved, c.weights, strict=True)
        ]
        variance = jnp.where(bar_ends & block_ends, jnp.exp(c.constant + sum(logs)), state.variance)
        memory = Memory(memory.clock + np.uint32(1), before, left, moved)
        return State(state.log_price, variance, memory), pieces


def averages(variances: np.ndarray, half_lives: tuple[str, ...], seconds: int) -> np.ndarray:
    """Exponentially weighted averages after each bar, shape (bar, half-life), begun at the mean of all bars."""
    start, found = variances.mean(), []
    for kept in _kept(half_lives, seconds):
        found.append(lfilter([1 - kept], [1, -kept], variances, zi=[kept * start])[0])
    return np.stack(found, axis=1)


def _kept(half_lives: tuple[str, ...], seconds: int) -> np.ndarray:
    """Share of an average that outlasts a bar."""
    return 0.5 ** (seconds / np.array([parse_duration(text) for text in half_lives]))
