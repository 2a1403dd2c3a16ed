"""A stale oracle: for a time the mark stands still, while prices go on.

Nothing that only the price would do is triggered; orders fill at the last price, and stops on the last price are met.
What else moves an account, funding and other assets, is tested at the mark that stands. When it is over the mark jumps
to where the price is: all is tested there, with cause `gap`. Rulebooks with a `max_age` trigger nothing on a price that
is older: to the engine the same, since a mark that stands still brings no account closer.
"""

from dataclasses import dataclass
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from stresslab.accounts.conditions import spells
from stresslab.accounts.conditions.base import Effect, Held, Reopened
from stresslab.accounts.conditions.spells import Lasting, Spell, SpellNumbers
from stresslab.books.outcome import GAP


class Standing(NamedTuple):
    """Where it stands, (1, path)."""

    spell: Spell
    price: Array  # the index that was last seen
    is_back: Array  # bool: the mark jumps at the beginning of this step


@dataclass(frozen=True)
class StaleOracle:
    """The form; its numbers are a `SpellNumbers`."""

    lasting: Lasting = "exponential"
    asset: int = 0

    @property
    def words(self) -> int:
        return spells.n_words(self.lasting)

    @property
    def causes(self) -> tuple[int, ...]:
        return ()

    def start(self, numbers: SpellNumbers, price: Array) -> Standing:
        now = price[self.asset : self.asset + 1]
        return Standing(spells.begin(now), now, jnp.zeros(now.shape, bool))

    def step(
        self,
        numbers: SpellNumbers,
        memory: Standing,
        words: tuple[Array, ...],
        price: Array,
        variance: Array,
        step: Array,
    ) -> Standing:
        own = slice(self.asset, self.asset + 1)
        spell = spells.advance(self.lasting, numbers, memory.spell, words, variance[own])
        return Standing(spell, jnp.where(spell.is_on, memory.price, price[own]), memory.spell.is_on & ~spell.is_on)

    def effect(self, numbers: SpellNumbers, memory: Standing) -> Effect:
        held = Held(self.asset, memory.spell.is_on, memory.price)
        return Effect(held=(held,), reopened=(Reopened(GAP, memory.is_back),))
