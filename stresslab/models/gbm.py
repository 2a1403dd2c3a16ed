"""Geometric Brownian motion.

    dx = (mu - sigma^2/2) dt + sigma dW,        x = log(S / S_0)

Time in years, sigma per square root of a year. Scheme: exact for any step, and so is the bridge between steps.
First passage: Harrison (1985), "Brownian Motion and Stochastic Flow Systems", section 1.8.
"""

from typing import Literal, NamedTuple

import numpy as np
from jax import Array
from pydantic import Field
from scipy.special import log_ndtr, ndtr

from stresslab.models.base import Diffusion, Layout, Parameters, Piece, Positive, State
from stresslab.random import normal


class Coefficients(NamedTuple):
    """Of one step: mean and standard deviation of the log return, and its variance."""

    drift: np.float32
    deviation: np.float32
    variance: np.float32


class GBM(Parameters):
    """Geometric Brownian motion with constant volatility."""

    kind: Literal["gbm"] = "gbm"
    sigma: Positive = Field(description="volatility, 1/sqrt(year)")
    mu: float = Field(0.0, description="growth rate of E[price], 1/year")

    def layout(self, dt: float) -> Layout:
        return Layout(normals=1, others=0)

    def coefficients(self, dt: float) -> Coefficients:
        variance = self.sigma**2 * dt
        return Coefficients(*map(np.float32, (self.mu * dt - variance / 2, np.sqrt(variance), variance)))

    def init(self, n_paths: int) -> State:
        return State(np.zeros((1, n_paths), np.float32), np.full((1, n_paths), self.sigma**2, np.float32))

    @staticmethod
    def step(coefficients: Coefficients, state: State, words: tuple[Array, ...]) -> tuple[State, tuple[Piece, ...]]:
        move = coefficients.drift + coefficients.deviation * normal(words[0])
        return state, (Diffusion(move, coefficients.variance),)

    def characteristic_function(self, u: np.ndarray, t: float) -> np.ndarray:
        return np.exp(1j * u * (self.mu - self.sigma**2 / 2) * t - u * u * self.sigma**2 * t / 2)

    def first_passage_probability(self, barrier: float, t: float) -> float:
        """P(the price touches `barrier` (a fraction of spot) within t years), watched continuously."""
        side = -1.0 if barrier > 1 else 1.0
        distance = -side * np.log(barrier)
        drift, deviation = side * (self.mu - self.sigma**2 / 2) * t, self.sigma * np.sqrt(t)
        reflected = np.exp(-2 * drift * distance / deviation**2 + log_ndtr((drift - distance) / deviation))
        return float(ndtr((-distance - drift) / deviation) + reflected)
