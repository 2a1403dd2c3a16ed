"""How many paths, in blocks of how many, and when there are enough: the sampling block."""

from typing import Literal, Self

from pydantic import Field, model_validator

from stresslab.config.fields import Count, Duration, Event, Level, Part
from stresslab.errors import require
from stresslab.random import MAX_PATHS

SMALLEST_BLOCK, LARGEST_BLOCK = 2**8, 2**20
FEWEST_DRAWS, MOST_DRAWS = 16, 2**12  # blocks of a market cell, where each has parameters of its own


class Target(Part):
    """Go on until the error of one event's probability is small enough."""

    event: Event
    relative: Level | None = Field(default=None, description="error over probability")
    absolute: Level | None = Field(default=None, description="error of the probability")
    max_paths: Count = Field(ge=1, le=MAX_PATHS)
    horizon: Duration | None = Field(default=None, description="one horizon; every one of them without it")

    @model_validator(mode="after")
    def _one_measure(self) -> Self:
        given = [value for value in (self.relative, self.absolute) if value is not None]
        require(
            len(given) == 1, f"give exactly one of relative and absolute; there {'are two' if given else 'is none'}"
        )
        return self


def _multiple(paths: int, block: int, key: str) -> None:
    following = -(-paths // block) * block
    smaller = min(paths & -paths, LARGEST_BLOCK)
    instead = f", or block: {smaller}" if SMALLEST_BLOCK <= smaller < block else ""
    rule = f"must be a multiple of block, {block}"
    require(paths % block == 0, rule, key=key, got=paths, hint=f"Write {key}: {following}{instead}")


class Sampling(Part):
    """How many paths, in blocks of how many, and when to stop."""

    paths: Count = Field(default=65_536, ge=1, le=MAX_PATHS)
    block: Count = Field(default=16_384, description="paths drawn and counted together, a power of two")
    antithetic: bool = Field(default=False, description="every second path mirrors the one before it")
    streams: Literal["shared", "independent"] = Field(
        default="shared", description="the same random numbers for all cells, or not"
    )
    parameters: Literal["fixed", "drawn"] = Field(
        default="fixed",
        description="drawn: each block has parameters of its own, from the covariance or draws in the model file",
    )
    target: Target | None = None

    @model_validator(mode="after")
    def _blocks(self) -> Self:
        block = self.block
        require(
            SMALLEST_BLOCK <= block <= LARGEST_BLOCK and block & (block - 1) == 0,
            f"must be a power of two from {SMALLEST_BLOCK} to {LARGEST_BLOCK}",
            key="block",
            got=block,
        )
        _multiple(self.paths, block, "paths")
        if self.target is not None:
            rule = f"must be at least paths, {self.paths}"
            require(self.target.max_paths >= self.paths, rule, key="target.max_paths", got=self.target.max_paths)
            _multiple(self.target.max_paths, block, "target.max_paths")
        return self

    @model_validator(mode="after")
    def _draws(self) -> Self:
        if self.parameters == "drawn":
            blocks, most = self.paths // self.block, self.most_paths // self.block
            smaller = max(SMALLEST_BLOCK, 1 << (max(1, self.paths // FEWEST_DRAWS).bit_length() - 1))
            rule = f"drawn parameters need at least {FEWEST_DRAWS} blocks; paths {self.paths} make {blocks}"
            require(
                blocks >= FEWEST_DRAWS, rule, key="block", got=self.block, hint=f"Write block: {smaller}, or more paths"
            )
            rule = f"drawn parameters allow at most {MOST_DRAWS} blocks; there may be {most}"
            require(most <= MOST_DRAWS, rule, key="block", got=self.block, hint="Make the block larger")
        return self

    @property
    def most_paths(self) -> int:
        """Of a market cell."""
        return self.target.max_paths if self.target else self.paths
