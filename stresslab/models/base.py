"""What a volatility model is: parameters that are schema, check, documentation and JAX argument in one; and its
protocol.

A model advances the log price relative to spot (and its variance) by one step. It takes words of randomness, not a key,
and returns its new state and a fixed number of pieces in time order: diffusions (bridged between their ends) and jumps
(not). The price moves by the sum of the pieces. The loop adds them up, some steps later than they are drawn: `step`
neither reads nor writes `log_price`, and a model that needs its own price keeps it in `memory`.
"""

import math
from abc import abstractmethod
from collections.abc import Hashable
from typing import Annotated, Any, ClassVar, NamedTuple, Protocol, Self

import numpy as np
from jax import Array
from jax.tree_util import GetAttrKey, register_pytree_with_keys
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from stresslab.files.magnitudes import check_sizes
from stresslab.random import Key, exponential

Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Correlation = Annotated[float, Field(gt=-1, lt=1)]
LARGEST = 1e9  # of a model's numbers: their squares and those of their products stay in the range of float32


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list | tuple) else value


Listed = BeforeValidator(_tuples)  # a field of tuples takes the lists of YAML and JSON


class Layout(NamedTuple):
    """What one step consumes and gives, fixed when the loop is compiled."""

    normals: int  # words that are turned into normals: the ones that an antithetic path mirrors
    others: int  # words used in any other way
    jumps: int = 0  # jump pieces
    diffusions: int = -1  # diffusion pieces; -1 stands for one more than there are jumps
    assets: int = 1

    @property
    def n_words(self) -> int:
        """Words of the model itself."""
        return self.normals + self.others

    @property
    def n_diffusions(self) -> int:
        """Diffusion pieces of each asset."""
        return self.jumps + 1 if self.diffusions < 0 else self.diffusions

    @property
    def n_bridges(self) -> int:
        """Further words, one for the bridge of each diffusion piece of each asset."""
        return self.n_diffusions * self.assets


class State(NamedTuple):
    """Where a path stands: log price relative to spot and variance per year, float32 of shape (asset, path), and a
    pytree of what else its model remembers: arrays of that kind, or scalars that are the same for all paths.
    """

    log_price: Any
    variance: Any
    memory: Any = ()


class Diffusion(NamedTuple):
    """A continuous piece of a step: its log return, and the variance integrated on the way, shape (asset, path)."""

    move: Array
    variance: Any


class Jump(NamedTuple):
    """A gap: its log jump, 0 where none happens, shape (asset, path)."""

    move: Array


Piece = Diffusion | Jump


class Dynamics(Protocol):
    """What the loop is compiled for, once for each: hashable. Most often a model's class."""

    @property
    def has_variance(self) -> bool:
        """Whether the variance moves from step to step."""

    def step(self, coefficients: Any, state: State, words: tuple[Array, ...]) -> tuple[State, tuple[Piece, ...]]: ...

    def draw(self, coefficients: Any, state: State, key: Key, path: Array) -> State: ...

    def bridges(self, coefficients: Any, state: State, words: Array) -> Array: ...


class Parameters(BaseModel):
    """Base of every model: frozen, strict, finite, and a JAX pytree whose leaves are the numbers among the fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
    kind: str
    has_variance: ClassVar[bool] = False
    has_characteristic_function: ClassVar[bool] = True

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        names = tuple(name for name in cls.model_fields if name != "kind")
        register_pytree_with_keys(
            cls, lambda p: _flatten(p, names), lambda fixed, leaves: _unflatten(cls, fixed, leaves)
        )

    @model_validator(mode="after")
    def _sizes(self) -> Self:
        check_sizes(self, LARGEST)
        return self

    @property
    def dynamics(self) -> Dynamics:
        """What is compiled: all that changes the program and is no number. A composite model gives an instance."""
        return type(self)

    @property
    def asset_names(self) -> tuple[str, ...]:
        """Of a model of several assets; one asset has no name."""
        return ()

    def at_spot(self, spot: float) -> Self:
        """The model of the price relative to spot, where the law depends on the level of the price."""
        return self

    def check_step(self, seconds: int) -> None:
        """InputError where the scheme cannot take steps of so many seconds."""
        return None

    def check_horizon(self, seconds: int) -> None:
        """InputError where the paths do not reach so far: a record has an end."""
        return None

    def jumps_per_step(self, dt: float) -> float:
        """About how many jumps a step of `dt` years makes."""
        return 0.0

    @property
    def diffusion_growth(self) -> float:
        """Growth rate of E[price] without the jumps, 1/year: what a scale on the volatility leaves alone."""
        return float(getattr(self, "mu", 0.0))

    def growths(self) -> dict[str, float]:
        """The terms of the growth rate of E[price] in 1/year, by the key of each parameter."""
        return {"mu": float(getattr(self, "mu", 0.0))}

    def check_scheme(self, dt: float) -> None:
        """InputError where the numbers of a step of `dt` years leave the range of float32."""
        return None

    def price_loadings(self, dt: float) -> np.ndarray:
        """How the normals of a step make the price's Brownian motion: a row of unit length for each diffusion piece,
        rows orthogonal, shape (row, normal). Here the first normals drive the diffusions, one each.
        """
        layout = self.layout(dt)
        return np.eye(min(layout.n_diffusions, layout.normals), layout.normals)

    @property
    def price_correlation(self) -> np.ndarray:
        """Of the assets' price noise, (asset, asset), without what a shock does to it for a while."""
        return np.eye(1)

    def step_limits(self) -> dict[str, float]:
        """The longest step in years by parameter key; no entry for a parameter that allows any step."""
        return {}

    @property
    def longest_step(self) -> float:
        """The longest step in years that the scheme takes without harm; longer ones are cut by `substeps`."""
        return min(self.step_limits().values(), default=math.inf)

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

    @staticmethod
    def draw(coefficients: Any, state: State, key: Key, path: Array) -> State:
        """The state at time 0 with what is drawn once for each path, by `random.reserved`; most models draw nothing."""
        return state

    @staticmethod
    def bridges(coefficients: Any, state: State, words: Array) -> Array:
        """Standard exponentials for the bridges of one diffusion piece, of several assets: (asset, path)."""
        return exponential(words)

    def characteristic_function(self, u: Any, t: float) -> Any:
        """E[exp(i u log(S_t / S_0))] for complex `u`, t in years, of the models that have one in closed form."""
        raise NotImplementedError(f"{type(self).__name__} has no characteristic function")


def _flatten(model: Parameters, names: tuple[str, ...]) -> tuple[tuple[tuple[GetAttrKey, Any], ...], Hashable]:
    """Numbers as leaves; text, nothing, sequences, choices and whole numbers belong to the structure."""
    values = {name: getattr(model, name) for name in names}
    fixed = tuple((name, value) for name, value in values.items() if isinstance(value, str | tuple | int | None))
    held = dict(fixed)
    return tuple((GetAttrKey(name), value) for name, value in values.items() if name not in held), (names, fixed)


def _unflatten(cls: type[Parameters], structure: Any, leaves: Any) -> Parameters:
    names, fixed = structure
    held, moving = dict(fixed), iter(leaves)
    values = {name: held[name] if name in held else next(moving) for name in names}
    return cls.model_construct(**values)  # tracers are not validated
