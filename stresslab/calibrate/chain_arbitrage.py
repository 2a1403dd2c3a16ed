"""Quotes of one expiry that cannot all be right: vertical spreads and butterflies with a negative price.

With puts turned into calls by parity (call = put + F - K), every pair K1 < K2 and every K1 < K2 < K3 must have

    bid(K2) <= ask(K1),      bid(K1) - ask(K2) <= K2 - K1        (the call falls in the strike, by at most the strike)
    bid(K2) <= w ask(K1) + (1 - w) ask(K3),    w = (K3 - K2) / (K3 - K1)        (and is convex)

Of the quotes in conflict the one in the most conflicts is dropped (the wider one of equals), until none is left.
Carr and Madan (2005), "A note on sufficient conditions for no arbitrage".
"""

from collections.abc import Callable

import numpy as np

SLACK = 1e-5  # of the forward: rounding of the prices is no arbitrage

Conflicts = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def without_conflicts(strikes: np.ndarray, bids: np.ndarray, asks: np.ndarray, conflicts: Conflicts) -> np.ndarray:
    """Which quotes stay, for call prices over the forward; `conflicts` counts them for each quote."""
    kept = np.argsort(strikes, kind="stable")
    while True:
        counts = conflicts(strikes[kept], bids[kept], asks[kept])
        if not counts.any():
            break
        worst = np.lexsort((asks[kept] - bids[kept], counts))[-1]
        kept = np.delete(kept, worst)
    return np.isin(np.arange(len(strikes)), kept)


def vertical_conflicts(strikes: np.ndarray, bids: np.ndarray, asks: np.ndarray) -> np.ndarray:
    """For each quote, with how many others it makes a vertical spread that pays to be held."""
    width = strikes[None, :] - strikes[:, None]  # of the pair (lower strike, higher strike)
    rising = bids[None, :] > asks[:, None] + SLACK
    steep = bids[:, None] - asks[None, :] > width + SLACK
    pairs = (rising | steep) & (width > 0)
    return pairs.sum(axis=0) + pairs.sum(axis=1)


def butterfly_conflicts(strikes: np.ndarray, bids: np.ndarray, asks: np.ndarray) -> np.ndarray:
    """For each quote, in how many butterflies that pay to be held it is."""
    low, middle, high = strikes[:, None, None], strikes[None, :, None], strikes[None, None, :]
    ordered = (low < middle) & (middle < high)
    weight = (high - middle) / np.where(ordered, high - low, 1.0)
    wings = weight * asks[:, None, None] + (1 - weight) * asks[None, None, :]
    triples = ordered & (bids[None, :, None] > wings + SLACK)
    return triples.sum(axis=(1, 2)) + triples.sum(axis=(0, 2)) + triples.sum(axis=(0, 1))
