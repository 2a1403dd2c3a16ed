"""A model under shocks: itself a model, so that everything which takes a model takes a shocked one.

    step k:  gaps of this step, then the model's own pieces, their diffusions scaled where volatility is shocked

Time in years, steps counted from as_of; what each effect does is said in effects.py, when in when.py. Scheme: exact on
the model's own steps; what is not used is not in the compiled loop. Jump intensity and correlation are shocked by
giving the model's step other coefficients. Where the time is drawn the step is worked out with both and chosen path
by path. Gaps count as a jump piece of every step, which costs about what a jump model costs.
"""

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from pydantic import Field, InstanceOf

from stresslab.errors import InputError
from stresslab.models.base import Diffusion, Dynamics, Jump, Layout, Parameters, Piece, State
from stresslab.random import Key
from stresslab.shocks import when
from stresslab.shocks.effects import AnyEffect, Correlation, Effect, Gap, JumpIntensity, Volatility
from stresslab.shocks.variants import alike, variant


class Scale(NamedTuple):
    """A volatility factor: 1 + rise e^(-decay age) while age, in steps, is below `steps`."""

    rise: np.float32
    decay: np.float32
    steps: np.int32


class Switch(NamedTuple):
    """Other coefficients of the model while age, in steps, is below `steps`."""

    coefficients: Any
    steps: np.int32


class Coefficients(NamedTuple):
    """Of one step: the model's, and what the effects need, in the order of the dynamics."""

    base: Any
    starts: tuple[when.Start, ...]
    gaps: tuple[np.float32, ...]
    scales: tuple[Scale, ...]
    switches: tuple[Switch, ...]
    growth: np.float32  # of E[price] without the jumps, in one step


class Memory(NamedTuple):
    """The model's own, its variance where that is shown scaled, the step, and the drawn times (int32 steps)."""

    inner: Any
    variance: Any
    clock: Any
    starts: tuple[Any, ...]


class ShockedDynamics(NamedTuple):
    """The effects as what changes the program: how times come about, and the number of each effect's time."""

    inner: Dynamics
    laws: tuple[when.Law, ...]
    gaps: tuple[int, ...]
    scales: tuple[int, ...]
    switches: tuple[int, ...]

    @property
    def has_variance(self) -> bool:
        return bool(self.scales) or self.inner.has_variance

    def draw(self, c: Coefficients, state: State, key: Key, path: Array) -> State:
        memory = state.memory
        inner = self.inner.draw(c.base, self._inner(state), key, path)
        starts = tuple(
            when.drawn_step(law, start, key, path)
            for law, start in zip(self.laws, c.starts, strict=True)
            if law != "given"
        )
        kept = inner.variance if self.scales else memory.variance
        return State(inner.log_price, inner.variance, Memory(inner.memory, kept, memory.clock, starts))

    def step(self, c: Coefficients, state: State, words: tuple[Array, ...]) -> tuple[State, tuple[Piece, ...]]:
        memory = state.memory
        ages = self._ages(c, memory)
        after, pieces = self._model_step(c, ages, self._inner(state), words)
        kept, variance = memory.variance, after.variance
        if self.scales:
            factor = self._factor(c, ages)
            kept, variance = after.variance, factor * factor * after.variance
            pieces = scaled(pieces, factor, c.growth)
        if self.gaps:
            sizes = [jnp.where(ages[at] == 0, size, np.float32(0)) for at, size in zip(self.gaps, c.gaps, strict=True)]
            pieces = Jump(sum(sizes[1:], sizes[0])), *pieces
        moved = Memory(after.memory, kept, memory.clock + np.uint32(1), memory.starts)
        return State(state.log_price, variance, moved), pieces

    def bridges(self, c: Coefficients, state: State, words: Array) -> Array:
        base, drawn = self._coefficients(c, self._ages(c, state.memory))
        found = self.inner.bridges(base, self._inner(state), words)
        for active, coefficients in drawn:
            found = jnp.where(active, self.inner.bridges(coefficients, self._inner(state), words), found)
        return found

    def _inner(self, state: State) -> State:
        variance = state.memory.variance if self.scales else state.variance
        return State(state.log_price, variance, state.memory.inner)

    def _ages(self, c: Coefficients, memory: Memory) -> list[Array]:
        """Steps since each time: a number where it is given, one for each path where it is drawn."""
        drawn = iter(memory.starts)
        starts = [start.step if law == "given" else next(drawn) for law, start in zip(self.laws, c.starts, strict=True)]
        return [jnp.asarray(memory.clock).astype(jnp.int32) - start for start in starts]

    def _factor(self, c: Coefficients, ages: list[Array]) -> Array:
        factor = jnp.ones((), jnp.float32)
        for at, scale in zip(self.scales, c.scales, strict=True):
            rise = scale.rise * jnp.exp(-scale.decay * jnp.maximum(ages[at], 0).astype(jnp.float32))
            factor = factor * (np.float32(1) + jnp.where(_active(ages[at], scale.steps), rise, np.float32(0)))
        return factor

    def _coefficients(self, c: Coefficients, ages: list[Array]) -> tuple[Any, list[tuple[Array, Any]]]:
        """The model's, of the last switch that is active; apart from them those that some paths have switched to."""
        base, drawn = c.base, []
        for at, switch in zip(self.switches, c.switches, strict=True):
            active = _active(ages[at], switch.steps)
            if active.ndim:
                drawn.append((active, switch.coefficients))
            else:
                base = _choose(active, switch.coefficients, base)
        return base, drawn

    def _model_step(self, c: Coefficients, ages: list[Array], state: State, words: tuple[Array, ...]) -> Any:
        base, drawn = self._coefficients(c, ages)
        after, pieces = self.inner.step(base, state, words)
        for active, coefficients in drawn:
            other, others = self.inner.step(coefficients, state, words)
            after = jax.tree.map(lambda a, b, active=active: _by_path(active, a, b), other, after)
            pieces = _choose(active, others, pieces)
        return after, pieces


class Shocked(Parameters):
    """A model with effects on top, each at its time."""

    kind: Literal["shocked"] = "shocked"
    model: InstanceOf[Parameters] = Field(description="what is shocked")
    effects: tuple[AnyEffect, ...] = Field(description="what happens to it")

    has_characteristic_function = False

    @property
    def dynamics(self) -> ShockedDynamics:
        times = self.times
        number = {kind: tuple(times.index(e.at) for e in self._each(*kind)) for kind in _KINDS}
        return ShockedDynamics(self.model.dynamics, tuple(map(when.law, times)), *(number[kind] for kind in _KINDS))

    @property
    def times(self) -> list[when.At]:
        """The distinct times of the effects on the price."""
        return list(dict.fromkeys(effect.at for kinds in _KINDS for effect in self._each(*kinds)))

    @property
    def asset_names(self) -> tuple[str, ...]:
        return self.model.asset_names

    @property
    def price_correlation(self) -> np.ndarray:
        return self.model.price_correlation

    def step_limits(self) -> dict[str, float]:
        """The model's limits, tightened by the shocks: `effects` where a shock shortens the step further."""
        shocked = min(model.longest_step for model in self.variants())
        return self.model.step_limits() | ({"effects": shocked} if shocked < self.model.longest_step else {})

    @property
    def longest_step(self) -> float:
        return min(model.longest_step for model in self.variants())

    def substeps(self, dt: float) -> int:
        return max(model.substeps(dt) for model in self.variants())

    def at_spot(self, spot: float) -> "Shocked":
        return self.model_copy(update={"model": self.model.at_spot(spot)})

    def check_step(self, seconds: int) -> None:
        self.model.check_step(seconds)
        for place, effect in enumerate(self.effects):
            try:
                effect.check_step(seconds)
            except InputError as error:
                raise error.at(key=f"effects[{place}]") from None

    def check_horizon(self, seconds: int) -> None:
        self.model.check_horizon(seconds)

    def jumps_per_step(self, dt: float) -> float:
        return max(model.jumps_per_step(dt) for model in self.variants())

    @property
    def diffusion_growth(self) -> float:
        return self.model.diffusion_growth

    def price_loadings(self, dt: float) -> np.ndarray:
        return self._widest(dt).price_loadings(dt)

    def layout(self, dt: float) -> Layout:
        of_model = self._widest(dt).layout(dt)
        jumps = of_model.jumps + bool(self._each(Gap))
        return of_model._replace(jumps=jumps, diffusions=of_model.n_diffusions)

    def coefficients(self, dt: float) -> Coefficients:
        base, *others = alike([model.coefficients(dt) for model in self.variants()])
        lasting = [when.steps(effect.lasting, dt) for effect in self._each(JumpIntensity, Correlation)]
        return Coefficients(
            base=base,
            starts=tuple(when.start(at, dt) for at in self.times),
            gaps=tuple(np.float32(effect.size) for effect in self._each(Gap)),
            scales=tuple(_scale(effect, dt) for effect in self._each(Volatility)),
            switches=tuple(Switch(one, np.int32(n)) for one, n in zip(others, lasting, strict=True)),
            growth=np.float32(self.diffusion_growth * dt),
        )

    def init(self, n_paths: int) -> State:
        inner = self.model.init(n_paths)
        kept = inner.variance if self._each(Volatility) else ()
        drawn = tuple(np.zeros((1, n_paths), np.int32) for at in self.times if when.law(at) != "given")
        return State(inner.log_price, inner.variance, Memory(inner.memory, kept, np.uint32(0), drawn))

    @staticmethod
    def step(coefficients: Any, state: State, words: tuple[Array, ...]) -> Any:
        raise NotImplementedError("the step of a shocked model is that of its dynamics")

    def _each(self, *kinds: type[Effect]) -> list[Any]:
        return [effect for effect in self.effects if isinstance(effect, kinds)]

    def variants(self) -> list[Parameters]:
        """The model, and what each switch makes of it."""
        return [self.model, *(variant(self.model, effect) for effect in self._each(JumpIntensity, Correlation))]

    def _widest(self, dt: float) -> Parameters:
        return max(self.variants(), key=lambda model: model.layout(dt).n_words)


_KINDS: tuple[Any, ...] = ((Gap,), (Volatility,), (JumpIntensity, Correlation))


def scaled(pieces: tuple[Piece, ...], factor: Array, growth: Any) -> tuple[Piece, ...]:
    """The diffusions with their volatility times `factor`; `growth` of the step is shared out by their variances."""
    variances = [piece.variance for piece in pieces if isinstance(piece, Diffusion)]
    total = sum(variances[1:], variances[0])
    found: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, Diffusion):
            share = piece.variance / jnp.maximum(total, np.float32(1e-30)) if len(variances) > 1 else np.float32(1)
            half, steady = np.float32(0.5) * piece.variance, growth * share
            move = factor * (piece.move - steady + half) - factor * factor * half + steady
            piece = Diffusion(move, factor * factor * piece.variance)
        found.append(piece)
    return tuple(found)


def _scale(effect: Volatility, dt: float) -> Scale:
    decay = when.per_step(effect.half_life, dt)
    return Scale(np.float32(effect.factor - 1), np.float32(decay), np.int32(when.steps(effect.lasting, dt)))


def _active(age: Array, steps: Any) -> Array:
    return (age >= 0) & (age < steps)


def _by_path(active: Array, one: Any, other: Any) -> Any:
    """Of the state only what belongs to a path: a clock or a variance that never moves is the same in both."""
    return jnp.where(active, one, other) if jnp.shape(other)[-1:] == active.shape[-1:] else other


def _choose(active: Array, one: Any, other: Any) -> Any:
    return jax.tree.map(lambda a, b: jnp.where(active, a, b), one, other)
