"""Andersen's quadratic-exponential step of a square-root variance, which Heston, Bates and SVJJ share.

    dx = (mu - v/2) dt + sqrt(v) dW1        corr(dW1, dW2) = rho
    dv = kappa (theta - v) dt + xi sqrt(v) dW2

The variance after the step has the right mean and variance given the one before; the log return is conditionally
normal with a martingale correction. Andersen (2008), "Simple and efficient simulation of the Heston stochastic
volatility model"; equation numbers below are his. Time in years, v in variance per year.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from stresslab.errors import require
from stresslab.random import normal, normal_survival
from stresslab.units import YEAR_SECONDS

PSI_SWITCH = np.float32(1.5)  # Andersen's recommended switching level between the two schemes
SMALLEST_PSI = 1e-17  # (2 / psi)^2 is a number in float32, with a margin for a variance that has risen


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

    @property
    def a(self) -> np.float32:
        """A of proposition 7: the weight of the variance after the step in log E[price | both variances]."""
        return self.k2 + np.float32(0.5) * self.k34


def step_limits(kappa: float, xi: float, rho: float) -> dict[str, float]:
    """A small part of the variance's relaxation time; and E[exp(A v)] must exist (proposition 9)."""
    return {"kappa": 0.03 / kappa, "xi": 0.3 / (max(rho, 1e-9) * xi)}


def check_scheme(xi: float, variance: float, dt: float) -> None:
    """InputError where `variance` moves too little in a step for psi, its relative variance, to have a square."""
    least = (SMALLEST_PSI * variance / dt) ** 0.5
    rule = f"the variance would not move: in steps of {dt * YEAR_SECONDS:.3g} s the scheme needs xi >= {least:.1e}"
    require(xi >= least, rule, key="xi", got=xi, hint="Raise xi, or use kind: gbm for a constant variance")


def coefficients(kappa: float, theta: float, xi: float, rho: float, mu: float, dt: float) -> Coefficients:
    """Constants of a step of `dt` years."""
    decay, lost = np.exp(-kappa * dt), -np.expm1(-kappa * dt)
    slope = kappa * rho / xi - 0.5
    values = dict(
        decay=decay,
        mean_base=theta * lost,
        spread_slope=xi**2 * decay * lost / kappa,
        spread_base=theta * xi**2 * lost**2 / (2 * kappa),
        k2=dt / 2 * slope + rho / xi,
        k34=dt / 2 * (1 - rho**2),
        drift=mu * dt,
        half_dt=dt / 2,
    )
    return Coefficients(**{name: np.float32(value) for name, value in values.items()})


def moments(c: Coefficients, before: Array) -> tuple[Array, Array]:
    """Mean and variance of the variance after the step given the one before (eqs. 17, 18)."""
    return c.mean_base + c.decay * before, c.spread_slope * before + c.spread_base


def next_variance(m: Array, spread: Array, word: Array, a: np.float32) -> tuple[Array, Array]:
    """A variance v' of this mean and variance, and a v' - log E[exp(a v')] (eqs. 23-30, proposition 9)."""
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


def log_return(c: Coefficients, total: Array, excess: Array, word: Array) -> Array:
    """Log return given `excess` of `next_variance` and the integrated variance, `total` times half a step.

    Eq. 33 with the correction of proposition 7: K0* = -log E[exp(A v')] - (K1 + K3/2) v, so K1 v cancels.
    """
    return c.drift + excess - np.float32(0.5) * c.k34 * total + jnp.sqrt(c.k34 * total) * normal(word)


def spans(before: Array, after: Array, rises: Sequence[Array], ends: Sequence[Any]) -> Array:
    """Integrated variance of each span of the step, times 2 / dt, of a straight line with `rises` at the cuts.

    Together they are before + after, the central rule of eq. 34, where nothing rises. Shape (span, asset, path).
    """
    slope = after - before - sum(rises[1:], rises[0])
    untils = jnp.stack([*ends[:-1], jnp.full_like(slope, ends[-1])])
    rising = jnp.stack([*rises, jnp.zeros_like(slope)])

    def span(carry: tuple[Array, Array], given: tuple[Array, Array]) -> tuple[tuple[Array, Array], Array]:
        level, since = carry
        until, rise = given
        mean = np.float32(2) * level + slope * (until + since)
        # a variance that falls from its jump to nearly 0 within the step may cross 0 on its line
        return (level + rise, until), jnp.maximum((until - since) * mean, np.float32(0))

    return lax.scan(span, (before, jnp.zeros_like(slope)), (untils, rising))[1]
