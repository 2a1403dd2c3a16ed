"""The general account step: each book is an account with its own margin, looked at on every piece of every step.

Order of events in a step. For each piece in time order: the price moves; an account whose equity is at or below its
requirement at the worst price of a diffusion is closed at the level where the two meet; after a jump, at the price
after the gap. Then funding, if its time was passed: it is paid from the margin and equity is tested again; a breach
fills at the current price.

It knows nothing of the static ladder's lines: equity and requirement are evaluated from the account's own state.
"""

import functools
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab.books.linear import LONG, Positions
from stresslab.books.outcome import DIFFUSION, FUNDING, GAP, NEVER, Outcome, code


class Accounts(NamedTuple):
    """State of the books of one side, shape (book, path) or (fraction, book, path)."""

    margin: Array  # isolated margin, moved by funding
    liquidation: Array  # code, NEVER while alive
    fill: Array
    paid: Array  # F at the close-out
    loss: Array  # codes


def start(positions: Positions, n_fractions: int, n_paths: int) -> Accounts:
    """All accounts as they stand at as_of."""
    n_books = positions.margin.shape[0]
    return Accounts(
        margin=jnp.broadcast_to(positions.margin[:, None], (n_books, n_paths)).astype(jnp.float32),
        liquidation=jnp.full((n_books, n_paths), NEVER),
        fill=jnp.zeros((n_books, n_paths), jnp.float32),
        paid=jnp.zeros((n_books, n_paths), jnp.float32),
        loss=jnp.full((n_fractions, n_books, n_paths), NEVER),
    )


def equity(side: int, positions: Positions, margin: Array, price: Array) -> Array:
    """Margin plus unrealised PnL, shape (book, path)."""
    return margin + np.float32(side) * (price - positions.entry[:, None])


def requirement(positions: Positions, price: Array) -> Array:
    """Maintenance margin at the notional of this price, shape (book, path): marginal tiers, so the largest of the
    lines.
    """
    lines = [
        positions.mmr[:, tier, None] * price - positions.cum[:, tier, None] for tier in range(positions.mmr.shape[1])
    ]
    return functools.reduce(jnp.maximum, lines)


def trigger_price(side: int, positions: Positions, margin: Array) -> Array:
    """The price at which equity meets the requirement: over the tiers, the one that is met first."""
    met = [
        (positions.entry[:, None] - np.float32(side) * (margin + positions.cum[:, tier, None]))
        / (np.float32(1) - np.float32(side) * positions.mmr[:, tier, None])
        for tier in range(positions.mmr.shape[1])
    ]
    return functools.reduce(jnp.maximum if side == LONG else jnp.minimum, met)


def diffuse(
    side: int, p: Positions, fractions: Array, accounts: Accounts, worst: Array, funding: Array, bin_index: Array
) -> Accounts:
    """A continuous piece that reached as far as the price `worst`, shape (1, path)."""
    alive = accounts.liquidation == NEVER
    at_worst = equity(side, p, accounts.margin, worst)
    breached = alive & (at_worst <= requirement(p, worst))
    level = trigger_price(side, p, accounts.margin)
    # of an account that is closed on the way, only what was lost by then counts
    reached = jnp.where(breached, level, worst)
    accounts = _lose(side, p, fractions, accounts, alive, reached, code(bin_index, np.int32(DIFFUSION)))
    return _close(accounts, breached, level, funding, code(bin_index, np.int32(DIFFUSION)))


def jump(
    side: int, p: Positions, fractions: Array, accounts: Accounts, after: Array, funding: Array, bin_index: Array
) -> Accounts:
    """A jump to the price `after`: whatever was passed fills there."""
    return _test(side, p, fractions, accounts, after, funding, code(bin_index, np.int32(GAP)))


def pay_funding(
    side: int,
    p: Positions,
    fractions: Array,
    accounts: Accounts,
    price: Array,
    rate: Array,
    funding: Array,
    bin_index: Array,
) -> Accounts:
    """Pay `rate` of the mark notional out of the margin (a short receives it), then test again; `funding` is the new
    F.
    """
    accounts = accounts._replace(margin=accounts.margin - np.float32(side) * rate * price)
    return _test(side, p, fractions, accounts, price, funding, code(bin_index, np.int32(FUNDING)))


def outcome(accounts: Accounts) -> Outcome:
    """The accounts' end, in the form that both evaluations share."""
    return Outcome(accounts.liquidation, accounts.fill, accounts.paid, accounts.loss)


def _test(
    side: int, p: Positions, fractions: Array, accounts: Accounts, price: Array, funding: Array, event: Array
) -> Accounts:
    alive = accounts.liquidation == NEVER
    breached = alive & (equity(side, p, accounts.margin, price) <= requirement(p, price))
    trigger = trigger_price(side, p, accounts.margin)
    reached = jnp.where(breached, trigger, price)
    accounts = _lose(side, p, fractions, accounts, alive, reached, event)
    return _close(accounts, breached, jnp.broadcast_to(price, breached.shape), funding, event)


def _lose(
    side: int, p: Positions, fractions: Array, accounts: Accounts, alive: Array, price: Array, event: Array
) -> Accounts:
    """Mark the loss levels that wealth has reached at `price`, shape (book, path)."""
    wealth = equity(side, p, accounts.margin, price) - p.outside_fee[:, None]
    floor = (np.float32(1) - fractions[:, None, None]) * p.equity[None, :, None]
    reached = (accounts.loss == NEVER) & alive[None] & (wealth[None] <= floor)
    return accounts._replace(loss=jnp.where(reached, event, accounts.loss))


def _close(accounts: Accounts, breached: Array, fill: Array, funding: Array, event: Array) -> Accounts:
    return accounts._replace(
        liquidation=jnp.where(breached, event, accounts.liquidation),
        fill=jnp.where(breached, fill, accounts.fill),
        paid=jnp.where(breached, funding, accounts.paid),
    )
