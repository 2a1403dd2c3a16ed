"""What became of each book on each path: codes for when and why, and the prices that settle the money.

The static ladder ends in an `Outcome`; `close_out` and `at_horizons` turn it into money. Units are those of
`books.linear`: prices relative to spot, money relative to the notional at spot.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab.books.linear import Positions

BASE_CAUSES = ("diffusion", "gap", "funding")
CAUSES = (*BASE_CAUSES, "outage", "halt", "collateral", "venue_default")  # the rest only in the general engine
DIFFUSION, GAP, FUNDING, OUTAGE, HALT, COLLATERAL, VENUE_DEFAULT = range(len(CAUSES))
NEVER = np.int32(-1)


class Outcome(NamedTuple):
    """Of one ladder side. Codes are int32: survival bin * len(CAUSES) + cause, or NEVER."""

    liquidation: Array  # code, (book, path)
    fill: Array  # price at the level or after the gap, before slippage, (book, path)
    funding: Array  # F at the close-out, (book, path)
    loss: Array  # code of crossing each loss level while open, (fraction, book, path)


class Closing(NamedTuple):
    """What a close-out leaves, whenever it came; (book, path). Money is relative to the notional at spot."""

    liquidation: Array  # code
    bankruptcy: Array  # code
    loss: Array  # code, (fraction, book, path), with losses that the close-out itself made
    pnl: Array
    fees: Array
    funding: Array
    shortfall: Array


class Money(NamedTuple):
    """At each horizon, (horizon, book, path), relative to the notional at spot. PnL is net of fees and funding."""

    pnl: Array
    fees: Array
    funding: Array  # received
    shortfall: Array


def code(bin_index: Array, cause: Any) -> Array:
    """The code of an event in a survival bin by a cause."""
    return bin_index * np.int32(len(CAUSES)) + cause


def close_out(positions: Positions, side: int, fractions: Array, outcome: Outcome) -> Closing:
    """Codes and money of the close-outs; of a book that was never closed only the codes mean anything.

    Shortfall is what equity falls below zero by at the fill, before fees; exit and liquidation fees are capped by what
    is left; the residual is kept by the customer or not, as the rulebook says.
    """
    p = Positions(*(_column(field) for field in positions))
    fill = outcome.fill * (np.float32(1) - np.float32(side) * p.slippage)
    equity = p.margin + np.float32(side) * (fill - p.entry - outcome.funding)
    left = jnp.maximum(equity, np.float32(0))
    exit_fee = jnp.minimum(p.exit_fee * fill, left)
    liquidation_fee = jnp.minimum(p.liquidation_fee * fill, left - exit_fee)
    kept = p.residual_kept * (left - exit_fee - liquidation_fee)
    pnl = kept - p.equity - p.outside_fee
    liquidated = outcome.liquidation > NEVER
    wiped = liquidated[None] & (pnl[None] <= -fractions[:, None, None] * p.equity[None])
    return Closing(
        liquidation=outcome.liquidation,
        bankruptcy=jnp.where(liquidated & (equity < np.float32(0)), outcome.liquidation, NEVER),
        loss=jnp.where(outcome.loss > NEVER, outcome.loss, jnp.where(wiped, outcome.liquidation[None], NEVER)),
        pnl=pnl,
        fees=p.entry_fee + exit_fee + liquidation_fee,
        funding=-np.float32(side) * outcome.funding,
        shortfall=left - equity,
    )


def at_horizons(
    positions: Positions, side: int, closing: Closing, price: Array, funding: Array, last_code: Array
) -> Money:
    """Money at each horizon: of the close-out if it came before, else of the open position, marked.

    `price` and `funding` (F) are those at each horizon, shape (horizon, 1, path); `last_code` the first code after each
    horizon, shape (horizon,).
    """
    entry_fee = positions.entry_fee[None, :, None]
    event = closing.liquidation[None]
    closed = (event > NEVER) & (event < last_code[:, None, None])
    open_pnl = np.float32(side) * (price - np.float32(1) - funding) - entry_fee
    return Money(
        pnl=jnp.where(closed, closing.pnl[None], open_pnl),
        fees=jnp.where(closed, closing.fees[None], entry_fee),
        funding=jnp.where(closed, closing.funding[None], -np.float32(side) * funding),
        shortfall=jnp.where(closed, closing.shortfall[None], np.float32(0)),
    )


def _column(field: Array) -> Array:
    return field[:, None] if field.ndim == 1 else field  # (book,) beside (book, path)
