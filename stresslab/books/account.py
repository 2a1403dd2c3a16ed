"""The general account step: each book is an account with its own margin, looked at on every piece of every step.

Order of events in a step. For each piece in time order: the price moves; an account whose equity is at or below its
requirement at the worst price of a diffusion is closed at the level where the two meet; after a jump, at the price
after the gap. Then funding, if its time was passed: it is paid from the margin and equity is tested again; a breach
fills at the current price.

It knows nothing of the static ladder's lines: equity and requirement are evaluated from the account's own state. A
closed account keeps the margin that it was closed with, so the level of a fill is worked out once, after the loop.
"""

import functools
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab.books.linear import LONG, Positions
from stresslab.books.outcome import CAUSES, DIFFUSION, FUNDING, GAP, NEVER, Outcome, code


class Accounts(NamedTuple):
    """State of the books of one side, shape (book, path) or (fraction, book, path)."""

    margin: Array  # isolated margin, moved by funding while the account lives
    liquidation: Array  # code, NEVER while alive
    loss: Array  # codes
    fill: Array  # price after a gap or at a funding time, where that closed the account
    paid: Array  # F at the close-out, or so far


def start(positions: Positions, n_fractions: int, n_paths: int) -> Accounts:
    """All accounts as they stand at as_of."""
    n_books = positions.margin.shape[0]
    nothing = jnp.zeros((n_books, n_paths), jnp.float32)
    return Accounts(
        margin=nothing + positions.margin[:, None],
        liquidation=jnp.full((n_books, n_paths), NEVER),
        loss=jnp.full((n_fractions, n_books, n_paths), NEVER),
        fill=nothing,
        paid=nothing,
    )


def equity(side: int, positions: Positions, margin: Array, price: Array) -> Array:
    """Margin plus unrealised PnL, shape (book, path)."""
    return margin + np.float32(side) * (price - positions.entry[:, None])


def requirement(positions: Positions, price: Array) -> Array:
    """Maintenance margin at this price, shape (book, path): with marginal tiers the largest of the lines."""
    tiers = range(positions.mmr.shape[1])
    lines = [positions.mmr[:, tier, None] * price - positions.cum[:, tier, None] for tier in tiers]
    return functools.reduce(jnp.maximum, lines)


def trigger_price(side: int, positions: Positions, margin: Array) -> Array:
    """The price at which equity meets the requirement: over the tiers, the one that is met first."""
    met = [
        (positions.entry[:, None] - np.float32(side) * (margin + positions.cum[:, tier, None]))
        / (np.float32(1) - np.float32(side) * positions.mmr[:, tier, None])
        for tier in range(positions.mmr.shape[1])
    ]
    return functools.reduce(jnp.maximum if side == LONG else jnp.minimum, met)


def diffuse(side: int, p: Positions, fractions: Array, accounts: Accounts, worst: Array, bin_index: Array) -> Accounts:
    """A continuous piece that reached as far as the price `worst`, shape (1, path)."""
    return _test(side, p, fractions, accounts, worst, code(bin_index, np.int32(DIFFUSION)))


def jump(side: int, p: Positions, fractions: Array, accounts: Accounts, after: Array, bin_index: Array) -> Accounts:
    """A jump to the price `after`: whatever was passed fills there."""
    return _test_and_fill(side, p, fractions, accounts, after, code(bin_index, np.int32(GAP)))


def pay_funding(
    side: int, p: Positions, fractions: Array, accounts: Accounts, price: Array, rate: Array, bin_index: Array
) -> Accounts:
    """Pay `rate` of the mark notional out of the margin (a short receives it), then test again."""
    payment = jnp.where(accounts.liquidation == NEVER, rate * price, np.float32(0))
    accounts = accounts._replace(margin=accounts.margin - np.float32(side) * payment, paid=accounts.paid + payment)
    return _test_and_fill(side, p, fractions, accounts, price, code(bin_index, np.int32(FUNDING)))


def outcome(side: int, p: Positions, fractions: Array, accounts: Accounts) -> Outcome:
    """The accounts' end, in the form that both evaluations share."""
    trigger = trigger_price(side, p, accounts.margin)
    by_diffusion = accounts.liquidation % np.int32(len(CAUSES)) == np.int32(DIFFUSION)
    # of a move that also closed the account, only what was lost on the way to the trigger happened while it was open
    in_front = _wealth(side, p, accounts.margin, trigger)[None] <= _floor(p, fractions)
    loss = jnp.where((accounts.loss == accounts.liquidation[None]) & ~in_front, NEVER, accounts.loss)
    return Outcome(accounts.liquidation, jnp.where(by_diffusion, trigger, accounts.fill), accounts.paid, loss)


def _test(side: int, p: Positions, fractions: Array, accounts: Accounts, price: Array, event: Array) -> Accounts:
    """Close what is at or below its requirement at `price`, and mark the loss levels that wealth has reached there."""
    alive = accounts.liquidation == NEVER
    breached = alive & (equity(side, p, accounts.margin, price) <= requirement(p, price))
    lost = (
        (accounts.loss == NEVER)
        & alive[None]
        & (_wealth(side, p, accounts.margin, price)[None] <= _floor(p, fractions))
    )
    return accounts._replace(
        liquidation=jnp.where(breached, event, accounts.liquidation), loss=jnp.where(lost, event, accounts.loss)
    )


def _test_and_fill(
    side: int, p: Positions, fractions: Array, accounts: Accounts, price: Array, event: Array
) -> Accounts:
    after = _test(side, p, fractions, accounts, price, event)
    closed = after.liquidation != accounts.liquidation
    return after._replace(fill=jnp.where(closed, price, accounts.fill))


def _wealth(side: int, p: Positions, margin: Array, price: Array) -> Array:
    return equity(side, p, margin, price) - p.outside_fee[:, None]


def _floor(p: Positions, fractions: Array) -> Array:
    """The wealth at which each loss level is reached, shape (fraction, book, 1)."""
    return (np.float32(1) - fractions[:, None, None]) * p.equity[None, :, None]
