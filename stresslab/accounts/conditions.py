"""What a venue condition is: a state of the venue on each path that all books share (outage, halt, depth, default).

A condition is a hashable NamedTuple of choices, with its numbers apart. At the beginning of every step it advances with
words of randomness of its own (never the model's: the paths stay those of a calm venue), and says what it does to
orders in that step.
"""

from typing import Any, NamedTuple, Protocol

import jax.numpy as jnp
import numpy as np
from jax import Array


class Effect(NamedTuple):
    """What holds during a step, (1, path) or a scalar."""

    can_act: Any = np.True_  # the holder's orders are carried out
    can_liquidate: Any = np.True_  # the venue trades at all
    slippage: Any = np.float32(1)  # factor on the slippage of market and forced orders


class Condition(Protocol):
    """The protocol; `memory` is a pytree of (1, path) arrays."""

    @property
    def words(self) -> int:
        """Words of randomness that a step takes."""

    def start(self, numbers: Any, price: Array) -> Any:
        """Memory at as_of."""

    def step(
        self, numbers: Any, memory: Any, words: tuple[Array, ...], price: Array, variance: Array, step: Array
    ) -> tuple[Any, Effect]:
        """Memory and effect for the step that begins at this price, (asset, path), and variance."""


def together(effects: list[Effect]) -> Effect:
    """All conditions at once."""
    whole = Effect()
    for one in effects:
        whole = Effect(
            jnp.logical_and(whole.can_act, one.can_act),
            jnp.logical_and(whole.can_liquidate, one.can_liquidate),
            whole.slippage * one.slippage,
        )
    return whole
