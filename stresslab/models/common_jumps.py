"""Jumps of several assets at the same time: one Poisson clock, sizes that are jointly normal in log price.

    x_i jumps by J_i at each arrival,   J ~ Normal(means, D R D)        D = diag(stds)

Arrivals of a step are put at its end and added up; the first diffusion of each asset carries the compensator
-intensity (E[e^J_i] - 1) dt, so that the growth of E[price] stays the model's. Times in years. The law at the ends of
steps is exact; a first passage is seen up to a step late, a bias of order intensity dt. Bjork (2020), chapter 30.
"""

import math
from typing import Any, NamedTuple, Self

import jax.numpy as jnp
import numpy as np
from jax import Array
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from scipy import stats

from stresslab.errors import InputError, require
from stresslab.files.magnitudes import check_sizes
from stresslab.models import correlation as correlations
from stresslab.models.base import LARGEST, Diffusion, Jump, NonNegative, Piece
from stresslab.random import uniform

MOST_AT_ONCE, MOST_EXPECTED = 3, 0.0124  # P(Poisson(0.0124) > 3) < 1e-9


class Coefficients(NamedTuple):
    """Of one step: P(at least k arrivals), means and factor of the sizes, (asset,) and (asset, asset), compensators."""

    at_least: np.ndarray
    means: np.ndarray
    factor: np.ndarray
    growth: np.ndarray


class CommonJumps(BaseModel):
    """One clock for all assets, and the size of a jump in each."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
    intensity: NonNegative = Field(description="expected jumps, 1/year")
    means: dict[str, float] = Field(description="asset: mean of a jump in log price")
    stds: dict[str, NonNegative] = Field(description="asset: standard deviation of a jump in log price")
    correlation: float | tuple[tuple[float, ...], ...] = Field(0.0, description="of the sizes: a number or a matrix")

    @field_validator("correlation", mode="before")
    @classmethod
    def _tuples(cls, value: Any) -> Any:
        return correlations.tuples(value)

    @model_validator(mode="after")
    def _sizes(self) -> Self:
        check_sizes(self, LARGEST)
        return self

    def __hash__(self) -> int:
        return hash((self.intensity, *self.means.items(), *self.stds.items(), self.correlation))

    def check(self, assets: tuple[str, ...]) -> None:
        """InputError unless there is a size for each of these assets, and a correlation of them."""
        for name, sizes in (("means", self.means), ("stds", self.stds)):
            rule = f"must name every asset once: {', '.join(assets)}"
            require(set(sizes) == set(assets), rule, key=f"common_jumps.{name}", got=list(sizes))
        try:
            correlations.checked(self.matrix(len(assets)))
        except InputError as error:
            raise error.at(key="common_jumps") from None

    def matrix(self, size: int) -> np.ndarray:
        """The correlation of the sizes."""
        return correlations.matrix_of(self.correlation, size)

    @property
    def longest_step(self) -> float:
        """In years: so few arrivals that more than `MOST_AT_ONCE` of them are rarer than 1e-9."""
        return MOST_EXPECTED / self.intensity if self.intensity > 0 else math.inf

    def coefficients(self, assets: tuple[str, ...], dt: float) -> Coefficients:
        """Constants of a step of `dt` years."""
        means, stds = (np.array([sizes[name] for name in assets]) for sizes in (self.means, self.stds))
        factor = stds[:, None] * correlations.factor(self.matrix(len(assets)))
        growth = self.intensity * dt * np.expm1(means + stds**2 / 2)
        at_least = stats.poisson.sf(np.arange(MOST_AT_ONCE), self.intensity * dt)
        return Coefficients(*(value.astype(np.float32) for value in (at_least, means, factor, growth)))


def added(c: Coefficients, pieces: tuple[Piece, ...], normals: list[Array], count_word: Array) -> tuple[Piece, ...]:
    """The pieces with the compensator in the first diffusion, and at the end a jump of the sum of all arrivals."""
    draw = uniform(count_word)
    arrived = [(draw < probability).astype(jnp.float32) for probability in c.at_least]
    count = sum(arrived[1:], arrived[0])
    spread = jnp.sqrt(count)
    rows = [
        count * c.means[asset] + spread * sum(c.factor[asset, one] * normals[one] for one in range(asset + 1))
        for asset in range(len(normals))
    ]
    first = next(place for place, piece in enumerate(pieces) if isinstance(piece, Diffusion))
    moved = pieces[first]._replace(move=pieces[first].move - jnp.asarray(c.growth)[:, None])
    return (*pieces[:first], moved, *pieces[first + 1 :], Jump(jnp.concatenate(rows)))
