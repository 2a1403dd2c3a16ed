"""Random written-down paths: eight steps of straight lines and jumps, funding after every second one."""

import numpy as np
from accounts.drawn_books import SPOTS
from helpers.account_engine import Script

N_STEPS = 8
BINS = np.arange(N_STEPS) // 3
RATES = np.where(np.arange(N_STEPS) % 2, 3e-3, 0.0) * np.where(np.arange(N_STEPS) % 4 == 1, 1, -1)


def wild(n: int, seed: int, assets: int = 1, corners: bool = True) -> Script:
    """A path in three jumps only now and then, one in two of the other pieces moves."""
    rng = np.random.default_rng(seed)
    moves = rng.normal(0, 0.02, (N_STEPS, 4, assets, n))
    still = rng.random((N_STEPS, 4, 1, n))
    jumps = np.where(still[:, 2] < 0.4, 1.5 * moves[:, 2], 0.0)
    moves = np.where(still < 0.6, moves, 0.0)
    moves[:, 2] = jumps
    if assets > 1 or not corners:  # what several assets do between the ends is not seen
        moves[:, 0] = 0.0
    logs = np.cumsum(moves.reshape(-1, assets, n), axis=0).reshape(moves.shape)
    return Script(np.array(SPOTS[:assets])[:, None] * np.exp(logs), RATES, BINS)
