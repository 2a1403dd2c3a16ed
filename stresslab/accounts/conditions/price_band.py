"""Price bands: orders beyond them are refused, or filled as far as the band and wait with the rest.

    around the mark    [mark (1 - down), mark (1 + up)]              Binance 5 %, Deribit 1.5 %
    from the index     [index (1 - down), index (1 + up)]            OKX in the first minutes of a contract: 1 %
    with the premium   min(max(index, index (1 + up) + premium), index (1 + hard)), mirrored below      OKX: 2 %, 5 %
    from the session   [p_0 (1 - down), p_0 (1 + up)]                CME: 20 % from the last settlement

Where `in_part`, the impact of an order grows with its size, so that the part which reaches the bound is
(room to the bound) / (slippage of the whole order); the rest is asked for again by the policy at the next step. Else an
order that would fill beyond the bound is refused (a stop stays, and is met once the price is back). Forced orders wait
while the last price is outside the band. Simplified: the premium is last - index now, not a mean of the last minutes;
one band for limits and markets.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab.accounts.conditions.base import Bounds, Effect, Reference


class BandNumbers(NamedTuple):
    """How far the band reaches."""

    up: Any  # fraction of the reference
    down: Any
    first_session: Any = np.int32(0)  # steps since a session began at as_of
    hard: Any = np.inf  # with the premium: how far from the index at most


@dataclass(frozen=True)
class PriceBand:
    """The form."""

    reference: Reference = "mark"
    in_part: bool = False
    steps: int = 1  # of a session
    asset: int = 0

    @property
    def words(self) -> int:
        return 0

    @property
    def causes(self) -> tuple[int, ...]:
        return ()

    def start(self, numbers: BandNumbers, price: Array) -> Any:
        return price[self.asset : self.asset + 1] if self.reference == "session" else ()

    def step(
        self,
        numbers: BandNumbers,
        memory: Any,
        words: tuple[Array, ...],
        price: Array,
        variance: Array,
        step: Array,
    ) -> Any:
        if self.reference != "session":
            return ()
        begins = (step + numbers.first_session) % np.int32(self.steps) == 0
        return jnp.where(begins, price[self.asset : self.asset + 1], memory)

    def effect(self, numbers: BandNumbers, memory: Any) -> Effect:
        centre = memory if self.reference == "session" else np.float32(1)
        low, high = centre * (np.float32(1) - numbers.down), centre * (np.float32(1) + numbers.up)
        return Effect(bounds=(Bounds(self.asset, low, high, self.reference, self.in_part, numbers.hard),))
