"""A ladder of linear, isolated positions in the units of the compiled loop.

Prices are relative to spot. Money is relative to the notional at spot (quantity x spot), so that a position of quantity 1 is meant
throughout. `funding` stands for F = sum of rate_k S_k since as_of: a long has paid F, a short has received it.
"""

from typing import NamedTuple

import numpy as np

LONG, SHORT = 1, -1


class Positions(NamedTuple):
    """Books of one side, each field a float64 array of shape (book,) or as said."""

    entry: np.ndarray  # entry price
    margin: np.ndarray  # isolated margin at as_of
    equity: np.ndarray  # margin + unrealised PnL at as_of: the account's wealth that can be lost
    entry_fee: np.ndarray  # paid at as_of
    outside_fee: np.ndarray  # the part of it that was not paid out of the margin
    mmr: np.ndarray  # (book, tier) maintenance rates
    cum: np.ndarray  # (book, tier) maintenance amounts
    slippage: np.ndarray  # fraction of the price lost in a close-out
    exit_fee: np.ndarray  # rate on the notional closed
    liquidation_fee: np.ndarray  # rate on the notional liquidated
    residual_kept: np.ndarray  # 1 where the customer keeps what is left after a liquidation, else 0


class TriggerLines(NamedTuple):
    """A level on the price that moves with F: level = (offset + F) * scale, the worst over the last axis (tiers)."""

    offset: np.ndarray
    scale: np.ndarray


def liquidation_lines(positions: Positions, side: int) -> TriggerLines:
    """Equity <= requirement as lines, shape (book, tier).

    A long is liquidated where (1 - mmr_i) S - F <= entry - margin - cum_i for some tier i; a short where
    (1 + mmr_i) S - F >= entry + margin + cum_i (DESIGN: "Static ladders are cheap").
    """
    offset = positions.entry[:, None] - side * (positions.margin[:, None] + positions.cum)
    return TriggerLines(offset, 1 / (1 - side * positions.mmr))


def loss_lines(positions: Positions, side: int, fractions: np.ndarray) -> TriggerLines:
    """Wealth lost >= fraction of the equity at as_of, shape (fraction, book): slope one, entry fee counted."""
    room = fractions[:, None] * positions.equity - positions.entry_fee  # PnL that may still be lost
    return TriggerLines(1 - side * room, np.ones_like(room))
