"""SVJJ: stochastic volatility with simultaneous jumps in price and variance.

    dx = (mu - v/2 - lambda (E[e^J] - 1)) dt + sqrt(v) dW1 + J dN        corr(dW1, dW2) = rho
    dv = kappa (theta - v) dt + xi sqrt(v) dW2 + G dN                    G ~ Exponential(variance_jump_mean)

with J given G normal of mean jump_mean + rho_J G and deviation jump_std, and rho_J = jump_correlation. Time in years,
v in variance per year, lambda jumps per year, jump sizes in log price; mu is the growth rate of E[price].
Scheme: number, times and sizes of the jumps are exact (jumps.py). A variance that jumps by G in a step is the sum of
the one that does not and of an independent square-root process that starts at G and reverts to 0 (the law is affine):
its mean and variance at the end of the step are added, and one quadratic-exponential draw has those of the sum
(quadratic_exponential.py). The integrated variance is that of a straight line with the jump in it; the move is split
there by a Brownian bridge. Both are right but for terms of order dt^2 per step with a jump, below Heston's own bias of
order dt. Duffie, Pan and Singleton (2000), "Transform analysis and asset pricing for affine jump-diffusions".
"""

from typing import Literal, NamedTuple, Self

import jax.numpy as jnp
import numpy as np
from jax import Array
from pydantic import Field, model_validator

from stresslab.models import jumps, quadratic_exponential
from stresslab.models.base import Correlation, Layout, NonNegative, Parameters, Piece, Positive, State
from stresslab.models.heston import Heston
from stresslab.random import exponential, normal


class Coefficients(NamedTuple):
    """Of one step: the diffusion's, P(at least k jumps) for k = 1 .. slots, and the law and fading of jumps."""

    diffusion: quadratic_exponential.Coefficients
    at_least: np.ndarray
    jump_mean: np.float32
    jump_std: np.float32
    variance_jump_mean: np.float32
    jump_correlation: np.float32
    kappa_dt: np.float32
    spread: np.float32  # xi^2 / kappa


class SVJJ(Parameters):
    """Stochastic volatility whose price and variance jump together."""

    kind: Literal["svjj"] = "svjj"
    v0: Positive = Field(description="variance now, 1/year")
    kappa: Positive = Field(description="mean-reversion speed, 1/year")
    theta: Positive = Field(description="level that the variance reverts to between jumps, 1/year")
    xi: Positive = Field(description="volatility of variance, 1/year")
    rho: Correlation = Field(description="correlation of price and variance between jumps")
    jump_intensity: NonNegative = Field(description="expected jumps, 1/year")
    jump_mean: float = Field(description="mean of a jump in log price whose variance jump is 0")
    jump_std: NonNegative = Field(description="standard deviation of a jump in log price given its variance jump")
    variance_jump_mean: NonNegative = Field(description="mean of a jump in variance, 1/year")
    jump_correlation: float = Field(description="log price that a jump moves per unit of its variance jump, years")
    mu: float = Field(0.0, description="growth rate of E[price], 1/year")

    has_variance = True

    @model_validator(mode="after")
    def _price_has_a_mean(self) -> Self:
        if self.jump_correlation * self.variance_jump_mean >= 1:
            raise ValueError("jump_correlation * variance_jump_mean must be below 1: E[price] is infinite")
        jumps.check_normal(self.jump_mean, self.jump_std)
        return self

    @property
    def jump_growth(self) -> float:
        """E[e^J] - 1."""
        plain = jumps.normal_growth(self.jump_mean, self.jump_std)
        return (plain + 1) / (1 - self.jump_correlation * self.variance_jump_mean) - 1

    @property
    def diffusion(self) -> Heston:
        """What happens between the jumps: a growth that makes up for them."""
        growth = self.mu - self.jump_intensity * self.jump_growth
        return Heston.model_construct(
            v0=self.v0, kappa=self.kappa, theta=self.theta, xi=self.xi, rho=self.rho, mu=growth
        )

    def step_limits(self) -> dict[str, float]:
        """Heston's limits, and a step short enough that the slots hold its jumps."""
        of_variance = quadratic_exponential.step_limits(self.kappa, self.xi, self.rho)
        return {**of_variance, "jump_intensity": jumps.longest_step(self.jump_intensity)}

    def check_scheme(self, dt: float) -> None:
        quadratic_exponential.check_scheme(self.xi, self.v0 + self.theta + 20 * self.variance_jump_mean, dt)

    def layout(self, dt: float) -> Layout:
        slots = jumps.slots(self.jump_intensity * dt)
        return Layout(normals=2 + 2 * slots, others=2 * slots + 1, jumps=slots)

    def jumps_per_step(self, dt: float) -> float:
        return self.jump_intensity * dt

    @property
    def diffusion_growth(self) -> float:
        return self.diffusion.mu

    def price_loadings(self, dt: float) -> np.ndarray:
        """Those of Heston; the cuts at jumps and the sizes are noise of their own."""
        rest = np.zeros((1, self.layout(dt).normals - 2))
        return np.hstack([self.diffusion.price_loadings(dt), rest])

    def coefficients(self, dt: float) -> Coefficients:
        numbers = (self.jump_mean, self.jump_std, self.variance_jump_mean, self.jump_correlation)
        return Coefficients(
            self.diffusion.coefficients(dt),
            jumps.at_least(self.jump_intensity * dt),
            *map(np.float32, (*numbers, self.kappa * dt, self.xi**2 / self.kappa)),
        )

    def init(self, n_paths: int) -> State:
        return State(np.zeros((1, n_paths), np.float32), np.full((1, n_paths), self.v0, np.float32))

    @staticmethod
    def step(coefficients: Coefficients, state: State, words: tuple[Array, ...]) -> tuple[State, tuple[Piece, ...]]:
        c, slots, before = coefficients.diffusion, coefficients.at_least.shape[0], state.variance
        price_word, variance_word, *others = words
        cut_words, size_words, others = others[:slots], others[slots : 2 * slots], others[2 * slots :]
        count_word, time_words, rise_words = others[0], others[1 : slots + 1], others[slots + 1 :]
        arrivals = jumps.arrivals(coefficients.at_least, count_word, time_words)
        rises = [
            jnp.where(happened, coefficients.variance_jump_mean * exponential(word), np.float32(0))
            for happened, word in zip(arrivals.happens, rise_words, strict=True)
        ]
        mean, spread = quadratic_exponential.moments(c, before)
        for rise, time in zip(rises, arrivals.times, strict=True):
            lost = -jnp.expm1(coefficients.kappa_dt * (time - np.float32(1)))
            left = rise * (np.float32(1) - lost)
            mean, spread = mean + left, spread + coefficients.spread * left * lost
        after, excess = quadratic_exponential.next_variance(mean, spread, variance_word, c.a)
        variances = quadratic_exponential.spans(before, after, rises, arrivals.ends)
        move = quadratic_exponential.log_return(c, variances.sum(axis=0), excess, price_word)
        diffusions = jumps.split(move, c.half_dt * variances, cut_words)
        sizes = [
            coefficients.jump_mean + coefficients.jump_correlation * rise + coefficients.jump_std * normal(word)
            for rise, word in zip(rises, size_words, strict=True)
        ]
        return state._replace(variance=after), jumps.alternating(diffusions, arrivals.happens, sizes)

    def characteristic_function(self, u: np.ndarray, t: float) -> np.ndarray:
        """Duffie, Pan and Singleton (2000), section 4, with Heston's part in the form without branch cuts.

        E[e^(c1 J + c2 G)] at c2 = B(s), Heston's coefficient of v, is integrated over s in closed form: with
        c = 1 - iu rho_J m, m the mean of G, 1 / (c - m B(s)) is a ratio of linear functions of e^(-d s).
        """
        iu, m, xi2 = 1j * u, self.variance_jump_mean, self.xi**2
        b = self.kappa - self.rho * self.xi * iu
        d = np.sqrt(b * b + xi2 * (iu + u * u))
        c = 1 - iu * self.jump_correlation * m
        # fractions are reduced by b + d, which is 0 at u = -i where kappa < rho xi
        slope = m * (b + d) / xi2 - c
        grown = _log1p_ratio((d - b) * -np.expm1(-d * t) / (2 * d * c), slope)
        time = (t + 2 * m / xi2 * grown) / (c + m * (d - b) / xi2)
        jump = jumps.normal_transform(u, self.jump_mean, self.jump_std)
        return self.diffusion.characteristic_function(u, t) * np.exp(self.jump_intensity * (jump * time - t))


def _log1p_ratio(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """log(1 + x y) / y, also where y is 0."""
    small = np.abs(x * y) < 1e-8
    divisor = np.where(small, 1, y)
    return np.where(small, x * (1 - x * y / 2), np.log1p(x * np.where(small, 0, y)) / divisor)
