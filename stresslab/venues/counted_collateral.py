"""What collateral counts for: several currencies with haircuts, at the index or at the venue's own price.

    counted = sum balance * price * (1 - haircut)            equity = counted + unrealised PnL        (Kraken)

A balance below 0 is a debt and counts in full. A venue that reads a coin off its own book counts that price, wherever
the coin trades elsewhere (Binance, USDe at 0.65 on 2025-10-10). Source: Kraken support 4844463246100, margining of
multi-collateral futures.
"""

import numpy as np
from numpy.typing import ArrayLike

from stresslab.venues.inputs import FloatArray, finite, not_negative, refuse_where, series, shapes_in_words


@shapes_in_words
def counted_collateral(balances: ArrayLike, prices: ArrayLike, haircuts: ArrayLike = 0.0) -> FloatArray:
    """Quote currency; the assets are on the last axis."""
    held, cut = finite("balances", balances), not_negative("haircuts", haircuts)
    refuse_where(cut > 1, cut, "must be at most 1", "haircuts")
    counted = held * not_negative("prices", prices) * np.where(held > 0, 1 - cut, 1.0)
    return series("balances", counted).sum(axis=-1)


def multi_collateral_equity(
    balances: ArrayLike, prices: ArrayLike, haircuts: ArrayLike = 0.0, unrealised: ArrayLike = 0.0
) -> FloatArray:
    """What stands against the requirement: counted collateral and the open PnL."""
    return counted_collateral(balances, prices, haircuts) + finite("unrealised", unrealised)
