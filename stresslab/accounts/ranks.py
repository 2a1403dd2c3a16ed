"""Who is deleveraged first: a position's score by the venue's rule, and the share of the population that scores higher.

r = profit / entry value, s = +1 long, -1 short; of a population's position with leverage L and maintenance m, linear:
value / entry value = 1 + s r, equity / entry value = 1/L + r.

    leveraged_return,      r value / equity                         Bybit, OKX; BitMEX
    pnl_times_leverage
    leverage_pnl           r / wallet * maintenance / equity        Binance
    mark_leverage          (mark / entry)^s value / equity          Hyperliquid
    profit                 r                                        GMX, per unit of entry value
    random                 -                                        dYdX

The higher scores are those with r above a root of a quadratic (mark_leverage of longs: outside of two; of a short,
whose value falls as it makes profit, the score falls again near a profit of its whole value: not seen here). Only
positions in profit are ranked, but by mark_leverage and random. Sources: `stresslab.venues.deleveraging_rank`.
"""

from typing import Literal, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab.accounts.population import Population, share_above

Rank = Literal["leveraged_return", "pnl_times_leverage", "leverage_pnl", "mark_leverage", "profit", "random"]
UNRANKED = ("mark_leverage", "random")  # rank losers too

_ONE, _TWO, _FOUR = np.float32(1), np.float32(2), np.float32(4)


class Winner(NamedTuple):
    """A position and its account, (book, path)."""

    profit: Array
    entry_value: Array
    value: Array
    equity: Array
    maintenance: Array
    moved: Array  # mark / entry
    side: Array  # +1 long, -1 short


def score(rank: Rank, one: Winner) -> Array:
    """The venue's number; the highest is first."""
    equity = jnp.maximum(one.equity, np.float32(1e-9))
    if rank == "profit":
        return one.profit / one.entry_value
    if rank == "mark_leverage":
        return jnp.where(one.side > 0, one.moved, _ONE / one.moved) * one.value / equity
    if rank == "leverage_pnl":
        wallet = jnp.maximum(one.equity - one.profit, np.float32(1e-9))
        return jnp.maximum(one.profit, np.float32(0)) / wallet * one.maintenance / equity
    return one.profit / one.entry_value * one.value / equity


def share_ahead(rank: Rank, population: Population, found: Array, side: Array, mean: Array) -> Array:
    """The share of the open interest on this side that scores higher than `found`, (book, path)."""
    total, all_of = jnp.zeros_like(found), jnp.sum(population.open_interest)
    for bucket in range(population.leverage.shape[0]):
        weight = population.open_interest[bucket] / all_of
        total = total + weight * _ahead(rank, population, bucket, found, side, mean)
    return total


def _ahead(rank: Rank, population: Population, bucket: int, found: Array, side: Array, mean: Array) -> Array:
    leverage, mmr = population.leverage[bucket], population.mmr[bucket]
    if rank == "profit":
        return share_above(population, _log(side, found), mean)
    if rank == "mark_leverage":
        return _by_leverage(population, leverage, found, side, mean)
    goal = found / (leverage * mmr) if rank == "leverage_pnl" else found
    # s r^2 + (1 - goal) r - goal / L = 0, in the form without cancellation; nobody is ahead where there is no root
    within = (_ONE - goal) ** 2 + side * _FOUR * goal / leverage
    below = (_ONE - goal) + jnp.sqrt(jnp.maximum(within, np.float32(0)))
    root = _TWO * goal / leverage / jnp.maximum(below, np.float32(1e-9))
    ahead = share_above(population, _log(side, root), mean)
    return jnp.where((within > 0) & (below > 0), ahead, np.float32(0))


def _by_leverage(population: Population, leverage: Array, found: Array, side: Array, mean: Array) -> Array:
    # long: r^2 + (2 - found) r + 1 - found / L > 0; short: 1 / (1/L + r) > found
    within = (found - _TWO) ** 2 - _FOUR * (_ONE - found / leverage)
    root = jnp.sqrt(jnp.maximum(within, np.float32(0)))
    low, high = ((found - _TWO - root) / _TWO, (found - _TWO + root) / _TWO)
    between = share_above(population, _log(side, low), mean) - share_above(population, _log(side, high), mean)
    of_long = _ONE - jnp.where(within > 0, between, np.float32(0))
    of_short = _ONE - share_above(population, _log(side, _ONE / found - _ONE / leverage), mean)
    return jnp.where(side > 0, of_long, of_short)


def _log(side: Array, simple: Array) -> Array:
    """The log return of a side that made this simple one: s log(1 + s r)."""
    return side * jnp.log(jnp.maximum(_ONE + side * simple, np.float32(1e-6)))
