"""One asset of a model of several: the others are simulated too, and not looked at.

    x = x_i of the joint model

Time in years. Scheme: the joint model's; only the pieces of the asset are handed on.
"""

from typing import Any, Literal, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from pydantic import Field, InstanceOf

from stresslab.errors import require
from stresslab.models.base import Dynamics, Layout, Parameters, Piece, State
from stresslab.random import Key, exponential


class OneAssetDynamics(NamedTuple):
    """Which asset, and the dynamics of all of them. The memory is (the joint model's, the variances of all)."""

    whole: Dynamics
    asset: int

    @property
    def has_variance(self) -> bool:
        return self.whole.has_variance

    def draw(self, c: Any, state: State, key: Key, path: Array) -> State:
        return self._own(state, self.whole.draw(c, self._of_all(state), key, path))

    def step(self, c: Any, state: State, words: tuple[Array, ...]) -> tuple[State, tuple[Piece, ...]]:
        after, pieces = self.whole.step(c, self._of_all(state), words)
        row = slice(self.asset, self.asset + 1)
        return self._own(state, after), tuple(type(piece)(*(field[row] for field in piece)) for piece in pieces)

    def bridges(self, c: Any, state: State, words: Array) -> Array:
        return exponential(words)

    def _of_all(self, state: State) -> State:
        memory, variance = state.memory
        return State(jnp.broadcast_to(state.log_price, variance.shape), variance, memory)

    def _own(self, before: State, after: State) -> State:
        own = after.variance[self.asset : self.asset + 1] if self.has_variance else before.variance
        return State(before.log_price, own, (after.memory, after.variance))


class OneAsset(Parameters):
    """The marginal law of one asset of a joint model."""

    kind: Literal["one_asset"] = "one_asset"
    model: InstanceOf[Parameters] = Field(description="of several assets")
    asset: str = Field(description="one of them")

    has_characteristic_function = False

    @property
    def number(self) -> int:
        """The asset's place among those of the model."""
        names = self.model.asset_names
        hint = f"It has {', '.join(names)}"
        require(self.asset in names, "is no asset of the joint model", key="asset", got=self.asset, hint=hint)
        return names.index(self.asset)

    @property
    def dynamics(self) -> OneAssetDynamics:
        return OneAssetDynamics(self.model.dynamics, self.number)

    def step_limits(self) -> dict[str, float]:
        return self.model.step_limits()

    @property
    def longest_step(self) -> float:
        return self.model.longest_step

    def substeps(self, dt: float) -> int:
        return self.model.substeps(dt)

    def check_step(self, seconds: int) -> None:
        self.model.check_step(seconds)

    def check_horizon(self, seconds: int) -> None:
        self.model.check_horizon(seconds)

    def jumps_per_step(self, dt: float) -> float:
        return self.model.jumps_per_step(dt)

    def layout(self, dt: float) -> Layout:
        return self.model.layout(dt)._replace(assets=1)

    def coefficients(self, dt: float) -> Any:
        return self.model.coefficients(dt)

    def init(self, n_paths: int) -> State:
        state, row = self.model.init(n_paths), slice(self.number, self.number + 1)
        variance = np.array(state.variance)
        return State(state.log_price[row], variance[row], (state.memory, variance))

    @staticmethod
    def step(coefficients: Any, state: State, words: tuple[Array, ...]) -> Any:
        raise NotImplementedError("the step of one asset is that of its dynamics")
