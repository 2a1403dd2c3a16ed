"""When a shock strikes: at a time that is given, or at one that is drawn for each path.

A shock acts from the start of a step on. A drawn time is rounded down to a whole step; it depends on (seed, stream,
path) and on its own description alone, so that shocks of one description strike together, in any model and any asset.
"""

import zlib
from typing import Annotated, Any, Literal, NamedTuple, Self

import jax.numpy as jnp
import numpy as np
from jax import Array
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, model_validator

from stresslab import random
from stresslab.errors import InputError, require
from stresslab.files.magnitudes import check_sizes
from stresslab.models.base import LARGEST, Positive
from stresslab.units import YEAR_SECONDS, format_duration, parse_duration, years

NEVER = 2**30  # a step that no path reaches

Span = Annotated[str, AfterValidator(lambda text: format_duration(parse_duration(text)))]


class Uniform(BaseModel):
    """Once, at a time spread evenly over a span from as_of."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
    within: Span = Field(description="the span from as_of that the time is drawn from, most often the longest horizon")


class Arrival(BaseModel):
    """At the first arrival of a Poisson process: after the horizon on most paths, where the rate is small."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
    rate: Positive = Field(description="expected arrivals, 1/year")

    @model_validator(mode="after")
    def _sizes(self) -> Self:
        check_sizes(self, LARGEST)
        return self


def _at(value: Any) -> Any:
    if isinstance(value, Uniform | Arrival):
        return value
    if isinstance(value, dict):
        if set(value) == {"within"}:
            return Uniform.model_validate(value)
        if set(value) == {"rate"}:
            return Arrival.model_validate(value)
    elif isinstance(value, str):
        return value if value == "now" else format_duration(parse_duration(value))
    raise InputError("is now, a duration from as_of, {within: 7D} or {rate: 2.0} (per year)", got=value)


At = Annotated[Any, PlainValidator(_at, json_schema_input_type=str | Uniform | Arrival)]
Law = Literal["given", "uniform", "arrival"]


class Start(NamedTuple):
    """Of one time, for the loop: a step that is given, or what turns a draw into one, and the number of that draw."""

    step: np.int32
    scale: np.float32
    draw: np.uint32


def law(at: At) -> Law:
    """How the time comes about: what the loop is compiled for."""
    return "given" if isinstance(at, str) else "uniform" if isinstance(at, Uniform) else "arrival"


def start(at: At, dt: float) -> Start:
    """The time in steps of `dt` years."""
    if isinstance(at, str):
        return Start(np.int32(steps(at, dt)), np.float32(0), np.uint32(0))
    scale = years(parse_duration(at.within)) / dt if isinstance(at, Uniform) else 1 / (at.rate * dt)
    number = zlib.crc32(at.model_dump_json().encode()) % (random.MAX_STEPS - 1)
    return Start(np.int32(0), np.float32(scale), np.uint32(number))


def steps(span: str | None, dt: float) -> int:
    """A span in whole steps of `dt` years; without one it never ends."""
    if span is None:
        return NEVER
    return 0 if span == "now" else round(years(parse_duration(span)) / dt)


def drawn_step(law: Law, start: Start, key: random.Key, path: Array) -> Array:
    """The step of a drawn time on each path, int32 of the shape of `path`."""
    word, _ = random.reserved(key, path, start.draw, random.SHOCKS)
    time = random.uniform(word) if law == "uniform" else random.exponential(word)
    return jnp.minimum(time * start.scale, np.float32(NEVER)).astype(jnp.int32)


def check_whole(text: Any, seconds: int, key: str) -> None:
    """InputError unless a span that is given is a whole number of steps of so many seconds."""
    if isinstance(text, str) and text != "now":
        whole = parse_duration(text) % seconds == 0
        require(whole, f"must be a whole number of steps of {format_duration(seconds)}", key=key, got=text)


def per_step(half_life: str | None, dt: float) -> float:
    """Rate of decay in a step of `dt` years: log 2 over the half-life in steps; 0 without one."""
    return 0.0 if half_life is None else float(np.log(2) * dt / (parse_duration(half_life) / YEAR_SECONDS))
