"""Proper scores of probability forecasts, and their skill against a baseline.

    Brier   (p - y)^2              log   -y log p - (1 - y) log(1 - p)            0 is best, y = 1 where it happened
    skill   1 - sum S(model) / sum S(baseline) over the dates that both forecast: 0 is as good, 0.05 is 5 % better

Both have their least mean where p is the true probability, and nowhere else. The log score is infinite for an event
that was said to be impossible. No Monte Carlo estimate can say that: no hit among n paths is an upper bound. So every
probability, of baselines too, is clipped to [1/(2n), 1 - 1/(2n)] for both scores. Brier (1950); Good (1952); Gneiting
and Raftery (2007), "Strictly proper scoring rules, prediction, and estimation".

Monte Carlo noise of variance e^2 in p adds e^2 to the expected Brier score and about e^2 / (2 p (1 - p)) to the log
score: `noise` gives both.
"""

import numpy as np

SCORES = ("brier", "log")
LEAST_EVENTS = 30  # fewer, or fewer dates without the event: no skill can be told


def clipped(probability: np.ndarray, n_paths: int) -> np.ndarray:
    """Probabilities as they are scored; NaN stays."""
    return np.clip(probability, 0.5 / n_paths, 1 - 0.5 / n_paths)


def scored(probability: np.ndarray, happened: np.ndarray, n_paths: int) -> np.ndarray:
    """Both scores of each forecast, shape (score, ...): NaN where there is no forecast."""
    p = clipped(probability, n_paths)
    with np.errstate(invalid="ignore"):
        return np.stack([(p - happened) ** 2, -np.log(np.where(happened, p, 1 - p))])


def skill(model: np.ndarray, baseline: np.ndarray) -> np.ndarray:
    """Skill from scores whose last axis is the date; NaN where no date has both, or the baseline is perfect."""
    both = np.isfinite(model) & np.isfinite(baseline)
    ours, theirs = (np.where(both, one, 0.0).sum(axis=-1) for one in (model, baseline))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(theirs > 0, 1 - ours / theirs, np.nan)


def noise(probability: np.ndarray, error: np.ndarray, n_paths: int) -> np.ndarray:
    """What Monte Carlo noise adds to the mean of each score, shape (score, ...); the last axis is the date."""
    p = clipped(probability, n_paths)
    added = np.stack([error**2, error**2 / (2 * p * (1 - p))])
    known = np.isfinite(added).sum(axis=-1)
    return np.nansum(added, axis=-1) / np.maximum(known, 1)


def disjoint_events(happened: np.ndarray, dates: np.ndarray, horizon: int) -> np.ndarray:
    """Events along the last axis whose horizons do not overlap: a run of overlapping windows that all see one crash is
    one event.
    """
    counts = np.zeros(happened.shape[:-1], int)
    for index in np.ndindex(counts.shape):
        free = -np.inf
        for date in dates[happened[index]]:
            if date >= free:
                counts[index] += 1
                free = date + horizon
    return counts


def identifiable(happened: np.ndarray, decided: np.ndarray, dates: np.ndarray, horizon: int) -> np.ndarray:
    """Whether there are enough events, and enough of the contrary, to score."""
    contrary = decided & ~happened
    enough = [disjoint_events(one, dates, horizon) >= LEAST_EVENTS for one in (happened, contrary)]
    return enough[0] & enough[1]
