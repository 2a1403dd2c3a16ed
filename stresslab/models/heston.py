"""Heston stochastic volatility.

    dx = (mu - v/2) dt + sqrt(v) dW1        corr(dW1, dW2) = rho
    dv = kappa (theta - v) dt + xi sqrt(v) dW2

Time in years, v in variance per year. Scheme: quadratic-exponential with martingale correction, Andersen (2008),
"Simple and efficient simulation of the Heston stochastic volatility model": see quadratic_exponential.py.
Discretisation bias: that of the central rule for the integrated variance (eq. 34), and of a bridge that takes this
variance as known.
"""

from typing import Literal

import numpy as np
from jax import Array
from pydantic import Field

from stresslab.models import quadratic_exponential
from stresslab.models.base import Correlation, Diffusion, Layout, Parameters, Piece, Positive, State
from stresslab.models.quadratic_exponential import Coefficients


class Heston(Parameters):
    """Stochastic volatility with a square-root variance."""

    kind: Literal["heston"] = "heston"
    v0: Positive = Field(description="variance now, 1/year")
    kappa: Positive = Field(description="mean-reversion speed, 1/year")
    theta: Positive = Field(description="long-run variance, 1/year")
    xi: Positive = Field(description="volatility of variance, 1/year")
    rho: Correlation = Field(description="correlation of price and variance")
    mu: float = Field(0.0, description="growth rate of E[price], 1/year")

    has_variance = True

    def step_limits(self) -> dict[str, float]:
        return quadratic_exponential.step_limits(self.kappa, self.xi, self.rho)

    def check_scheme(self, dt: float) -> None:
        quadratic_exponential.check_scheme(self.xi, self.v0 + self.theta, dt)

    def layout(self, dt: float) -> Layout:
        return Layout(normals=2, others=0)

    def coefficients(self, dt: float) -> Coefficients:
        return quadratic_exponential.coefficients(self.kappa, self.theta, self.xi, self.rho, self.mu, dt)

    def price_loadings(self, dt: float) -> np.ndarray:
        return np.array([[np.sqrt(1 - self.rho**2), self.rho]])

    def init(self, n_paths: int) -> State:
        return State(np.zeros((1, n_paths), np.float32), np.full((1, n_paths), self.v0, np.float32))

    @staticmethod
    def step(coefficients: Coefficients, state: State, words: tuple[Array, ...]) -> tuple[State, tuple[Piece, ...]]:
        c, before = coefficients, state.variance
        mean, spread = quadratic_exponential.moments(c, before)
        after, excess = quadratic_exponential.next_variance(mean, spread, words[1], c.a)
        total = before + after
        move = quadratic_exponential.log_return(c, total, excess, words[0])
        return state._replace(variance=after), (Diffusion(move, c.half_dt * total),)

    def characteristic_function(self, u: np.ndarray, t: float) -> np.ndarray:
        """Heston (1993) in the form without branch cuts of Albrecher, Mayer, Schoutens and Tistaert (2007)."""
        iu, xi2 = 1j * u, self.xi**2
        b = self.kappa - self.rho * self.xi * iu
        d = np.sqrt(b * b + xi2 * (iu + u * u))
        lost = -np.expm1(-d * t)
        # their fractions were expanded by b + d, which is 0 at u = -i where kappa < rho xi
        variance_part = -(iu + u * u) * lost / (2 * d + (b - d) * lost)
        mean_part = self.kappa * self.theta / xi2 * ((b - d) * t - 2 * np.log1p((b - d) * lost / (2 * d)))
        return np.exp(iu * self.mu * t + mean_part + variance_part * self.v0)

    def variance_moments(self, t: float) -> tuple[float, float]:
        """Mean and variance of v_t (Cox, Ingersoll and Ross 1985, eq. 19)."""
        decay, lost = np.exp(-self.kappa * t), -np.expm1(-self.kappa * t)
        mean = self.theta * lost + self.v0 * decay
        return mean, self.xi**2 * lost / self.kappa * (self.v0 * decay + self.theta * lost / 2)
