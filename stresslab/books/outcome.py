"""What became of each book on each path: codes for when and why, and the prices that settle the money.

Both evaluations, the static ladder and the account step, end in an `Outcome`, and `settle` turns it into money once.
Units are those of `books.linear`: prices relative to spot, money relative to the notional at spot.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab.books.linear import Positions

CAUSES = ("diffusion", "gap", "funding")
DIFFUSION, GAP, FUNDING = range(len(CAUSES))
NEVER = np.int32(-1)


class Outcome(NamedTuple):
    """Of one ladder side. Codes are int32: survival bin * len(CAUSES) + cause, or NEVER."""

    liquidation: Array  # code, (book, path)
    fill: Array  # price at the level or after the gap, before slippage, (book, path)
    funding: Array  # F at the close-out, (book, path)
    loss: Array  # code of crossing each loss level while open, (fraction, book, path)


class Settlement(NamedTuple):
    """Money relative to the notional at spot. PnL is since as_of, net of fees and funding."""

    bankruptcy: Array  # code, (book, path)
    loss: Array  # code, (fraction, book, path), with losses that the close-out itself made
    pnl: Array  # (horizon, book, path)
    fees: Array  # (horizon, book, path)
    funding: Array  # received, (horizon, book, path)
    shortfall: Array  # (horizon, book, path)


def code(bin_index: Array, cause: Any) -> Array:
    """The code of an event in a survival bin by a cause."""
    return bin_index * np.int32(len(CAUSES)) + cause


def settle(
    positions: Positions,
    side: int,
    fractions: Array,
    outcome: Outcome,
    price: Array,
    funding: Array,
    last_code: Array,
) -> Settlement:
    """Money of every book at every horizon.

    `price` and `funding` (F) are the survivor's at each horizon, shape (horizon, 1, path); `last_code` the first code
    after each horizon, shape (horizon,). Shortfall is what equity falls below zero by at the fill, before fees; exit
    and liquidation fees are capped by what is left; the residual is kept by the customer or not, as the rulebook says.
    """
    p = Positions(*(_column(field) for field in positions))
    fill = outcome.fill * (np.float32(1) - np.float32(side) * p.slippage)
    equity = p.margin + np.float32(side) * (fill - p.entry - outcome.funding)
    left = jnp.maximum(equity, np.float32(0))
    exit_fee = jnp.minimum(p.exit_fee * fill, left)
    liquidation_fee = jnp.minimum(p.liquidation_fee * fill, left - exit_fee)
    kept = p.residual_kept * (left - exit_fee - liquidation_fee)
    closed_pnl = kept - p.equity - p.outside_fee
    liquidated = outcome.liquidation > NEVER
    bankruptcy = jnp.where(liquidated & (equity < np.float32(0)), outcome.liquidation, NEVER)
    wiped = liquidated[None] & (closed_pnl[None] <= -fractions[:, None, None] * p.equity[None])
    loss = jnp.where(outcome.loss > NEVER, outcome.loss, jnp.where(wiped, outcome.liquidation[None], NEVER))

    closed = liquidated[None] & (outcome.liquidation[None] < last_code[:, None, None])
    open_pnl = np.float32(side) * (price - np.float32(1) - funding) - p.entry_fee[None]
    received = -np.float32(side) * jnp.where(closed, outcome.funding[None], funding)
    zero = np.float32(0)
    return Settlement(
        bankruptcy,
        loss,
        pnl=jnp.where(closed, closed_pnl[None], open_pnl),
        fees=p.entry_fee[None] + jnp.where(closed, (exit_fee + liquidation_fee)[None], zero),
        funding=received,
        shortfall=jnp.where(closed, (left - equity)[None], zero),
    )


def _column(field: Array) -> Array:
    return field[:, None] if field.ndim == 1 else field  # (book,) beside (book, path)
