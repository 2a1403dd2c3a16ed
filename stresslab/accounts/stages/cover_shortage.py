"""As much as brings the account back to its requirement plus a buffer (Binance, Drift), after fees and slippage.

    x = shortage / (N (mmr + buffer - fees))        shortage = requirement + buffer N - equity

for one leg in one tier; `restoring` for the general case. Where a diffusion meets the requirement the shortage is the
buffer's alone: without one, the first order that closes anything is that of the next piece, at the price there.
Sources: drift-labs/protocol-v2, programs/drift/src/math/liquidation.rs; Binance's liquidation protocol ("until the
margin is enough").
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

from jax import Array

from stresslab.accounts.closing import Standing
from stresslab.accounts.liquidation import Asked
from stresslab.accounts.restoring import restoring_share


class CoverShortageNumbers(NamedTuple):
    """(book,)."""

    buffer: Any  # added to the maintenance rate, a fraction of the notional


@dataclass(frozen=True)
class CoverShortage:
    """No choices."""

    def start(self, numbers: CoverShortageNumbers, nothing: Array) -> tuple[()]:
        """It remembers nothing."""
        return ()

    def ask(self, numbers: CoverShortageNumbers, memory: Any, standing: Standing) -> tuple[Asked, Any]:
        """The share of all legs alike."""
        share = restoring_share(standing, numbers.buffer)
        return Asked(share >= 0, tuple(share for _ in standing.form.legs)), memory
