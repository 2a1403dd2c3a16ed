"""What a venue condition is: a state of the venue on each path that all books share (outage, halt, band, default).

A condition is a frozen dataclass of choices, with its numbers apart. At the beginning of every step it advances with
words of randomness of its own (never the model's: the paths stay those of a calm venue). Its memory says what holds
until the next step begins. One condition is one small file; what none of a form's conditions does is not compiled.
"""

from typing import Any, Literal, NamedTuple, Protocol

import jax.numpy as jnp
import numpy as np
from jax import Array

Reference = Literal["mark", "index", "premium", "session"]


class Factor(NamedTuple):
    """A price of an asset, as a factor on the index."""

    asset: int
    value: Any  # (1, path)


class Held(NamedTuple):
    """An index that stands still for those who make a mark of it."""

    asset: int
    is_held: Array  # bool, (1, path)
    price: Array  # where it stands


class Bounds(NamedTuple):
    """What an asset may be traded at."""

    asset: int
    low: Any  # relative to the mark or the index; of a session to spot
    high: Any
    of: Reference
    in_part: bool  # an order is filled as far as the bound and the rest waits; else it is refused as a whole
    hard: Any  # with the premium: largest distance from the index


class Reopened(NamedTuple):
    """Accounts that could not be liquidated are tested again, at the price now."""

    cause: int
    now: Array  # bool, (1, path)


class Failure(NamedTuple):
    """The venue fails at the beginning of this step."""

    now: Array  # bool, (1, path)
    recovery: Any  # of what is held there
    reserve_is_there: bool


class Effect(NamedTuple):
    """What holds during a step, (1, path) or a scalar; the empty tuples are not in the program."""

    can_act: Any = np.True_  # the holder's orders are carried out
    can_liquidate: Any = np.True_  # the venue trades at all
    slippage: Any = np.float32(1)  # factor on the slippage of market and forced orders
    mark: tuple[Factor, ...] = ()  # what requirements are tested at; without one it is the index
    last: tuple[Factor, ...] = ()  # what orders are filled at
    held: tuple[Held, ...] = ()
    bounds: tuple[Bounds, ...] = ()
    reopened: tuple[Reopened, ...] = ()
    failed: tuple[Failure, ...] = ()
    late: tuple[Array, ...] = ()  # factors on the fills of market and forced orders, (asset, path): see `latency`
    waterfall: tuple[Any, ...] = ()  # who bears the market's losses: `waterfall.Borne`


class Condition(Protocol):
    """The protocol; `memory` is a pytree of (1, path) arrays."""

    @property
    def words(self) -> int:
        """Words of randomness that a step takes."""

    @property
    def causes(self) -> tuple[int, ...]:
        """Causes of ruin that are not there without it."""

    def start(self, numbers: Any, price: Array) -> Any:
        """Memory at as_of; `price` is one, (asset, path)."""

    def step(
        self, numbers: Any, memory: Any, words: tuple[Array, ...], price: Array, variance: Array, step: Array
    ) -> Any:
        """Memory for the step that begins at this index, (asset, path), and variance."""

    def effect(self, numbers: Any, memory: Any) -> Effect:
        """What holds until the next step begins."""


def together(effects: list[Effect]) -> Effect:
    """All conditions at once."""
    whole = Effect()
    for one in effects:
        whole = Effect(
            jnp.logical_and(whole.can_act, one.can_act),
            jnp.logical_and(whole.can_liquidate, one.can_liquidate),
            whole.slippage * one.slippage,
            *(before + own for before, own in zip(whole[3:], one[3:], strict=True)),
        )
    return whole
