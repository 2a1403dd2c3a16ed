"""Generalised autoregressive conditional heteroskedasticity.

    dx = mu bar - h/2 + sqrt(h) z over a bar,        e = sqrt(h) z
    h' = omega + alpha e^2 + beta h

Time in years, h and omega in squared decimal log returns per bar. Scheme: exact at the ends of bars for any step that
divides the bar; inside a bar as in innovations.py. Bollerslev (1986), "Generalized autoregressive conditional
heteroskedasticity"; moments of sums by its recursions for E[h], E[h^2] and E[e^2 h].
"""

from typing import Any, Literal, NamedTuple

import numpy as np
from jax import Array
from pydantic import Field

from stresslab.errors import require
from stresslab.models.bar import BarModel
from stresslab.models.base import NonNegative, Positive


class Recursion(NamedTuple):
    """Numbers of the variance's recursion."""

    omega: Any
    alpha: Any
    beta: Any

    def after(self, h: Array, e: Array, past: Any) -> tuple[Array, Any]:
        return self.omega + self.alpha * (e * e) + self.beta * h, past


class GARCH(BarModel):
    """GARCH(1, 1) with normal, Student-t or skewed-t innovations."""

    kind: Literal["garch"] = "garch"
    omega: Positive = Field(description="constant of the variance, squared log return per bar")
    alpha: NonNegative = Field(description="weight of the last squared noise")
    beta: NonNegative = Field(description="weight of the last variance")

    @property
    def persistence(self) -> float:
        """Rate at which the variance forgets, per bar."""
        return self.alpha + self.beta

    def check_stationary(self) -> None:
        check_persistence(self.persistence, "alpha + beta", self.h0)

    def recursion(self) -> Recursion:
        return Recursion(*map(np.float32, (self.omega, self.alpha, self.beta)))

    def unconditional_variance(self) -> float:
        return self.omega / (1 - self.persistence)

    def forecast_variance(self, bars: int) -> np.ndarray:
        """E[h] of the next `bars` bars."""
        return expected_variances(self.omega, self.persistence, self.first_variance, bars)

    def return_kurtosis(self) -> float:
        """E[e^4] / E[e^2]^2 in the stationary state; infinite where there is no fourth moment."""
        fourth = self.kurtosis * self.alpha**2 + 2 * self.alpha * self.beta + self.beta**2
        return float("inf") if not fourth < 1 else self.kurtosis * (1 - self.persistence**2) / (1 - fourth)

    def aggregate_moments(self, bars: int) -> tuple[float, float]:
        """Variance and kurtosis of the sum of the noise of `bars` bars; the innovation must be symmetric."""
        require(self.innovation != "skewed_t", "the sum's kurtosis needs a symmetric innovation", key="innovation")
        h, squares = self.forecast_variance(bars), self._expected_squares(bars)
        ahead = np.arange(bars)
        # E[e_s^2 h_t] = E[e_s^2] E[h] + persistence^(t-s-1) (E[e_s^2 h_(s+1)] - E[e_s^2] E[h]), and the same for h^4
        product = self.omega * h + (self.kurtosis * self.alpha + self.beta) * squares
        total = self.kurtosis * squares.sum()
        for s in range(bars - 1):
            lags = ahead[: bars - 1 - s]
            decay = self.persistence**lags
            sums = np.cumsum(np.concatenate([[0.0], decay]))[: len(lags)]
            total += 6 * float((decay * product[s] + self.omega * sums * h[s]).sum())
        variance = float(h.sum())
        return variance, float(total / variance**2)

    def _expected_squares(self, bars: int) -> np.ndarray:
        """E[h^2] of the next bars."""
        h, found = self.forecast_variance(bars), [self.first_variance**2]
        fourth = self.kurtosis * self.alpha**2 + 2 * self.alpha * self.beta + self.beta**2
        for mean in h[:-1]:
            found.append(self.omega**2 + 2 * self.omega * self.persistence * mean + fourth * found[-1])
        return np.array(found)


def check_persistence(persistence: float, name: str, h0: float | None) -> None:
    """InputError where the variance explodes, or has no level to start from."""
    require(persistence <= 1, f"the variance would explode: {name} must not exceed 1", key="beta", got=persistence)
    hint = "Give h0, the variance of the first bar"
    rule = f"with {name} = 1 there is no unconditional variance"
    require(persistence < 1 or h0 is not None, rule, key="h0", hint=hint)


def expected_variances(omega: float, persistence: float, first: float, bars: int) -> np.ndarray:
    """E[h] of the first `bars` bars of a recursion that is linear in the mean."""
    found = [first]
    for _ in range(bars - 1):
        found.append(omega + persistence * found[-1])
    return np.array(found)
