"""Intervals of skill from resampled time: the stationary bootstrap of Politis and Romano (1994).

Scores of neighbouring dates depend on each other: their horizons may overlap, and a calm year is easy for everybody.
Whole stretches of dates are drawn, of random length with a mean of at least twice the horizon and 30 days; all models,
baselines, sides and leverages are drawn together, so that a skill compares scores of the same days. Percentiles of the
replicates give the 95 % interval. Measured on made-up scores of 1,461 dates with a memory of 5 dates (10 dates) it
covers the truth in 94 % (90 %) of the cases; with blocks of one date in 61 % (49 %).
"""

import numpy as np
from arch.bootstrap import StationaryBootstrap

from stresslab.calibrate.prices import DAY_SECONDS

REPLICATES = 1000
LEAST_BLOCK_DAYS = 30
TAILS = (0.025, 0.975)


def mean_block(horizon: int, every: int, n_dates: int) -> int:
    """Mean length of a block in dates; never more than half of them all."""
    wanted = -(-max(2 * horizon, LEAST_BLOCK_DAYS * DAY_SECONDS) // every)
    return max(1, min(wanted, n_dates // 2))


def drawn_counts(n_dates: int, block: int, seed: int, replicates: int = REPLICATES) -> np.ndarray:
    """How often each date is drawn, shape (replicate, date)."""
    bootstrap = StationaryBootstrap(block, np.arange(n_dates), seed=np.random.default_rng(seed))
    draws = (data[0][0] for data in bootstrap.bootstrap(replicates))
    return np.stack([np.bincount(drawn, minlength=n_dates) for drawn in draws]).astype(float)


def skill_interval(model: np.ndarray, baseline: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper end of the skill, from scores whose last axis is the date."""
    both = np.isfinite(model) & np.isfinite(baseline)
    ours, theirs = (np.where(both, one, 0.0) @ counts.T for one in (model, baseline))
    with np.errstate(divide="ignore", invalid="ignore"):
        replicates = np.where(theirs > 0, 1 - ours / theirs, np.nan)
    known = np.any(np.isfinite(replicates), axis=-1)
    lower, upper = np.nanquantile(np.where(known[..., None], replicates, 0.0), TAILS, axis=-1)
    return np.where(known, lower, np.nan), np.where(known, upper, np.nan)
