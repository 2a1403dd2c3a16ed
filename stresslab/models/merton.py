"""Merton's jump diffusion.

    dx = (mu - sigma^2/2 - lambda (E[e^J] - 1)) dt + sigma dW + J dN,        J ~ Normal(jump_mean, jump_std^2)

Time in years, lambda jumps per year, jump sizes in log price. The compensator makes mu the growth rate of E[price].
Scheme: exact. The number of jumps in a step is Poisson, their times are uniform order statistics, and the diffusion is
cut at them, so that a bridge never runs across a jump. Merton (1976), "Option pricing when underlying stock returns are
discontinuous".
"""

import math
from typing import Any, Literal, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from pydantic import Field
from scipy import stats

from stresslab.models.base import Diffusion, Jump, Layout, NonNegative, Parameters, Piece, Positive, State
from stresslab.numerics import poisson_slots
from stresslab.random import normal, uniform

MOST_SLOTS, MOST_JUMPS_EXPECTED = 3, 0.0124  # P(Poisson(0.0124) > 3) < 1e-9


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

    @property
    def longest_step(self) -> float:
        """So few jumps in a step that more than `MOST_SLOTS` of them are rarer than 1e-9."""
        return MOST_JUMPS_EXPECTED / self.jump_intensity if self.jump_intensity > 0 else math.inf

    def layout(self, dt: float) -> Layout:
        slots = poisson_slots(self.jump_intensity * dt, MOST_SLOTS)
        return Layout(normals=2 * slots + 1, others=slots + 1, jumps=slots)

    def jumps_per_step(self, dt: float) -> float:
        return self.jump_intensity * dt

    def coefficients(self, dt: float) -> Coefficients:
        slots, mean = self.layout(dt).jumps, self.jump_intensity * dt
        return Coefficients(
            drift=np.float32(self.log_drift * dt),
            variance=np.float32(self.sigma**2 * dt),
            at_least=stats.poisson.sf(np.arange(slots), mean).astype(np.float32),
            jump_mean=np.float32(self.jump_mean),
            jump_std=np.float32(self.jump_std),
        )

    @property
    def log_drift(self) -> float:
        """Drift of the log price between jumps, 1/year."""
        mean_jump = np.expm1(self.jump_mean + self.jump_std**2 / 2)
        return self.mu - self.sigma**2 / 2 - self.jump_intensity * mean_jump

    def init(self, n_paths: int) -> State:
        return State(np.zeros((1, n_paths), np.float32), np.full((1, n_paths), self.sigma**2, np.float32))

    @staticmethod
    def step(coefficients: Coefficients, state: State, words: tuple[Array, ...]) -> tuple[State, tuple[Piece, ...]]:
        slots = coefficients.at_least.shape[0]
        diffusion_words, jump_words = words[: slots + 1], words[slots + 1 : 2 * slots + 1]
        count_word, time_words = words[2 * slots + 1], words[2 * slots + 2 :]
        count_uniform = uniform(count_word)
        happens = [count_uniform < coefficients.at_least[slot] for slot in range(slots)]
        times = _ascending([jnp.where(h, uniform(w), np.float32(1)) for h, w in zip(happens, time_words, strict=False)])
        since: Any = np.float32(0)
        pieces: list[Piece] = []
        for slot in range(slots + 1):
            until: Any = times[slot] if slot < slots else np.float32(1)
            span, variance = until - since, coefficients.variance * (until - since)
            move = coefficients.drift * span + jnp.sqrt(variance) * normal(diffusion_words[slot])
            pieces.append(Diffusion(move, variance))
            if slot < slots:
                size = coefficients.jump_mean + coefficients.jump_std * normal(jump_words[slot])
                pieces.append(Jump(jnp.where(happens[slot], size, np.float32(0))))
            since = until
        return state, tuple(pieces)

    def characteristic_function(self, u: np.ndarray, t: float) -> np.ndarray:
        jump = np.exp(1j * u * self.jump_mean - u * u * self.jump_std**2 / 2)
        diffusion = 1j * u * self.log_drift - u * u * self.sigma**2 / 2
        return np.exp(t * (diffusion + self.jump_intensity * (jump - 1)))


def _ascending(values: list[Array]) -> list[Array]:
    """Odd-even transposition: as many rounds as there are values."""
    for turn in range(len(values)):
        for low in range(turn % 2, len(values) - 1, 2):
            values[low], values[low + 1] = (
                jnp.minimum(values[low], values[low + 1]),
                jnp.maximum(values[low], values[low + 1]),
            )
    return values
