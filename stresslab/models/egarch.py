"""Exponential GARCH: the logarithm of the variance moves, with size and sign of the innovation apart.

    dx = mu bar - h/2 + sqrt(h) z over a bar
    log h' = omega + alpha (|z| - sqrt(2/pi)) + gamma z + beta log h

Time in years, h in squared decimal log returns per bar. sqrt(2/pi) is E|z| of the normal law; it stands there for every
law, as in the arch package. Scheme: exact at the ends of bars for any step that divides the bar; inside a bar as in
innovations.py. Under Student's t E[h] is infinite: `unconditional_variance` is exp(E[log h]). Nelson (1991),
"Conditional heteroskedasticity in asset returns: a new approach", equation 2.1 and theorem A1.2.
"""

from typing import Annotated, Any, Literal, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from pydantic import Field
from scipy.special import ndtr

from stresslab.errors import require
from stresslab.models.bar import BarModel
from stresslab.models.innovations import mean_size

NORMAL_SIZE = float(np.sqrt(2 / np.pi))
LOG_LIMITS = (-60.0, 10.0)  # of log h: what float32 and a price can bear


class Recursion(NamedTuple):
    """Numbers of the recursion of log h."""

    omega: Any
    alpha: Any
    gamma: Any
    beta: Any

    def after(self, h: Array, e: Array, past: Any) -> tuple[Array, Any]:
        z = e * (np.float32(1) / jnp.sqrt(h))
        log_h = (
            self.omega + self.alpha * (jnp.abs(z) - np.float32(NORMAL_SIZE)) + self.gamma * z + self.beta * jnp.log(h)
        )
        return jnp.exp(jnp.clip(log_h, *map(np.float32, LOG_LIMITS))), past


class EGARCH(BarModel):
    """EGARCH(1, 1) with normal, Student-t or skewed-t innovations."""

    kind: Literal["egarch"] = "egarch"
    omega: float = Field(description="constant of the log variance of a bar")
    alpha: float = Field(description="weight of the innovation's size")
    gamma: float = Field(description="weight of the innovation: negative where falls excite more")
    beta: Annotated[float, Field(gt=-1, lt=1)] = Field(description="weight of the last log variance")

    def check_stationary(self) -> None:
        level = self.mean_log_variance
        rule = "the level of the variance, exp(E[log h]), must be a variance per bar: omega is that of a logarithm"
        require(LOG_LIMITS[0] < level < LOG_LIMITS[1], rule, key="omega", got=self.omega)

    @property
    def mean_log_variance(self) -> float:
        """E[log h]."""
        return (self.omega + self.alpha * (mean_size(*self.shape) - NORMAL_SIZE)) / (1 - self.beta)

    def recursion(self) -> Recursion:
        return Recursion(*map(np.float32, (self.omega, self.alpha, self.gamma, self.beta)))

    def unconditional_variance(self) -> float:
        return float(np.exp(self.mean_log_variance))

    def forecast_variance(self, bars: int) -> np.ndarray:
        """E[h] of the next `bars` bars, for normal innovations: log h is a sum of independent terms."""
        require(self.innovation == "normal", "E[h] is known for normal innovations alone", key="innovation")
        level, growth, found = np.log(self.first_variance), 1.0, []
        for bar in range(bars):
            found.append(float(np.exp(level)) * growth)
            level = self.omega - self.alpha * NORMAL_SIZE + self.beta * level
            growth *= _exponential_moment(self.alpha * self.beta**bar, self.gamma * self.beta**bar)
        return np.array(found)


def _exponential_moment(a: float, g: float) -> float:
    """E[exp(a |z| + g z)] of a standard normal z."""
    return float(np.exp((g + a) ** 2 / 2) * ndtr(g + a) + np.exp((a - g) ** 2 / 2) * ndtr(a - g))
