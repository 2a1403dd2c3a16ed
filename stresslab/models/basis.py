"""The mark price of a perpetual: an index under any model, times a basis that reverts to its mean.

    x = log(index) + b,      db = speed (mean - b) dt + volatility dB,      corr(dB, dW of the index) = correlation

Time in years; b is the log of mark over index, x the log of the mark relative to the mark at as_of. Scheme: b is exact
from step to step. Its move is added to the first diffusion of the index in each step, whose bridge takes the variance
of the sum; between steps the sum is taken for a Brownian motion. Uhlenbeck and Ornstein (1930).
"""

from typing import Any, Literal, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from pydantic import Field, InstanceOf

from stresslab.errors import require
from stresslab.models.base import (
    Correlation,
    Diffusion,
    Dynamics,
    Layout,
    NonNegative,
    Parameters,
    Piece,
    Positive,
    State,
)
from stresslab.random import Key, normal


class Coefficients(NamedTuple):
    """Of one step: the index model's, its loadings (normal,), and the law of b given b before."""

    of_index: Any
    loading: np.ndarray
    mean: np.float32
    decay: np.float32
    deviation: np.float32
    correlation: np.float32


class BasisDynamics(NamedTuple):
    """The index's dynamics, how many normals it takes, and which of them make its price noise."""

    of_index: Dynamics
    places: tuple[int, ...]

    @property
    def has_variance(self) -> bool:
        return self.of_index.has_variance

    def draw(self, c: Coefficients, state: State, key: Key, path: Array) -> State:
        memory, basis = state.memory
        drawn = self.of_index.draw(c.of_index, state._replace(memory=memory), key, path)
        return drawn._replace(memory=(drawn.memory, basis))

    def step(self, c: Coefficients, state: State, words: tuple[Array, ...]) -> tuple[State, tuple[Piece, ...]]:
        memory, basis = state.memory
        normals = c.loading.shape[0]
        own, own_noise, others = list(words[:normals]), normal(words[normals]), words[normals + 1 :]
        noise = jnp.zeros_like(own_noise)
        for place in self.places:
            own[place] = normal(own[place])
            noise = noise + c.loading[place] * own[place]
        after, pieces = self.of_index.step(c.of_index, state._replace(memory=memory), (*own, *others))
        rho = c.correlation
        change = c.deviation * (rho * noise + jnp.sqrt(np.float32(1) - rho * rho) * own_noise)
        moved = c.mean + (basis - c.mean) * c.decay + change
        first = next(place for place, piece in enumerate(pieces) if isinstance(piece, Diffusion))
        both = _added(c, pieces[first], moved - basis)
        return after._replace(memory=(after.memory, moved)), (*pieces[:first], both, *pieces[first + 1 :])

    def bridges(self, c: Coefficients, state: State, words: Array) -> Array:
        return self.of_index.bridges(c.of_index, state._replace(memory=state.memory[0]), words)


class Basis(Parameters):
    """An index under a model, and a basis on top."""

    kind: Literal["basis"] = "basis"
    model: InstanceOf[Parameters] = Field(description="of the index")
    now: float = Field(0.0, description="log of mark over index at as_of")
    mean: float = Field(0.0, description="what it reverts to")
    speed: Positive = Field(description="of mean reversion, 1/year")
    volatility: NonNegative = Field(description="of the log basis, 1/sqrt(year)")
    correlation: Correlation = Field(0.0, description="of its noise with the price's")

    has_characteristic_function = False

    @property
    def dynamics(self) -> BasisDynamics:
        return BasisDynamics(self.model.dynamics, self._places(1e-5 / self.model.substeps(1e-5)))

    def step_limits(self) -> dict[str, float]:
        return self.model.step_limits()

    @property
    def longest_step(self) -> float:
        return self.model.longest_step

    def substeps(self, dt: float) -> int:
        return self.model.substeps(dt)

    def at_spot(self, spot: float) -> "Basis":
        return self.model_copy(update={"model": self.model.at_spot(spot)})

    def check_step(self, seconds: int) -> None:
        self.model.check_step(seconds)

    def check_horizon(self, seconds: int) -> None:
        self.model.check_horizon(seconds)

    def jumps_per_step(self, dt: float) -> float:
        return self.model.jumps_per_step(dt)

    @property
    def diffusion_growth(self) -> float:
        return self.model.diffusion_growth

    def layout(self, dt: float) -> Layout:
        layout = self.model.layout(dt)
        return layout._replace(normals=layout.normals + 1, diffusions=layout.n_diffusions)

    def coefficients(self, dt: float) -> Coefficients:
        deviation = self.volatility * np.sqrt(-np.expm1(-2 * self.speed * dt) / (2 * self.speed))
        loading = np.zeros(self.model.layout(dt).normals)
        if self._places(dt):
            loading = self.model.price_loadings(dt)[0]
        numbers = (self.mean, np.exp(-self.speed * dt), deviation, self.correlation)
        return Coefficients(self.model.coefficients(dt), loading.astype(np.float32), *map(np.float32, numbers))

    def init(self, n_paths: int) -> State:
        state = self.model.init(n_paths)
        return state._replace(memory=(state.memory, np.full((1, n_paths), self.now, np.float32)))

    @staticmethod
    def step(coefficients: Any, state: State, words: tuple[Array, ...]) -> Any:
        raise NotImplementedError("the step of a mark price is that of its dynamics")

    def _places(self, dt: float) -> tuple[int, ...]:
        """The normals that make the index's noise; none are needed where nothing is correlated."""
        if self.correlation == 0:
            return ()
        rows = self.model.price_loadings(dt)
        rule = "the model draws its returns from a record: it has no noise that a basis could be correlated with"
        require(len(rows) > 0, rule, key="correlation", got=self.correlation, hint="Write correlation: 0")
        return tuple(map(int, np.flatnonzero(rows[0])))


def _added(c: Coefficients, index: Piece, change: Array) -> Diffusion:
    """The sum of both moves, and its variance."""
    assert isinstance(index, Diffusion)
    deviation = jnp.sqrt(index.variance)
    variance = index.variance + c.deviation * (c.deviation + np.float32(2) * c.correlation * deviation)
    return Diffusion(index.move + change, jnp.maximum(variance, np.float32(0)))
