"""Default of the venue: what is held there is claimed, and a part of it comes back.

At the beginning of a step, with the hazard's probability: every position is closed at the mark without fee, collateral
is turned into cash at its mark (claims are fixed on the day of the petition), and of each account that is above zero
the recovery is left. Withdrawals are frozen: nothing is traded, paid or topped up from then on. The fund pays what an
account is below zero. A reserve that is held at the venue shares its fate.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array

from stresslab.accounts.conditions.base import Effect, Failure
from stresslab.accounts.conditions.hazard import Hazard, arrives, rate
from stresslab.books.outcome import VENUE_DEFAULT


class DefaultNumbers(NamedTuple):
    """How often, and what comes back."""

    hazard: Hazard
    recovery: Any  # 1 - loss given default


class Failing(NamedTuple):
    """Where it stands, bool, (1, path)."""

    has_failed: Array
    now: Array


@dataclass(frozen=True)
class VenueDefault:
    """The form."""

    reserve_is_there: bool = True
    asset: int = 0  # whose variance the hazard follows

    @property
    def words(self) -> int:
        return 1

    @property
    def causes(self) -> tuple[int, ...]:
        return (VENUE_DEFAULT,)

    def start(self, numbers: DefaultNumbers, price: Array) -> Failing:
        never = jnp.zeros((1, price.shape[1]), bool)
        return Failing(never, never)

    def step(
        self,
        numbers: DefaultNumbers,
        memory: Failing,
        words: tuple[Array, ...],
        price: Array,
        variance: Array,
        step: Array,
    ) -> Failing:
        expected = rate(numbers.hazard, variance[self.asset : self.asset + 1])
        fails = arrives(words[0], expected) & ~memory.has_failed
        return Failing(memory.has_failed | fails, fails)

    def effect(self, numbers: DefaultNumbers, memory: Failing) -> Effect:
        failure = Failure(memory.now, numbers.recovery, self.reserve_is_there)
        return Effect(can_act=~memory.has_failed, failed=(failure,))
