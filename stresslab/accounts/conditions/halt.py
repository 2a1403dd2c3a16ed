"""Circuit breakers: a large move pauses all trading for a time; the path goes on, and trading reopens where it then is.

    trips where |x / x_j - 1| > limit for a price x_j of the window's steps, or for the session's first price

Nothing is filled or liquidated while trading is paused. At the reopening everything is met at the price now, levels
first, then accounts in breach with cause `halt`; the window begins anew. Reduced to the step: a move is seen at the end
of the step in which it was made, and a pause is a whole number of steps.

`window`: moves within the last steps. `session`: limits from the session's first price, one after another (CME 2017:
7 and 13 %, two minutes each, 20 % to the end of the session, from the settlement at 16:00 London); a session that ends
during a pause does not end the pause.
"""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab.accounts.conditions.base import Effect, Reopened
from stresslab.books.outcome import HALT


class HaltNumbers(NamedTuple):
    """Of each limit, in rising order; a window has one."""

    limits: Any  # (limit,), relative move of the price
    pauses: Any  # (limit,), float, whole steps, at least 1
    first_session: Any = np.int32(0)  # steps since a session began at as_of


class Halting(NamedTuple):
    """Where it stands."""

    prices: Array  # (step of the window, path), newest first; of a session its first price
    left: Array  # steps of the pause, this one counted; 0 where trading is on
    reopens: Array  # bool: in this step
    tripped: Array  # limits of the session that were reached, float


@dataclass(frozen=True)
class Halt:
    """The form."""

    steps: int  # of the window, or of a session
    of: Literal["window", "session"] = "window"
    asset: int = 0

    @property
    def words(self) -> int:
        return 0

    @property
    def causes(self) -> tuple[int, ...]:
        return (HALT,)

    def start(self, numbers: HaltNumbers, price: Array) -> Halting:
        now = price[self.asset : self.asset + 1]
        kept = self.steps if self.of == "window" else 1
        nothing = jnp.zeros_like(now)
        return Halting(jnp.concatenate([now] * kept), nothing, jnp.zeros(now.shape, bool), nothing)

    def step(
        self,
        numbers: HaltNumbers,
        memory: Halting,
        words: tuple[Array, ...],
        price: Array,
        variance: Array,
        step: Array,
    ) -> Halting:
        now = price[self.asset : self.asset + 1]
        is_paused = memory.left > np.float32(0)
        reopens = is_paused & (memory.left <= np.float32(1))
        left = jnp.maximum(memory.left - np.float32(1), np.float32(0))
        if self.of == "window":
            reached = _reached(numbers, memory.prices, now)
            prices = jnp.where(reopens, now, jnp.concatenate([now, memory.prices[:-1]]))
            tripped = memory.tripped
        else:
            begins = (step + numbers.first_session) % np.int32(self.steps) == 0
            prices = jnp.where(begins, now, memory.prices)
            tripped = jnp.where(begins, np.float32(0), memory.tripped)
            found = _reached(numbers, prices, now)
            reached, tripped = jnp.where(found > tripped, found, np.float32(0)), jnp.maximum(found, tripped)
        pause = jnp.where(is_paused, left, _pause(numbers, reached))
        return Halting(prices, pause, reopens, tripped)

    def effect(self, numbers: HaltNumbers, memory: Halting) -> Effect:
        trades = memory.left <= np.float32(0)
        return Effect(can_act=trades, can_liquidate=trades, reopened=(Reopened(HALT, memory.reopens),))


def _reached(numbers: HaltNumbers, prices: Array, now: Array) -> Array:
    """How many of the limits a move from any of these prices goes beyond, (1, path)."""
    move = jnp.max(jnp.abs(now / prices - np.float32(1)), axis=0, keepdims=True)
    beyond = [move > numbers.limits[at] for at in range(numbers.limits.shape[0])]
    return jnp.sum(jnp.stack(beyond).astype(now.dtype), axis=0)


def _pause(numbers: HaltNumbers, reached: Array) -> Array:
    pause = jnp.zeros_like(reached)
    for at in range(numbers.pauses.shape[0]):
        pause = jnp.where(reached == np.float32(at + 1), numbers.pauses[at], pause)
    return pause
