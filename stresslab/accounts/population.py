"""The other positions of a market, by leverage, and what a move of the price does to them: a reduced form.

Longs and shorts of leverage L and maintenance m stand at distances to their liquidation that are spread evenly over
(0, W), W = 2 (1/L - m): on average that of a new position. A move reaches what it has not reached before: `ahead` is
how far the price has come away from the nearest of them, `swept` how far on from there they are gone. Both fall back to
0 as positions are renewed, so that what is liquidated does not depend on the length of a step. A move that reaches R
further liquidates, of each bucket with open interest O, the density O / W over what is left of W. Filled s below the
trigger by impact, and further by the share g of the way beyond the trigger that was a gap, a position passed by y

    leaves    m - s - g y     of its notional: above 0 to the fund (or to its customer), below 0 a loss, it is bankrupt

g is what the move had beyond `gap_beyond` deviations of the step's diffusion. s comes from `close_out` for all that is
liquidated in the step. Log entry prices are normal about a mean that follows the price at the rate of renewal.

Assumptions, not estimates: no venue publishes positions by leverage. LEVERAGE and SHARES are set so that a fall of 13 %
(BTC on 2025-10-10) liquidates 23 % of the longs: between the 9 % of all open interest that was reported liquidated (a
lower bound, CoinGlass: $19B of $217B) and the 43 % by which it fell.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

LEVERAGE = (1.0, 2.0, 5.0, 10.0, 25.0)
SHARES = (0.40, 0.30, 0.20, 0.08, 0.02)  # of the open interest


class Population(NamedTuple):
    """Scalars and, by bucket, (bucket,)."""

    open_interest: Any  # (bucket,), quote currency, of each side
    leverage: Any  # (bucket,)
    mmr: Any  # (bucket,)
    renewal: Any  # 1 - exp(-dt / T), T the mean time that a position is held
    gap_beyond: Any  # deviations; 4
    deviation: Any  # square root of dt in years
    dispersion: Any  # of log entry prices about their mean: sigma sqrt(T / 2) for a Brownian motion


class Side(NamedTuple):
    """The longs or the shorts, log price, (1, path)."""

    ahead: Array
    swept: Array


class Wave(NamedTuple):
    """What a step liquidates of one side, quote currency, (1, path)."""

    liquidated: Array
    bankrupt: Array  # of it
    loss: Array
    gain: Array


class Met(NamedTuple):
    """How a step meets one side: of each bucket, how far beyond their triggers the price has gone, (bucket, path)."""

    density: Array  # quote currency per log price, (bucket, 1)
    least: Array
    most: Array
    gap: Array  # g, (1, path)


def meet(population: Population, side: Side, adverse: Array, variance: Array) -> tuple[Side, Met]:
    """Move a side by `adverse` log price (negative: in its favour)."""
    reach = jnp.maximum(adverse - side.ahead, np.float32(0))
    width = np.float32(2) * (np.float32(1) / population.leverage - population.mmr)[:, None]
    gone = jnp.minimum(side.swept + reach, width) - jnp.minimum(side.swept, width)
    plain = population.gap_beyond * population.deviation * jnp.sqrt(variance)
    gap = jnp.clip((adverse - plain) / jnp.maximum(adverse, np.float32(1e-30)), np.float32(0), np.float32(1))
    kept = np.float32(1) - population.renewal
    after = Side(kept * jnp.maximum(side.ahead - adverse, np.float32(0)), kept * (side.swept + reach))
    most = jnp.broadcast_to(reach, gone.shape)
    return after, Met(population.open_interest[:, None] / width, most - gone, most, gap)


def liquidated(met: Met) -> Array:
    """The notional liquidated."""
    return jnp.sum(met.density * (met.most - met.least), axis=0, keepdims=True)


def close(population: Population, met: Met, slippage: Array) -> Wave:
    """What the liquidations leave at this slippage."""
    cushion, gap = population.mmr[:, None] - slippage, jnp.maximum(met.gap, np.float32(1e-6))
    turn = jnp.clip(cushion / gap, met.least, met.most)  # passed by more a position is bankrupt
    half = np.float32(0.5) * gap
    spared, bankrupt = turn - met.least, met.most - turn
    gain = spared * (cushion - half * (turn + met.least))
    loss = bankrupt * (half * (met.most + turn) - cushion)
    total = [jnp.sum(met.density * each, axis=0, keepdims=True) for each in (bankrupt, loss, gain)]
    return Wave(liquidated(met), total[0], jnp.maximum(total[1], np.float32(0)), jnp.maximum(total[2], np.float32(0)))


def share_above(population: Population, log_return: Array, mean: Array) -> Array:
    """The share of a side's positions whose log return is above this one, given the side's mean."""
    return np.float32(0.5) * lax.erfc((log_return - mean) / (np.float32(np.sqrt(2)) * population.dispersion))
