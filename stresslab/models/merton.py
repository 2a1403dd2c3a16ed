"""Merton's jump diffusion.

    dx = (mu - sigma^2/2 - lambda (E[e^J] - 1)) dt + sigma dW + J dN,        J ~ Normal(jump_mean, jump_std^2)

Time in years, lambda jumps per year, jump sizes in log price. The compensator makes mu the growth rate of E[price].
Scheme: exact, see jumps.py. Merton (1976), "Option pricing when underlying stock returns are discontinuous".
"""

from typing import Literal, NamedTuple, Self

import numpy as np
from jax import Array
from pydantic import Field, model_validator

from stresslab.models import jumps
from stresslab.models.base import Layout, NonNegative, Parameters, Piece, Positive, State
from stresslab.random import normal


class Coefficients(NamedTuple):
    """Of one step: log drift and variance of the diffusion, P(at least k jumps) for k = 1 .. slots, and the jump's
    law.
    """

    drift: np.float32
    variance: np.float32
    at_least: np.ndarray
    jump_mean: np.float32
    jump_std: np.float32


class Merton(Parameters):
    """Jump diffusion with normal jumps in log price."""

    kind: Literal["merton"] = "merton"
    sigma: Positive = Field(description="volatility of the diffusion, 1/sqrt(year)")
    jump_intensity: NonNegative = Field(description="expected jumps, 1/year")
    jump_mean: float = Field(description="mean of a jump in log price")
    jump_std: NonNegative = Field(description="standard deviation of a jump in log price")
    mu: float = Field(0.0, description="growth rate of E[price], 1/year")

    @model_validator(mode="after")
    def _jumps(self) -> Self:
        jumps.check_normal(self.jump_mean, self.jump_std)
        return self

    def step_limits(self) -> dict[str, float]:
        """So few jumps that the slots hold them."""
        return {"jump_intensity": jumps.longest_step(self.jump_intensity)}

    def layout(self, dt: float) -> Layout:
        slots = jumps.slots(self.jump_intensity * dt)
        return Layout(normals=2 * slots + 1, others=slots + 1, jumps=slots)

    def jumps_per_step(self, dt: float) -> float:
        return self.jump_intensity * dt

    def coefficients(self, dt: float) -> Coefficients:
        return Coefficients(
            drift=np.float32(self.log_drift * dt),
            variance=np.float32(self.sigma**2 * dt),
            at_least=jumps.at_least(self.jump_intensity * dt),
            jump_mean=np.float32(self.jump_mean),
            jump_std=np.float32(self.jump_std),
        )

    @property
    def diffusion_growth(self) -> float:
        return self.mu - self.jump_intensity * jumps.normal_growth(self.jump_mean, self.jump_std)

    @property
    def log_drift(self) -> float:
        """Drift of the log price between jumps, 1/year."""
        return self.diffusion_growth - self.sigma**2 / 2

    def init(self, n_paths: int) -> State:
        return State(np.zeros((1, n_paths), np.float32), np.full((1, n_paths), self.sigma**2, np.float32))

    @staticmethod
    def step(coefficients: Coefficients, state: State, words: tuple[Array, ...]) -> tuple[State, tuple[Piece, ...]]:
        c, slots = coefficients, coefficients.at_least.shape[0]
        between, size_words, count_word, *time_words = (
            words[: slots + 1],
            words[slots + 1 : 2 * slots + 1],
            *words[2 * slots + 1 :],
        )
        arrivals = jumps.arrivals(c.at_least, count_word, time_words)
        diffusions = jumps.brownian(c.drift, c.variance, arrivals.ends, between)
        sizes = [c.jump_mean + c.jump_std * normal(word) for word in size_words]
        return state, jumps.alternating(diffusions, arrivals.happens, sizes)

    def characteristic_function(self, u: np.ndarray, t: float) -> np.ndarray:
        jump = jumps.normal_transform(u, self.jump_mean, self.jump_std)
        diffusion = 1j * u * self.log_drift - u * u * self.sigma**2 / 2
        return np.exp(t * (diffusion + self.jump_intensity * (jump - 1)))
