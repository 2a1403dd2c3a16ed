"""Filtered historical simulation: recorded bars freed of their volatility, and given tonight's.

    dx = mu bar - h/2 + sqrt(h) z over a bar,        e = sqrt(h) z
    h' = omega + alpha e^2 + gamma e^2 [e < 0] + beta h

z is drawn from the record: its log returns over the roots of their own h (the same recursion run over the record), then
centred and scaled to variance 1. Time in years, h and omega in squared decimal log returns per bar. Scheme: exact at
the ends of bars. Residuals come one by one (`block: 1`) or in blocks of random length, which keep what clustering and
seasonality the recursion leaves. Inside a bar the recorded low and high are scaled with its close; where only closes
are known, a bridge has the bar's variance. Barone-Adesi, Giannopoulos and Vosper (1999), "VaR without correlations for
portfolios of derivative securities".
"""

from typing import Annotated, Any, Literal, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from pydantic import Field, model_validator

from stresslab.errors import require
from stresslab.models import bar, gjr, recorded, resampling
from stresslab.models.base import Layout, NonNegative, Parameters, Piece, Positive, State
from stresslab.models.history import History


class Coefficients(NamedTuple):
    """Of one step."""

    recursion: gjr.Recursion
    played: recorded.Tables
    residual: np.ndarray  # z of each bar
    draw: resampling.Draw
    steps: Any  # of a bar, uint32
    bar: np.float32  # years
    drift: np.float32  # of a step
    convexity: np.float32  # share of h that a step takes off


class FilteredHistorical(Parameters):
    """Residuals of GARCH or GJR drawn again."""

    kind: Literal["filtered_historical"] = "filtered_historical"
    omega: Positive = Field(description="constant of the variance, squared log return per bar")
    alpha: NonNegative = Field(description="weight of the last squared noise")
    gamma: float = Field(0.0, description="further weight of it after a fall, at least -alpha")
    beta: NonNegative = Field(description="weight of the last variance")
    h0: Positive | None = Field(None, description="variance of the first bar; none: of the one after the history")
    block: Annotated[float, Field(ge=1)] = Field(1.0, description="mean length of a block of residuals in bars")
    history: History = Field(description="recorded bars")
    mu: float = Field(0.0, description="growth rate of E[price], 1/year, up to the third moment of a bar")

    has_variance = True
    has_characteristic_function = False

    @model_validator(mode="after")
    def _consistent(self) -> "FilteredHistorical":
        require(self.alpha + self.gamma >= 0, "alpha + gamma must not be negative", key="gamma", got=self.gamma)
        require(len(self.record.rows) >= 2, "a history of at least two bars is needed", key="history")
        require(float(self.record.close.std()) > 0, "the recorded price does not move", key="history")
        rule = "the variance would explode: alpha + gamma E[z^2; z < 0] + beta must not exceed 1"
        require(self.persistence <= 1, rule, key="beta", got=self.persistence)
        return self

    @property
    def record(self) -> History:
        """The bars that are drawn from."""
        return self.history.without_gaps()

    @property
    def variances(self) -> np.ndarray:
        """The h of each recorded bar and of the one after them."""
        return gjr.filtered_variances(self.record.close, self.omega, self.alpha, self.gamma, self.beta)

    @property
    def residuals(self) -> np.ndarray:
        """The z that are drawn: mean 0, variance 1."""
        z = self.record.close / np.sqrt(self.variances[:-1])
        return (z - z.mean()) / z.std()

    @property
    def persistence(self) -> float:
        """Rate at which the variance forgets, per bar."""
        z = self.residuals
        return self.alpha + self.gamma * float(np.mean(np.where(z < 0, z * z, 0.0))) + self.beta

    @property
    def first_variance(self) -> float:
        """Variance of the first bar."""
        return float(self.variances[-1]) if self.h0 is None else self.h0

    def step_limits(self) -> dict[str, float]:
        """The bar of the history."""
        return {"history": self.history.dt}

    def check_step(self, seconds: int) -> None:
        bar.check_step(seconds, self.history.seconds)

    def layout(self, dt: float) -> Layout:
        return recorded.layout(self.history, others=resampling.WORDS)

    def coefficients(self, dt: float) -> Coefficients:
        record, n = self.record, bar.steps(dt, self.history.dt)
        deviation = np.sqrt(self.variances[:-1])
        raw = record.close / deviation
        centre, spread = float(raw.mean()), float(raw.std())
        played = recorded.tables(record, centre / spread, np.ones(len(raw)), deviation * spread)
        return Coefficients(
            recursion=gjr.Recursion(*map(np.float32, (self.omega, self.alpha, self.gamma, self.beta))),
            played=played,
            residual=self.residuals.astype(np.float32),
            draw=resampling.draw_of(len(raw), self.block),
            steps=n,
            bar=np.float32(record.dt),
            drift=np.float32(self.mu * record.dt / n),
            convexity=np.float32(0.5 / n),
        )

    def init(self, n_paths: int) -> State:
        variance = np.full((1, n_paths), self.first_variance / self.history.dt, np.float32)
        return State(np.zeros((1, n_paths), np.float32), variance, resampling.begin(n_paths))

    @staticmethod
    def step(coefficients: Coefficients, state: State, words: tuple[Array, ...]) -> tuple[State, tuple[Piece, ...]]:
        c, memory = coefficients, state.memory
        at = memory.clock % c.steps
        here = resampling.bar_now(c.draw, memory, at, words[-resampling.WORDS :])
        h = state.variance * c.bar
        scale = jnp.sqrt(h)
        drift = c.drift - c.convexity * h
        pieces, left = recorded.pieces(c.played, here, scale, drift, at, c.steps, memory.left, words)
        later, _ = c.recursion.after(h, scale * jnp.take(c.residual, here, mode="clip"), ())
        variance = jnp.where(at + np.uint32(1) == c.steps, later / c.bar, state.variance)
        return State(state.log_price, variance, resampling.Memory(memory.clock + np.uint32(1), here, left)), pieces
