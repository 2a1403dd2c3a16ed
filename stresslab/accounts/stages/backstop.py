"""The backstop: an account whose equity is below a share of its requirement is taken over whole (Hyperliquid: 2/3).

The vault takes the positions at the price, without slippage or fee, and all the margin that is left; in the ledger it
is the fund. If equity is below zero by then it takes a loss. First in its ladder. Source: Hyperliquid docs,
liquidations.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array

from stresslab.accounts.closing import Standing
from stresslab.accounts.liquidation import Asked
from stresslab.accounts.state import equity, excess


class BackstopNumbers(NamedTuple):
    """(book,)."""

    below: Any  # equity as a share of the requirement


@dataclass(frozen=True)
class Backstop:
    """No choices."""

    def start(self, numbers: BackstopNumbers, nothing: Array) -> tuple[()]:
        """It remembers nothing."""
        return ()

    def ask(self, numbers: BackstopNumbers, memory: Any, standing: Standing) -> tuple[Asked, Any]:
        """All of it or nothing."""
        account = standing.form, standing.numbers, standing.holding, standing.at
        left = equity(*account)
        required = left - excess(*account)
        applies = left < numbers.below[:, None] * required
        return Asked(applies, tuple(jnp.ones_like(size) for size in standing.holding.sizes), applies), memory
