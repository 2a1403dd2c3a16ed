"""A ladder of linear, isolated positions in the units of the compiled loop.

Prices are relative to spot. Money is relative to the notional at spot (quantity x spot), so that a position of quantity
1 is meant throughout. Fields are NumPy arrays on the host and JAX arrays in the loop. `funding` stands for F = sum of
rate_k S_k since as_of: a long has paid F, a short has received it.
"""

from typing import Any, NamedTuple

import numpy as np

LONG, SHORT = 1, -1
NEVER_CROSSED = 1e30


class Positions(NamedTuple):
    """Books of one side, each field a float64 array of shape (book,) or as said."""

    entry: Any  # entry price
    margin: Any  # isolated margin at as_of
    equity: Any  # margin + unrealised PnL at as_of: the account's wealth that can be lost
    entry_fee: Any  # paid at as_of
    outside_fee: Any  # the part of it that was not paid out of the margin
    mmr: Any  # (book, tier) maintenance rates
    cum: Any  # (book, tier) maintenance amounts
    slippage: Any  # fraction of the price lost in a close-out
    exit_fee: Any  # rate on the notional closed
    liquidation_fee: Any  # rate on the notional liquidated
    residual_kept: Any  # 1 where the customer keeps what is left after a liquidation, else 0


class Lines(NamedTuple):
    """The static ladder's constants: a long crosses where slope S - F <= offset, a short where it is >= offset."""

    slopes: Any  # (tier + 1,): 1 - side mmr of each distinct rate, and last the 1 of the loss levels
    offset: Any  # (book, tier); a tier that a book does not need has an offset that is never crossed
    loss_offset: Any  # (fraction, book)


def ladder_lines(positions: Positions, side: int, fractions: np.ndarray) -> Lines:
    """Equity <= requirement, and wealth lost >= fraction of the equity at as_of, as lines in S and F.

    A long is liquidated where (1 - mmr_i) S - F <= entry - margin - cum_i for some tier i; a short where
    (1 + mmr_i) S - F >= entry + margin + cum_i.
    """
    rates = np.unique(positions.mmr)
    offset = np.full((len(positions.margin), len(rates)), -side * NEVER_CROSSED)
    own = positions.entry[:, None] - side * (positions.margin[:, None] + positions.cum)
    np.put_along_axis(offset, np.searchsorted(rates, positions.mmr), own, axis=1)
    room = fractions[:, None] * positions.equity - positions.entry_fee  # PnL that may still be lost
    return Lines(np.append(1 - side * rates, 1.0), offset, 1 - side * room)
