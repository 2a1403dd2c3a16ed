"""What a volatility model is: parameters that are schema, check, documentation and JAX argument in one; and its
protocol.

A model advances the log price relative to spot (and its variance) by one step. It takes words of randomness, not a key,
and returns its new state and a fixed number of pieces in time order: diffusions (bridged between their ends) and jumps
(not). The price moves by the sum of the pieces; `step` leaves `log_price` to the loop, which adds them up.
"""

import math
from abc import abstractmethod
from typing import Annotated, Any, ClassVar, NamedTuple

from jax import Array
from jax.tree_util import GetAttrKey, register_pytree_with_keys
from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Correlation = Annotated[float, Field(gt=-1, lt=1)]


class Layout(NamedTuple):
    """What one step consumes and gives, fixed when the loop is compiled."""

    normals: int  # words that are turned into normals: the ones that an antithetic path mirrors
    others: int  # words used in any other way
    jumps: int = 0  # jump pieces; there is one diffusion piece more

    @property
    def n_words(self) -> int:
        """Words of the model itself; the bridges take one more for each diffusion piece."""
        return self.normals + self.others


class State(NamedTuple):
    """What the next step depends on: log price relative to spot and variance per year, float32 of shape (asset,
    path).
    """

    log_price: Any
    variance: Any


class Diffusion(NamedTuple):
    """A continuous piece of a step: its log return, and the variance integrated on the way, shape (asset, path)."""

    move: Array
    variance: Any


class Jump(NamedTuple):
    """A gap: its log jump, 0 where none happens, shape (asset, path)."""

    move: Array


Piece = Diffusion | Jump


class Parameters(BaseModel):
    """Base of every model: frozen, strict, finite, and a JAX pytree whose leaves are the fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
    kind: str
    has_variance: ClassVar[bool] = False  # whether the variance moves from step to step

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        names = tuple(name for name in cls.model_fields if name != "kind")
        register_pytree_with_keys(
            cls,
            lambda p: (tuple((GetAttrKey(name), getattr(p, name)) for name in names), None),
            lambda _, leaves: cls.model_construct(**dict(zip(names, leaves, strict=True))),  # tracers are not validated
        )

    @property
    def longest_step(self) -> float:
        """The longest step in years that the scheme takes without harm; longer ones are cut by `substeps`."""
        return math.inf

    def substeps(self, dt: float) -> int:
        """How many equal steps of the scheme make one step of `dt` years."""
        return max(1, math.ceil(dt / self.longest_step * (1 - 1e-12)))

    @abstractmethod
    def layout(self, dt: float) -> Layout:
        """What a step of `dt` years, at most `longest_step`, consumes."""

    @abstractmethod
    def coefficients(self, dt: float) -> Any:
        """Constants of a step of `dt` years, worked out in float64 on the host and given as np.float32, a pytree."""

    @abstractmethod
    def init(self, n_paths: int) -> State:
        """The state of `n_paths` paths at time 0, as NumPy arrays."""

    @staticmethod
    @abstractmethod
    def step(coefficients: Any, state: State, words: tuple[Array, ...]) -> tuple[State, tuple[Piece, ...]]:
        """One step: `words` holds `layout.normals + layout.others` uint32 arrays of shape (asset, path)."""

    @abstractmethod
    def characteristic_function(self, u: Any, t: float) -> Any:
        """E[exp(i u log(S_t / S_0))] for complex `u`, t in years."""
