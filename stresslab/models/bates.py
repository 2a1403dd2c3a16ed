"""Bates: Heston's stochastic volatility with Merton's jumps.

    dx = (mu - v/2 - lambda (E[e^J] - 1)) dt + sqrt(v) dW1 + J dN        J ~ Normal(jump_mean, jump_std^2)
    dv = kappa (theta - v) dt + xi sqrt(v) dW2                           corr(dW1, dW2) = rho

Time in years, v in variance per year, lambda jumps per year, jump sizes in log price; mu is the growth of E[price].
Scheme: one quadratic-exponential step for variance and diffusion (quadratic_exponential.py), whose move is then split
at the jumps (jumps.py) by a Brownian bridge in the clock of a variance that runs straight through the step: no bridge
runs across a jump. Number, times and sizes of the jumps are exact; the bias is Heston's. Bates (1996), "Jumps and
stochastic volatility: exchange rate processes implicit in Deutsche Mark options".
"""

from typing import Literal, NamedTuple, Self

import jax.numpy as jnp
import numpy as np
from jax import Array
from pydantic import Field, model_validator

from stresslab.models import jumps, quadratic_exponential
from stresslab.models.base import Correlation, Layout, NonNegative, Parameters, Piece, Positive, State
from stresslab.models.heston import Heston
from stresslab.random import normal


class Coefficients(NamedTuple):
    """Of one step: the diffusion's, P(at least k jumps) for k = 1 .. slots, and the jump's law."""

    diffusion: quadratic_exponential.Coefficients
    at_least: np.ndarray
    jump_mean: np.float32
    jump_std: np.float32


class Bates(Parameters):
    """Stochastic volatility with a square-root variance and normal jumps in log price."""

    kind: Literal["bates"] = "bates"
    v0: Positive = Field(description="variance now, 1/year")
    kappa: Positive = Field(description="mean-reversion speed, 1/year")
    theta: Positive = Field(description="long-run variance, 1/year")
    xi: Positive = Field(description="volatility of variance, 1/year")
    rho: Correlation = Field(description="correlation of price and variance between jumps")
    jump_intensity: NonNegative = Field(description="expected jumps, 1/year")
    jump_mean: float = Field(description="mean of a jump in log price")
    jump_std: NonNegative = Field(description="standard deviation of a jump in log price")
    mu: float = Field(0.0, description="growth rate of E[price], 1/year")

    has_variance = True

    @property
    def diffusion(self) -> Heston:
        """What happens between the jumps: a growth that makes up for them."""
        growth = self.mu - self.jump_intensity * jumps.normal_growth(self.jump_mean, self.jump_std)
        return Heston.model_construct(
            v0=self.v0, kappa=self.kappa, theta=self.theta, xi=self.xi, rho=self.rho, mu=growth
        )

    @model_validator(mode="after")
    def _jumps(self) -> Self:
        jumps.check_normal(self.jump_mean, self.jump_std)
        return self

    def step_limits(self) -> dict[str, float]:
        """Heston's limits, and a step short enough that the slots hold its jumps."""
        of_variance = quadratic_exponential.step_limits(self.kappa, self.xi, self.rho)
        return {**of_variance, "jump_intensity": jumps.longest_step(self.jump_intensity)}

    def check_scheme(self, dt: float) -> None:
        quadratic_exponential.check_scheme(self.xi, self.v0 + self.theta, dt)

    def layout(self, dt: float) -> Layout:
        slots = jumps.slots(self.jump_intensity * dt)
        return Layout(normals=2 + 2 * slots, others=slots + 1, jumps=slots)

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
        return Coefficients(
            diffusion=self.diffusion.coefficients(dt),
            at_least=jumps.at_least(self.jump_intensity * dt),
            jump_mean=np.float32(self.jump_mean),
            jump_std=np.float32(self.jump_std),
        )

    def init(self, n_paths: int) -> State:
        return State(np.zeros((1, n_paths), np.float32), np.full((1, n_paths), self.v0, np.float32))

    @staticmethod
    def step(coefficients: Coefficients, state: State, words: tuple[Array, ...]) -> tuple[State, tuple[Piece, ...]]:
        c, slots, before = coefficients.diffusion, coefficients.at_least.shape[0], state.variance
        price_word, variance_word, *others = words
        cut_words, size_words, (count_word, *time_words) = (
            others[:slots],
            others[slots : 2 * slots],
            others[2 * slots :],
        )
        arrivals = jumps.arrivals(coefficients.at_least, count_word, time_words)
        mean, spread = quadratic_exponential.moments(c, before)
        after, excess = quadratic_exponential.next_variance(mean, spread, variance_word, c.a)
        move = quadratic_exponential.log_return(c, before + after, excess, price_word)
        variances = quadratic_exponential.spans(before, after, [jnp.zeros_like(before)] * slots, arrivals.ends)
        diffusions = jumps.split(move, c.half_dt * variances, cut_words)
        sizes = [coefficients.jump_mean + coefficients.jump_std * normal(word) for word in size_words]
        return state._replace(variance=after), jumps.alternating(diffusions, arrivals.happens, sizes)

    def characteristic_function(self, u: np.ndarray, t: float) -> np.ndarray:
        jump = jumps.normal_transform(u, self.jump_mean, self.jump_std)
        return self.diffusion.characteristic_function(u, t) * np.exp(t * self.jump_intensity * (jump - 1))
