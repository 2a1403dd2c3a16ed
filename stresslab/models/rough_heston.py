"""Rough Heston: a square-root variance whose memory falls off as a power (El Euch and Rosenbaum 2019).

    dx = (mu - v/2) dt + sqrt(v) dW1        corr(dW1, dW2) = rho
    v_t = v0 + 1/Gamma(a) int_0^t (t-s)^(a-1) [kappa (theta - v_s) ds + xi sqrt(v_s) dW2_s],        a = hurst + 1/2

Time in years, v in variance per year; kappa per year^a, xi per year^a and square root of variance. Scheme: in terms of
its forward variance the drift is gone, E_s[v_t] = E_0[v_t] + xi int_0^s K(t-r) sqrt(v_r) dW2_r with the kernel of
kernel_lift.py (lambda = kappa), so that the state is the lift's factors. Inside a step the increment
of int sqrt(v) dW2 and what it leaves over of the variance's own noise are two quadratic-exponential draws that share
out the forward variance: Gatheral (2022), "Efficient simulation of affine forward variance models", his HQE scheme,
with Andersen's martingale correction, exact at any step. Two things differ from his: the increment has the share
(a + 1) / 2, with which its third moment is right (at hurst = 1/2 it is Heston), and the integrated variance is the mean
of the forward variance over the step and its projection on the increment. Positive by construction.
Bias, 2^20 paths, seed 1, hurst 0.1, xi 1.2, rho -0.5, 30 days, in points of implied volatility at strikes 0.9 and 1:
-0.12 and -0.04 at steps of a day, -0.05 and -0.02 at 6 hours, the longest (standard error 0.05).
"""

from typing import Annotated, Any, Literal, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from pydantic import Field

from stresslab.models import fractional_riccati, kernel_lift, quadratic_exponential
from stresslab.models.base import Correlation, Diffusion, Layout, NonNegative, Parameters, Piece, Positive, State
from stresslab.models.kernel_lift import FACTORS, LAST, YOUNGEST
from stresslab.random import normal

LONGEST = 6 / 8760  # years


class Coefficients(NamedTuple):
    """Of one step; arrays have shape (factor, 1)."""

    decay: np.ndarray
    by_increment: np.ndarray  # of a factor, by the part of v that the increment of int sqrt(v) dW2 makes
    by_rest: np.ndarray  # and by the part that it leaves over
    average: np.ndarray  # of a factor over the step
    increment_spread: np.float32  # variance of either part, per variance
    rest_spread: np.float32
    share: np.float32  # of the first part in the forward variance
    towards_average: np.float32  # from E[v] at the end to its mean under the square of the rest's kernel
    late: np.float32  # of the first part in the mean of v over the step
    a: np.float32  # of the first part in the log price
    dt: np.float32
    conditional: np.float32  # 1 - rho^2
    drift: np.float32
    lowest: np.float32
    theta: np.float32
    curve_weights: np.ndarray  # of E_0[v] - theta, and of its average over a step
    curve_averages: np.ndarray
    curve_rates: np.ndarray


class Memory(NamedTuple):
    """Steps done, uint32; the factors of the lift, (factor, path), up to the step before the last; and the two parts of
    the noise of the last: a loop that feeds ten factors with fresh draws would draw them ten times.
    """

    clock: Any
    factors: Any
    increment: Any
    rest: Any


class RoughHeston(Parameters):
    """Stochastic volatility with a rough square-root variance."""

    kind: Literal["rough_heston"] = "rough_heston"
    hurst: Annotated[float, Field(gt=0, le=0.5)] = Field(description="roughness: 1/2 is Heston")
    v0: Positive = Field(description="variance now, 1/year")
    kappa: NonNegative = Field(description="mean-reversion speed, 1/year^(hurst + 1/2)")
    theta: Positive = Field(description="long-run variance, 1/year")
    xi: Positive = Field(description="volatility of variance, 1/year^(hurst + 1/2)")
    rho: Correlation = Field(description="correlation of price and variance")
    mu: float = Field(0.0, description="growth rate of E[price], 1/year")

    has_variance = True

    def step_limits(self) -> dict[str, float]:
        """The range in which the series of the kernel converges."""
        a = self.hurst + 0.5
        reaches = self.kappa * LONGEST**a <= kernel_lift.MOST_SERIES
        return {} if reaches else {"kappa": (kernel_lift.MOST_SERIES / self.kappa) ** (1 / a)}

    @property
    def longest_step(self) -> float:
        return min(LONGEST, super().longest_step)

    def check_scheme(self, dt: float) -> None:
        quadratic_exponential.check_scheme(self.xi, self.v0 + self.theta, dt ** (2 * self.hurst))

    def layout(self, dt: float) -> Layout:
        return Layout(normals=3, others=0)

    def price_loadings(self, dt: float) -> np.ndarray:
        return np.array([[np.sqrt(1 - self.rho**2), self.rho, 0.0]])

    def coefficients(self, dt: float) -> Coefficients:
        a, kappa, first = self.hurst + 0.5, self.kappa, YOUNGEST * dt
        lift = kernel_lift.lift(a, kappa, first, LAST)
        step = kernel_lift.of_step(a, kappa, dt, lift.rates)
        curve, rates = kernel_lift.relaxation_lift(a, kappa, first, LAST)
        late = step.area / (step.level * dt)  # so that the mean of v has the right covariance with the increment
        factors = (step.decay, lift.weights * step.on_increment / step.beta, lift.weights * step.on_rest)
        numbers = (
            self.xi**2 * step.beta * step.level,
            self.xi**2 * step.rest,
            (a + 1) / 2,
            2 * self.hurst / (self.hurst + 0.5),
            late,
            self.rho / (self.xi * step.beta) - self.rho**2 / 2 * late * dt,
            dt,
            1 - self.rho**2,
            self.mu * dt,
            1e-6 * min(self.theta, self.v0),
            self.theta,
        )
        curves = (
            (self.v0 - self.theta) * curve,
            (self.v0 - self.theta) * curve * kernel_lift.over_step(rates * dt),
            rates,
        )
        columns = [one.astype(np.float32)[:, None] for one in (*factors, kernel_lift.over_step(lift.rates * dt))]
        arguments: list[Any] = [*columns, *map(np.float32, numbers), *(one.astype(np.float32) for one in curves)]
        return Coefficients(*arguments)

    def init(self, n_paths: int) -> State:
        nothing = np.zeros((1, n_paths), np.float32)
        memory = Memory(np.zeros((), np.uint32), np.zeros((FACTORS, n_paths), np.float32), nothing, nothing)
        return State(nothing, np.full((1, n_paths), self.v0, np.float32), memory)

    @staticmethod
    def step(coefficients: Coefficients, state: State, words: tuple[Array, ...]) -> tuple[State, tuple[Piece, ...]]:
        c, memory = coefficients, state.memory
        factors = c.decay * memory.factors + c.by_increment * memory.increment + c.by_rest * memory.rest
        forward, average = _forward(c, memory.clock, factors)
        mean, left = c.share * forward, (np.float32(1) - c.share) * forward
        under_square = jnp.maximum(forward + c.towards_average * (average - forward), c.lowest)
        first, excess = quadratic_exponential.next_variance(mean, c.increment_spread * average, words[1], c.a)
        second, _ = quadratic_exponential.next_variance(left, c.rest_spread * under_square, words[2], np.float32(0))
        integrated = c.dt * jnp.maximum(average + c.late * (first - mean), np.float32(0))
        free = c.conditional * integrated
        move = c.drift + excess - np.float32(0.5) * free + jnp.sqrt(free) * normal(words[0])
        memory = Memory(memory.clock + np.uint32(1), factors, first - mean, second - left)
        return State(state.log_price, first + second, memory), (Diffusion(move, integrated),)

    def characteristic_function(self, u: np.ndarray, t: float) -> np.ndarray:
        """El Euch and Rosenbaum (2019), theorem 4.1: log = v0 int F + kappa theta int psi. To about 1e-6."""
        u = np.asarray(u, complex)
        iu = 1j * u.ravel()
        p, q = (iu * iu - iu) / 2, iu * self.rho * self.xi - self.kappa
        of_drift, of_psi = fractional_riccati.integrals(p, q, self.xi**2 / 2, self.hurst + 0.5, t)
        log = iu * self.mu * t + self.v0 * of_drift + self.kappa * self.theta * of_psi
        return np.exp(log).reshape(u.shape)


def _forward(c: Coefficients, clock: Array, factors: Array) -> tuple[Array, Array]:
    """E[v] at the end of the step, and the mean of E[v] over it, given what is known at its start."""
    start = clock.astype(jnp.float32) * c.dt
    average = c.theta + (c.curve_averages * jnp.exp(-c.curve_rates * start)).sum()
    end = c.theta + (c.curve_weights * jnp.exp(-c.curve_rates * (start + c.dt))).sum()
    forward = end + (c.decay * factors).sum(axis=0, keepdims=True)
    average = average + (c.average * factors).sum(axis=0, keepdims=True)
    return jnp.maximum(forward, c.lowest), jnp.maximum(average, c.lowest)
