"""GARCH whose variance answers more to falls than to rises.

    dx = mu bar - h/2 + sqrt(h) z over a bar,        e = sqrt(h) z
    h' = omega + alpha e^2 + gamma e^2 [e < 0] + beta h

Time in years, h and omega in squared decimal log returns per bar. Scheme: exact at the ends of bars, as garch.py.
Glosten, Jagannathan and Runkle (1993), "On the relation between the expected value and the volatility of the
nominal excess return on stocks".
"""

from typing import Any, Literal, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from pydantic import Field
from scipy.signal import lfilter

from stresslab.errors import require
from stresslab.models.bar import BarModel
from stresslab.models.base import NonNegative, Positive
from stresslab.models.garch import check_persistence, expected_variances
from stresslab.models.innovations import downside

BACKCAST_DECAY, BACKCAST_SPAN = 0.94, 75


class Recursion(NamedTuple):
    """Numbers of the variance's recursion."""

    omega: Any
    alpha: Any
    gamma: Any
    beta: Any

    def after(self, h: Array, e: Array, past: Any) -> tuple[Array, Any]:
        weight = self.alpha + jnp.where(e < 0, self.gamma, np.float32(0))
        return self.omega + weight * (e * e) + self.beta * h, past


class GJR(BarModel):
    """GJR-GARCH(1, 1) with normal, Student-t or skewed-t innovations."""

    kind: Literal["gjr"] = "gjr"
    omega: Positive = Field(description="constant of the variance, squared log return per bar")
    alpha: NonNegative = Field(description="weight of the last squared noise")
    gamma: float = Field(description="further weight of it after a fall, at least -alpha")
    beta: NonNegative = Field(description="weight of the last variance")

    @property
    def persistence(self) -> float:
        """Rate at which the variance forgets, per bar: alpha + gamma E[z^2; z < 0] + beta."""
        return self.alpha + self.gamma * downside(*self.shape) + self.beta

    def check_stationary(self) -> None:
        require(self.alpha + self.gamma >= 0, "alpha + gamma must not be negative", key="gamma", got=self.gamma)
        check_persistence(self.persistence, "alpha + gamma E[z^2; z < 0] + beta", self.h0)

    def recursion(self) -> Recursion:
        return Recursion(*map(np.float32, (self.omega, self.alpha, self.gamma, self.beta)))

    def unconditional_variance(self) -> float:
        return self.omega / (1 - self.persistence)

    def forecast_variance(self, bars: int) -> np.ndarray:
        """E[h] of the next `bars` bars."""
        return expected_variances(self.omega, self.persistence, self.first_variance, bars)


def backcast(noise: np.ndarray) -> float:
    """The squared noise that stands before the first bar: a weighted mean of the first ones, as in the arch package."""
    weights = BACKCAST_DECAY ** np.arange(min(BACKCAST_SPAN, len(noise)))
    return float(weights @ noise[: len(weights)] ** 2 / weights.sum())


def filtered_variances(
    noise: np.ndarray, omega: float, alpha: float, gamma: float, beta: float, start: float | None = None
) -> np.ndarray:
    """The h of each bar of a record and of the one after it; `start` is h and squared noise before the first."""
    before = backcast(noise) if start is None else start
    weights = np.concatenate([[alpha + gamma / 2], alpha + gamma * (noise < 0)])
    drive = omega + weights * np.concatenate([[before], noise**2])
    return lfilter([1], [1, -beta], drive, zi=[beta * before])[0]
