"""Outages: for a time the holder cannot act, while the venue trades and liquidates.

Orders of policies are not sent and their levels not met; when it is over, a level that was passed is met where the
price then stands. A liquidation that such a stop would have come before has the cause `outage`.
"""

from dataclasses import dataclass

from jax import Array

from stresslab.accounts.conditions import spells
from stresslab.accounts.conditions.base import Effect
from stresslab.accounts.conditions.spells import Lasting, Spell, SpellNumbers
from stresslab.books.outcome import OUTAGE


@dataclass(frozen=True)
class Outage:
    """The form; its numbers are a `SpellNumbers`."""

    lasting: Lasting = "exponential"
    asset: int = 0  # whose variance the hazard follows

    @property
    def words(self) -> int:
        return spells.n_words(self.lasting)

    @property
    def causes(self) -> tuple[int, ...]:
        return (OUTAGE,)

    def start(self, numbers: SpellNumbers, price: Array) -> Spell:
        return spells.begin(price[self.asset : self.asset + 1])

    def step(
        self,
        numbers: SpellNumbers,
        memory: Spell,
        words: tuple[Array, ...],
        price: Array,
        variance: Array,
        step: Array,
    ) -> Spell:
        return spells.advance(self.lasting, numbers, memory, words, variance[self.asset : self.asset + 1])

    def effect(self, numbers: SpellNumbers, memory: Spell) -> Effect:
        return Effect(can_act=~memory.is_on)
