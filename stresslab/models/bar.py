"""Models in discrete time: a variance that is known for a bar, and an innovation that is drawn for it.

    x over a bar = mu bar - h/2 + sqrt(h) z        `martingale`; with normal z, mu is the growth rate of E[price]
    x over a bar = mu bar + sqrt(h) z              `zero_log`, as in econometrics: mu is the drift of log price

E[price] is infinite under Student's t: -h/2 is kept as it is, so that mu = 0 has no trend that one could see. A bar is
a whole number of steps, and longer steps are cut into bars; the law of a bar does not depend on the steps. What follows
h after a bar is a `Recursion` of each model.
"""

from abc import abstractmethod
from typing import Annotated, Any, Literal, NamedTuple, Protocol, Self

import jax.numpy as jnp
import numpy as np
from jax import Array
from pydantic import Field, model_validator

from stresslab.errors import require
from stresslab.models.base import Diffusion, Layout, Parameters, Piece, Positive, State
from stresslab.models.innovations import MEMORIES, WORDS, Innovation, Law, innovation, kurtosis
from stresslab.units import format_duration, parse_duration, years


class Recursion(Protocol):
    """Numbers of a model (a NamedTuple), and what they make of a bar's variance h and noise e."""

    def after(self, h: Array, e: Array, past: Any) -> tuple[Array, Any]:
        """The variance of the next bar, and what the model remembers besides it."""


class Coefficients(NamedTuple):
    """Of one step."""

    recursion: Any
    innovation: Innovation
    steps: Any  # of a bar, uint32
    bar: np.float32  # years
    drift: np.float32  # of a step
    convexity: np.float32  # share of h that a step takes off


class Memory(NamedTuple):
    """Steps since the start, what the innovation and what the recursion remember."""

    clock: Any
    drawn: tuple[Any, ...]
    past: Any


class BarModel(Parameters):
    """Base of the models whose variance moves from bar to bar."""

    bar: str = Field("1D", description="length of a bar, a duration: a multiple of the step")
    innovation: Law = Field("normal", description="law of a bar's standardised innovation")
    nu: Annotated[float, Field(gt=2)] | None = Field(None, description="degrees of freedom of the innovation")
    skew: Annotated[float, Field(gt=-1, lt=1)] | None = Field(None, description="lambda of Hansen's law")
    h0: Positive | None = Field(None, description="variance of the first bar; none: the unconditional one")
    mean: Literal["martingale", "zero_log"] = Field(
        "martingale", description="whether -h/2 is taken off a bar's return"
    )
    mu: float = Field(0.0, description="growth rate of E[price], 1/year; of the median price with zero_log")

    has_variance = True
    has_characteristic_function = False

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        parse_duration(self.bar)
        wants = {"normal": (), "student_t": ("nu",), "skewed_t": ("nu", "skew")}[self.innovation]
        for name in ("nu", "skew"):
            given = getattr(self, name) is not None
            rule = f"{self.innovation} innovations {'need' if name in wants else 'have no'} {name}"
            require(given == (name in wants), rule, key=name, got=getattr(self, name))
        self.check_stationary()
        return self

    @abstractmethod
    def check_stationary(self) -> None:
        """InputError where the variance would explode, or where there is none to start from."""

    @abstractmethod
    def recursion(self) -> Any:
        """The numbers of the recursion as np.float32."""

    @abstractmethod
    def unconditional_variance(self) -> float:
        """E[h], per bar."""

    def past(self) -> tuple[float, ...]:
        """What the recursion remembers at time 0."""
        return ()

    @property
    def first_variance(self) -> float:
        """Variance of the first bar."""
        return self.unconditional_variance() if self.h0 is None else self.h0

    @property
    def shape(self) -> tuple[Law, float | None, float | None]:
        """The law of the innovation."""
        return self.innovation, self.nu, self.skew

    @property
    def kurtosis(self) -> float:
        """E[z^4] of the innovation."""
        return kurtosis(*self.shape)

    @property
    def bar_years(self) -> float:
        """A bar in years."""
        return years(parse_duration(self.bar))

    def step_limits(self) -> dict[str, float]:
        """A bar."""
        return {"bar": self.bar_years}

    def growths(self) -> dict[str, float]:
        """With `zero_log` half the variance comes on top."""
        half = self.first_variance / 2 / self.bar_years if self.mean == "zero_log" else 0.0
        return {"mu": self.mu, "mean": half}

    def check_step(self, seconds: int) -> None:
        check_step(seconds, parse_duration(self.bar))

    def layout(self, dt: float) -> Layout:
        return Layout(*WORDS[self.innovation])

    def coefficients(self, dt: float) -> Coefficients:
        n = steps(dt, self.bar_years)
        return Coefficients(
            recursion=self.recursion(),
            innovation=innovation(*self.shape),
            steps=n,
            bar=np.float32(self.bar_years),
            drift=np.float32(self.mu * self.bar_years / n),
            convexity=np.float32(0.5 / n if self.mean == "martingale" else 0.0),
        )

    def init(self, n_paths: int) -> State:
        def wide(value: float) -> np.ndarray:
            return np.full((1, n_paths), value, np.float32)

        drawn = tuple(wide(0) for _ in range(MEMORIES[self.innovation]))
        memory = Memory(np.uint32(0), drawn, tuple(wide(value) for value in self.past()))
        return State(wide(0), wide(self.first_variance / self.bar_years), memory)

    @staticmethod
    def step(coefficients: Coefficients, state: State, words: tuple[Array, ...]) -> tuple[State, tuple[Piece, ...]]:
        c, memory = coefficients, state.memory
        at = memory.clock % c.steps
        h = state.variance * c.bar
        driven = c.innovation.drive(h, at, c.steps, memory.drawn, words)
        ends = at + np.uint32(1) == c.steps
        later, past = c.recursion.after(h, driven.shock, memory.past)
        variance = jnp.where(ends, later / c.bar, state.variance)
        past = tuple(jnp.where(ends, new, old) for new, old in zip(past, memory.past, strict=True))
        piece = Diffusion(c.drift - c.convexity * h + driven.noise, driven.variance)
        return State(state.log_price, variance, Memory(memory.clock + np.uint32(1), driven.memory, past)), (piece,)


def check_step(seconds: int, bar: int) -> None:
    """InputError unless the step divides the bar, or the bar the step."""
    name = format_duration(bar)
    fits = bar % seconds == 0 or seconds % bar == 0
    rule = f"the step must divide the model's bar of {name}, or be a multiple of it"
    require(fits, rule, key="step", got=format_duration(seconds), hint=f"Take a step of {name}")


def steps(dt: float, bar: float) -> np.uint32:
    """How many steps of `dt` years make a bar of `bar` years."""
    return np.uint32(max(1, round(bar / dt)))
