"""Last and mark of a perpetual beside its index: a basis that reverts, widens in stress, and is smoothed into the mark.

    b' = mean + (b - mean) e^(-speed dt) + pull dx + deviation (v / v_0)^power n       b = log(last / index)
    a' = b' - (b' - b) lag + (a - b) keep                                              a: what the average says of b
    last = index e^b

dx is the log return of the index in the step, v its variance per year: in a crash the last price overshoots by `pull`
times the move. The mark by the rulebook:

    average   index + average basis, within clamp of the index     Deribit; dated futures of Bybit
    median    median of index (1 + rate left), index + average basis, last              Binance, Bybit
    fair      index (1 + rate left)                                                     BitMEX
    oracle    average of the index itself                                               dYdX, Drift, GMX
    index     the index

`left` is the part of the funding interval that is still to come; the rate is one number, not that of the path. Windows
of seconds to minutes lie inside a step: the average is its expectation given the basis at both ends of the step, the
way between them taken for a straight line. Exponential of time w: keep = e^(-dt/w), lag = (w/dt)(1 - keep). Plain mean
of window w up to dt: keep = 0, lag = w / 2dt; a longer one is taken for an exponential of time w/2. Uhlenbeck and
Ornstein (1930) for b. The factors hold for the whole step that begins.
"""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab import random
from stresslab.accounts.conditions.base import Effect, Factor

Mark = Literal["index", "average", "median", "fair", "oracle"]


class BasisNumbers(NamedTuple):
    """Scalars; see the equations."""

    now: Any  # b at as_of
    mean: Any
    decay: Any
    deviation: Any  # of one step at the variance `variance`
    power: Any
    variance: Any  # per year
    pull: Any
    keep: Any
    lag: Any
    clamp: Any  # largest relative distance of index + average basis from the index; inf where there is none
    rate: Any  # funding rate of an interval
    interval: Any  # steps from one funding time to the next, int32
    passed: Any  # steps since the last funding time at as_of, int32


class Wandering(NamedTuple):
    """Where it stands, (1, path)."""

    basis: Array
    behind: Array  # average less basis; of an oracle, log of oracle over index
    log_price: Array  # of the index, where the step began
    left: Array  # of the funding interval, a number


@dataclass(frozen=True)
class Basis:
    """The form."""

    mark: Mark = "average"
    asset: int = 0
    wanders: bool = True  # whether there is a basis at all; without one last is the index

    @property
    def words(self) -> int:
        return int(self.wanders)

    @property
    def causes(self) -> tuple[int, ...]:
        return ()

    def start(self, numbers: BasisNumbers, price: Array) -> Wandering:
        nothing = jnp.zeros_like(price[self.asset : self.asset + 1])
        return Wandering(nothing + numbers.now, nothing, nothing, nothing[0, 0])

    def step(
        self,
        numbers: BasisNumbers,
        memory: Wandering,
        words: tuple[Array, ...],
        price: Array,
        variance: Array,
        step: Array,
    ) -> Wandering:
        own = slice(self.asset, self.asset + 1)
        here = jnp.log(price[own])
        moved, basis = here - memory.log_price, memory.basis
        if self.wanders:
            basis = _next(numbers, memory.basis, moved, words[0], variance[own])
            basis = jnp.where(step > 0, basis, memory.basis)
        way = moved if self.mark == "oracle" else basis - memory.basis
        behind = memory.behind * numbers.keep - way * numbers.lag
        over, whole = (step + numbers.passed) % numbers.interval, jnp.asarray(numbers.interval)
        left = np.float32(1) - over.astype(here.dtype) / whole.astype(here.dtype)
        return Wandering(basis, behind, here, left)

    def effect(self, numbers: BasisNumbers, memory: Wandering) -> Effect:
        last = (Factor(self.asset, jnp.exp(memory.basis)),) if self.wanders else ()
        if self.mark == "index":
            return Effect(last=last)
        return Effect(last=last, mark=(Factor(self.asset, self._mark(numbers, memory)),))

    def _mark(self, numbers: BasisNumbers, memory: Wandering) -> Array:
        """Mark over index."""
        if self.mark == "oracle":
            return jnp.exp(memory.behind)
        fair = jnp.ones_like(memory.basis) + numbers.rate * memory.left
        if self.mark == "fair":
            return fair
        away = jnp.expm1(memory.basis + memory.behind)
        average = np.float32(1) + jnp.clip(away, -numbers.clamp, numbers.clamp)
        return average if self.mark == "average" else _middle(fair, average, jnp.exp(memory.basis))


def numbers(
    dt: float,
    variance: float,
    *,
    now: float = 0.0,
    mean: float = 0.0,
    speed: float = 0.0,
    volatility: float = 0.0,
    power: float = 0.0,
    pull: float = 0.0,
    window: float = 0.0,
    smoothing: Literal["mean", "ema"] = "mean",
    clamp: float = np.inf,
    rate: float = 0.0,
    interval: int = 1,
    passed: int = 0,
) -> BasisNumbers:
    """From years (dt, window), rates per year (speed, volatility per root year) and steps (interval, passed)."""
    deviation = volatility * np.sqrt(-np.expm1(-2 * speed * dt) / (2 * speed) if speed else dt)
    keep, lag = _average(window / dt, smoothing)
    law = (now, mean, np.exp(-speed * dt), deviation, power, variance, pull, keep, lag, clamp, rate)
    row: list[Any] = [*map(np.float64, law), np.int32(interval), np.int32(passed)]
    return BasisNumbers(*row)


def _average(steps: float, smoothing: Literal["mean", "ema"]) -> tuple[float, float]:
    """Numbers `keep` and `lag` of a window of so many steps."""
    if steps == 0:
        return 0.0, 0.0
    if smoothing == "mean" and steps <= 1:
        return 0.0, steps / 2
    time = steps / 2 if smoothing == "mean" else steps
    keep = float(np.exp(-1 / time))
    return keep, time * (1 - keep)


def _next(numbers: BasisNumbers, before: Array, moved: Array, word: Array, variance: Array) -> Array:
    ratio = jnp.maximum(variance / numbers.variance, np.float32(1e-12))
    deviation = numbers.deviation * jnp.exp(numbers.power * jnp.log(ratio))
    reverted = numbers.mean + (before - numbers.mean) * numbers.decay
    return reverted + numbers.pull * moved + deviation * random.normal(word)


def _middle(a: Array, b: Array, c: Array) -> Array:
    return jnp.maximum(jnp.minimum(a, b), jnp.minimum(jnp.maximum(a, b), c))
