"""Heston stochastic volatility.

    dx = (mu - v/2) dt + sqrt(v) dW1        corr(dW1, dW2) = rho
    dv = kappa (theta - v) dt + xi sqrt(v) dW2

Time in years, v in variance per year. Scheme: quadratic-exponential with martingale correction, Andersen (2008),
"Simple and efficient simulation of the Heston stochastic volatility model"; equation numbers below are his.
Discretisation bias: that of the central rule for the integrated variance (eq. 34), and of a bridge that takes this
variance as known.
"""

from typing import Literal, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from pydantic import Field

from stresslab.models.base import Correlation, Diffusion, Layout, Parameters, Piece, Positive, State
from stresslab.random import normal, normal_survival

PSI_SWITCH = np.float32(1.5)  # Andersen's recommended switching level between the two schemes


class Coefficients(NamedTuple):
    """Of one step: m = mean_base + decay v; s^2 = spread_slope v + spread_base; k2 and k3 = k4 of eq. 33."""

    decay: np.float32
    mean_base: np.float32
    spread_slope: np.float32
    spread_base: np.float32
    k2: np.float32
    k34: np.float32
    drift: np.float32
    half_dt: np.float32


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

    @property
    def longest_step(self) -> float:
        """A small part of the variance's relaxation time; and E[exp(A v)] of the correction must exist (proposition
        9).
        """
        return min(0.03 / self.kappa, 0.3 / (max(self.rho, 1e-9) * self.xi))

    def layout(self, dt: float) -> Layout:
        return Layout(normals=2, others=0)

    def coefficients(self, dt: float) -> Coefficients:
        decay, lost = np.exp(-self.kappa * dt), -np.expm1(-self.kappa * dt)
        slope = self.kappa * self.rho / self.xi - 0.5
        values = dict(
            decay=decay,
            mean_base=self.theta * lost,
            spread_slope=self.xi**2 * decay * lost / self.kappa,
            spread_base=self.theta * self.xi**2 * lost**2 / (2 * self.kappa),
            k2=dt / 2 * slope + self.rho / self.xi,
            k34=dt / 2 * (1 - self.rho**2),
            drift=self.mu * dt,
            half_dt=dt / 2,
        )
        return Coefficients(**{name: np.float32(value) for name, value in values.items()})

    def init(self, n_paths: int) -> State:
        return State(np.zeros((1, n_paths), np.float32), np.full((1, n_paths), self.v0, np.float32))

    @staticmethod
    def step(coefficients: Coefficients, state: State, words: tuple[Array, ...]) -> tuple[State, tuple[Piece, ...]]:
        c, before = coefficients, state.variance
        a = c.k2 + np.float32(0.5) * c.k34
        after, excess = _next_variance(c, before, words[1], a)
        total = before + after
        # eq. 33 with the correction of proposition 7: K0* = -log E[exp(A v')] - (K1 + K3/2) v, so K1 v cancels
        move = c.drift + excess - np.float32(0.5) * c.k34 * total + jnp.sqrt(c.k34 * total) * normal(words[0])
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


def _next_variance(c: Coefficients, before: Array, word: Array, a: np.float32) -> tuple[Array, Array]:
    """The variance v' after the step, and a v' - log E[exp(a v')] given the one before (eqs. 23-30, proposition 9)."""
    m = c.mean_base + c.decay * before
    spread = c.spread_slope * before + c.spread_base
    psi = spread / (m * m)
    # quadratic scheme, eqs. 23, 27, 28; psi is held below the switch so that the branch not taken stays finite
    two_over_psi = np.float32(2) / jnp.minimum(psi, PSI_SWITCH)
    b2 = two_over_psi - np.float32(1) + jnp.sqrt(two_over_psi * (two_over_psi - np.float32(1)))
    scale = m / (np.float32(1) + b2)
    b, z = jnp.sqrt(b2), normal(word)
    damp = np.float32(1) - np.float32(2) * a * scale
    # exponential scheme, eqs. 25, 29, 30: beta = (1 - p) / m = 2 / (m (psi + 1))
    mass = np.float32(2) / (psi + np.float32(1))  # 1 - p
    beta = mass / m
    survival = normal_survival(word)
    exponential = jnp.where(survival < mass, jnp.log(mass / survival) / beta, np.float32(0))
    take_quadratic = psi <= PSI_SWITCH
    after = jnp.where(take_quadratic, scale * (b + z) * (b + z), exponential)
    # one logarithm serves both schemes; a b^2 scale, large where rho / xi is, is taken out of both terms by hand
    logarithm = jnp.log(jnp.where(take_quadratic, damp, np.float32(1) + mass * a / (beta - a)))
    moved = a * scale * (z * (np.float32(2) * b + z) - np.float32(2) * a * b2 * scale / damp)
    return after, jnp.where(take_quadratic, moved + np.float32(0.5) * logarithm, a * after - logarithm)
