"""Kou's jump diffusion: jump sizes are double exponential in log price.

    dx = (mu - sigma^2/2 - lambda (E[e^J] - 1)) dt + sigma dW + J dN
    J ~ Exponential(rate eta_up) with probability p, else -J ~ Exponential(rate eta_down)

Time in years, lambda jumps per year; 1/eta is the mean size of a jump in log price. The compensator makes mu the growth
rate of E[price], which exists where eta_up > 1. Scheme: exact, see jumps.py. Kou (2002), "A jump-diffusion model for
option pricing".
"""

from typing import Annotated, Literal, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from pydantic import Field

from stresslab.models import jumps
from stresslab.models.base import Layout, NonNegative, Parameters, Piece, Positive, State
from stresslab.random import exponential, uniform

_TINY = 1e-37  # in place of 0 in a logarithm that is not used


class Coefficients(NamedTuple):
    """Of one step: log drift and variance of the diffusion, P(at least k jumps) for k = 1 .. slots; of a jump, p, the
    logarithms of p and 1 - p, and mean sizes.
    """

    drift: np.float32
    variance: np.float32
    at_least: np.ndarray
    up_probability: np.float32
    log_up: np.float32
    log_down: np.float32
    mean_up: np.float32
    mean_down: np.float32


class Kou(Parameters):
    """Jump diffusion with double-exponential jumps in log price."""

    kind: Literal["kou"] = "kou"
    sigma: Positive = Field(description="volatility of the diffusion, 1/sqrt(year)")
    jump_intensity: NonNegative = Field(description="expected jumps, 1/year")
    up_probability: Annotated[float, Field(ge=0, le=1)] = Field(description="share of jumps that go up")
    eta_up: Annotated[float, Field(gt=1)] = Field(description="rate of upward jumps: 1 / mean size in log price")
    eta_down: Positive = Field(description="rate of downward jumps: 1 / mean size in log price")
    mu: float = Field(0.0, description="growth rate of E[price], 1/year")

    def step_limits(self) -> dict[str, float]:
        """So few jumps that the slots hold them."""
        return {"jump_intensity": jumps.longest_step(self.jump_intensity)}

    def layout(self, dt: float) -> Layout:
        slots = jumps.slots(self.jump_intensity * dt)
        return Layout(normals=slots + 1, others=2 * slots + 1, jumps=slots)

    def jumps_per_step(self, dt: float) -> float:
        return self.jump_intensity * dt

    def coefficients(self, dt: float) -> Coefficients:
        p = self.up_probability
        numbers = (p, np.log(max(p, _TINY)), np.log(max(1 - p, _TINY)), 1 / self.eta_up, 1 / self.eta_down)
        return Coefficients(
            np.float32(self.log_drift * dt),
            np.float32(self.sigma**2 * dt),
            jumps.at_least(self.jump_intensity * dt),
            *map(np.float32, numbers),
        )

    @property
    def jump_growth(self) -> float:
        """E[e^J] - 1."""
        return self.up_probability / (self.eta_up - 1) - (1 - self.up_probability) / (self.eta_down + 1)

    @property
    def diffusion_growth(self) -> float:
        return self.mu - self.jump_intensity * self.jump_growth

    @property
    def log_drift(self) -> float:
        """Drift of the log price between jumps, 1/year."""
        return self.diffusion_growth - self.sigma**2 / 2

    def init(self, n_paths: int) -> State:
        return State(np.zeros((1, n_paths), np.float32), np.full((1, n_paths), self.sigma**2, np.float32))

    @staticmethod
    def step(coefficients: Coefficients, state: State, words: tuple[Array, ...]) -> tuple[State, tuple[Piece, ...]]:
        c, slots = coefficients, coefficients.at_least.shape[0]
        between, (count_word, *others) = words[: slots + 1], words[slots + 1 :]
        arrivals = jumps.arrivals(c.at_least, count_word, others[:slots])
        diffusions = jumps.brownian(c.drift, c.variance, arrivals.ends, between)
        return state, jumps.alternating(diffusions, arrivals.happens, [_size(c, word) for word in others[slots:]])

    def characteristic_function(self, u: np.ndarray, t: float) -> np.ndarray:
        iu, p = 1j * u, self.up_probability
        # the transform of a jump less 1, without the cancellation
        jump = p * iu / (self.eta_up - iu) - (1 - p) * iu / (self.eta_down + iu)
        diffusion = iu * self.log_drift - u * u * self.sigma**2 / 2
        return np.exp(t * (diffusion + self.jump_intensity * jump))


def _size(c: Coefficients, word: Array) -> Array:
    """One word for direction and size: below p its share of p, above it the rest's of 1 - p, each fine towards 0."""
    up = jnp.maximum(c.log_up + exponential(word), np.float32(0))
    down = jnp.maximum(c.log_down + exponential(~word), np.float32(0))
    return jnp.where(uniform(word) < c.up_probability, up * c.mean_up, -down * c.mean_down)
