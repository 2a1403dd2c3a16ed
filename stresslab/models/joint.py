"""Several assets together: any models, their price noise made to depend on each other.

    dx_i = ... + sqrt(v_i) dW_i,        corr(dW_i, dW_j) = (1 - stress) R_ij + stress

Time in years. Each model keeps its own step. Of its own independent normals n the part that drives its price, W = a'n
(`price_loadings`), is replaced by a correlated one: n + a (W' - a'n). So the variance of a Heston model keeps its
correlation with its own price, and the first asset keeps its path. With a Student-t copula W' has normal margins and
that dependence (copula.py). Jumps of the models stay independent; `common_jumps` strike all assets at once, at the end
of a step. A jump that cuts an asset's step leaves the rest of that step less correlated: a share of order intensity dt.

A copula acts on the noise of one step. Returns over many steps are sums, and by the central limit theorem their
dependence tends to the Gaussian of the same correlation: over 1,000 steps nothing is left of the tail dependence. It
says that assets are extreme in the same hour, not in the same month; for that there are common jumps and shocks.

The bridges inside a step depend on each other by the Gaussian copula of the same correlation: an approximation of their
joint law, right for each asset alone. Its bias in the probability of any or all falls with the step.
"""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.tree_util import register_static
from pydantic import Field, InstanceOf, field_validator, model_validator

from stresslab.errors import require
from stresslab.models import common_jumps, price_noise, stacking
from stresslab.models import correlation as correlations
from stresslab.models.base import Diffusion, Dynamics, Jump, Layout, Parameters, Piece, State
from stresslab.models.common_jumps import CommonJumps
from stresslab.random import Key, normal

_SMALLEST_TAIL = np.float32(2**-33)  # as of `random.uniform`


@register_static
@dataclass(frozen=True)
class Split:
    """What each asset takes of the words: no numbers of the loop."""

    layouts: tuple[Layout, ...]


class Coefficients(NamedTuple):
    """Of one step: those of the models, and how their noise hangs together."""

    split: Split
    parts: tuple[Any, ...]
    noise: price_noise.Noise
    common: Any  # of the common jumps, or nothing


class JointDynamics(NamedTuple):
    """The models' dynamics; the rest of what is compiled is in the structure of the coefficients."""

    parts: tuple[Dynamics, ...]

    @property
    def has_variance(self) -> bool:
        return any(part.has_variance for part in self.parts)

    def draw(self, c: Coefficients, state: State, key: Key, path: Array) -> State:
        drawn = [
            part.draw(own, one, key, path)
            for part, own, one in zip(self.parts, c.parts, _split(state, self.parts), strict=True)
        ]
        return _joined(state, drawn)

    def step(self, c: Coefficients, state: State, words: tuple[Array, ...]) -> tuple[State, tuple[Piece, ...]]:
        layouts, rest = c.split.layouts, iter(words)
        normals = [[normal(next(rest)) for _ in range(layout.normals)] for layout in layouts]
        sizes = [normal(next(rest)) for _ in (layouts if c.common else ())]
        others = [[next(rest) for _ in range(layout.others)] for layout in layouts]
        mixing = tuple(next(rest) for _ in (c.noise.factors if c.noise.mixing else ()))
        normals = price_noise.correlated(c.noise, normals, mixing)
        moved = [
            part.step(own, one, (*drawn, *more))
            for part, own, one, drawn, more in zip(
                self.parts, c.parts, _split(state, self.parts), normals, others, strict=True
            )
        ]
        pieces = stacking.together([pieces for _, pieces in moved])
        if c.common:
            pieces = common_jumps.added(c.common, pieces, sizes, next(rest))
        return _joined(state, [after for after, _ in moved]), pieces

    def bridges(self, c: Coefficients, state: State, words: Array) -> Array:
        """Exponentials of normals with the correlation of the price noise."""
        rows = price_noise.mixed(
            c.noise.factors[0], [normal(words[asset : asset + 1]) for asset in range(words.shape[0])]
        )
        tail = np.float32(0.5) * jax.lax.erfc(jnp.concatenate(rows) * np.float32(np.sqrt(0.5)))
        return -jnp.log(jnp.maximum(tail, _SMALLEST_TAIL))


class Joint(Parameters):
    """Models of several assets with correlated price noise."""

    kind: Literal["joint"] = "joint"
    assets: dict[str, InstanceOf[Parameters]] = Field(description="asset: its model")
    correlation: float | tuple[tuple[float, ...], ...] = Field(
        description="of the price noise: a matrix in the order of the assets, or one number for every pair"
    )
    copula: Literal["gaussian", "student_t"] = Field("gaussian", description="of the price noise in one step")
    nu: float | None = Field(None, ge=1, le=1000, description="degrees of freedom of the t copula")
    common_jumps: CommonJumps | None = Field(None, description="jumps of all assets at the same time")
    stress: float = Field(0.0, ge=0, le=1, description="how far the correlation is moved towards one")

    has_characteristic_function = False

    @field_validator("correlation", mode="before")
    @classmethod
    def _tuples(cls, value: Any) -> Any:
        return correlations.tuples(value)

    @model_validator(mode="after")
    def _fits(self) -> "Joint":
        require(len(self.assets) > 1, "needs two assets or more", key="assets", got=list(self.assets))
        for name, model in self.assets.items():
            require(name not in ("any", "all"), "is no name for an asset: results use it", key="assets", got=name)
            short = 1e-5 / model.substeps(1e-5)
            require(len(model.price_loadings(short)) > 0, _NO_NOISE, key="assets", got=f"{name}: {model.kind}")
        correlations.checked(self.matrix)
        has_nu = self.nu is not None
        require(has_nu == (self.copula == "student_t"), "belongs to copula: student_t", key="nu", got=self.nu)
        if self.common_jumps is not None:
            self.common_jumps.check(tuple(self.assets))
        return self

    def __hash__(self) -> int:
        return hash((tuple(self.assets.items()), *(value for name, value in self if name != "assets")))

    @property
    def asset_names(self) -> tuple[str, ...]:
        return tuple(self.assets)

    @property
    def matrix(self) -> np.ndarray:
        """R before any stress, float64."""
        return correlations.matrix_of(self.correlation, len(self.assets))

    @property
    def price_correlation(self) -> np.ndarray:
        return correlations.stressed(self.matrix, self.stress)

    @property
    def dynamics(self) -> JointDynamics:
        return JointDynamics(tuple(model.dynamics for model in self.assets.values()))

    def step_limits(self) -> dict[str, float]:
        common = {"common_jumps.intensity": self.common_jumps.longest_step} if self.common_jumps else {}
        return common | {
            f"assets.{asset}.{name}": longest
            for asset, model in self.assets.items()
            for name, longest in model.step_limits().items()
        }

    @property
    def longest_step(self) -> float:
        most = self.common_jumps.longest_step if self.common_jumps else np.inf
        return min(most, *(model.longest_step for model in self.assets.values()))

    def substeps(self, dt: float) -> int:
        return max(super().substeps(dt), *(model.substeps(dt) for model in self.assets.values()))

    def check_step(self, seconds: int) -> None:
        for model in self.assets.values():
            model.check_step(seconds)

    def check_horizon(self, seconds: int) -> None:
        for model in self.assets.values():
            model.check_horizon(seconds)

    def at_spot(self, spot: float) -> "Joint":
        return self.model_copy(update={"assets": {name: one.at_spot(spot) for name, one in self.assets.items()}})

    def jumps_per_step(self, dt: float) -> float:
        common = self.common_jumps.intensity * dt if self.common_jumps else 0.0
        return common + sum(model.jumps_per_step(dt) for model in self.assets.values())

    def layout(self, dt: float) -> Layout:
        models = tuple(self.assets.values())
        layouts = [model.layout(dt) for model in models]
        kinds = stacking.merged([stacking.kinds(model, dt) for model in models])
        common = self.common_jumps is not None
        rows = max(len(model.price_loadings(dt)) for model in models)
        mixing = rows if self.copula == "student_t" else 0
        return Layout(
            normals=sum(layout.normals for layout in layouts) + common * len(models),
            others=sum(layout.others for layout in layouts) + mixing + common,
            jumps=kinds.count(Jump) + common,
            diffusions=kinds.count(Diffusion),
            assets=len(models),
        )

    def coefficients(self, dt: float) -> Coefficients:
        models = tuple(self.assets.values())
        matrix = correlations.stressed(self.matrix, self.stress)
        return Coefficients(
            split=Split(tuple(model.layout(dt) for model in models)),
            parts=tuple(model.coefficients(dt) for model in models),
            noise=price_noise.noise([model.price_loadings(dt) for model in models], matrix, self.nu),
            common=self.common_jumps.coefficients(tuple(self.assets), dt) if self.common_jumps else (),
        )

    def init(self, n_paths: int) -> State:
        states = [model.init(n_paths) for model in self.assets.values()]
        log_price, variance = (
            np.concatenate([np.broadcast_to(one, (1, n_paths)) for one in field])
            for field in ([state.log_price for state in states], [state.variance for state in states])
        )
        return State(log_price, variance, tuple(state.memory for state in states))

    @staticmethod
    def step(coefficients: Any, state: State, words: tuple[Array, ...]) -> Any:
        raise NotImplementedError("the step of a joint model is that of its dynamics")


_NO_NOISE = "draws its returns from a record: it has no price noise that could be correlated with another asset's"


def _split(state: State, parts: tuple[Dynamics, ...]) -> list[State]:
    rows = [slice(asset, asset + 1) for asset in range(len(parts))]
    return [State(state.log_price[row], state.variance[row], state.memory[row.start]) for row in rows]


def _joined(before: State, after: list[State]) -> State:
    variance = stacking.stacked([jnp.broadcast_to(one.variance, (1, before.variance.shape[1])) for one in after])
    return State(before.log_price, variance, tuple(one.memory for one in after))
