"""A fraction of the position a round, again and again, until equity is above the requirement (Deribit).

    x = min(share that restores the margin, 1 - (1 - f)^n)        n rounds fit into a step, at least one

The rounds of a step are at the price of its first one: a round takes about a second. What they do not restore goes on
in the next piece. Source: Deribit, support 25944769313309.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab.accounts.closing import Standing
from stresslab.accounts.liquidation import Asked
from stresslab.accounts.restoring import restoring_share


class IncrementalNumbers(NamedTuple):
    """(book,)."""

    fraction: Any  # of the position in each round
    rounds: Any  # in a step: step / `every`, rounded down, at least 1


@dataclass(frozen=True)
class Incremental:
    """No choices."""

    def start(self, numbers: IncrementalNumbers, nothing: Array) -> tuple[()]:
        """It remembers nothing."""
        return ()

    def ask(self, numbers: IncrementalNumbers, memory: Any, standing: Standing) -> tuple[Asked, Any]:
        """The share of all legs alike."""
        kept = np.float32(1) - numbers.fraction
        most = np.float32(1) - jnp.exp(numbers.rounds * jnp.log(jnp.maximum(kept, np.float32(1e-30))))
        share = jnp.minimum(restoring_share(standing), most[:, None])
        return Asked(share >= 0, tuple(share for _ in standing.form.legs)), memory
