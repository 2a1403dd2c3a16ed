"""Jumps among returns whose volatility changes: moves beyond a multiple of the local volatility, and their law.

    local V_i = pi / 2 mean of |r_j r_(j-1)| over the day before bar i        (per bar; bipower: one jump hardly counts)
    a large move: |r_i| > u_i = 6 sqrt(max(V_i, mean V))

A move that is large for a quiet day alone is no gap that liquidates, and there are hundreds of these a year: hence the
mean. If jumps come at rate lambda with sizes Normal(m, s^2), large moves are a Poisson process thinned by
p_i = P(|N(m, s^2 + V_i)| > u_i), so that

    log L = sum over large moves of log(lambda N(r_i; m, s^2 + V_i))  -  lambda dt sum over all bars of p_i

which is maximal at lambda = (number of large moves) / (dt sum p_i). Jumps that are too small to be seen are those that
the normal law implies. The law is that of merton.py with a threshold that follows the volatility. Barndorff-Nielsen
and Shephard (2004), "Power and bipower variation with stochastic volatility and jumps"; Lee and Mykland (2008), "Jumps
in financial markets: a new nonparametric test and jump dynamics".
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import ndtr

from stresslab.calibrate.identification import best_of
from stresslab.calibrate.prices import DAY_SECONDS, Returns
from stresslab.errors import require

THRESHOLD = 6.0  # local standard deviations of a bar
LEAST_MOVES = 20
BINS = 40  # of the local variance, for the sum of p_i
SHAPES = ((-0.5, 1.0), (0.0, 0.5), (0.0, 1.0), (0.0, 2.0))  # starts: m and s in root mean squares of the large moves


class JumpLaw(NamedTuple):
    """Rate per year, and mean and standard deviation of a jump in log price."""

    intensity: float
    mean: float
    std: float

    def seen(self, variance: np.ndarray, bound: np.ndarray) -> np.ndarray:
        """P(a jump makes a large move) in bars of this local variance and bound."""
        low, high, _ = self._ends(variance, bound)
        return 1 - (ndtr(high) - ndtr(low))

    def unseen_variance(self, variance: np.ndarray, bound: np.ndarray) -> np.ndarray:
        """Per year: what jumps that make no large move add to the variance of the other returns."""
        low, high, deviation = self._ends(variance, bound)
        inside, (d_low, d_high) = ndtr(high) - ndtr(low), (_density(low), _density(high))
        first, second = d_low - d_high, inside + low * d_low - high * d_high  # moments of a cut standard normal
        squares = self.mean**2 * inside + 2 * self.mean * deviation * first + deviation**2 * second
        found: np.ndarray = self.intensity * (squares - variance * inside)
        return found

    def _ends(self, variance: np.ndarray, bound: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        deviation = np.sqrt(self.std**2 + variance)
        return (-bound - self.mean) / deviation, (bound - self.mean) / deviation, deviation


@dataclass(frozen=True)
class LargeMoves:
    """The bars of a history: which hold a large move, and their local variances (NaN on the first day)."""

    is_large: np.ndarray
    variances: np.ndarray
    values: np.ndarray  # returns of all bars
    dt: float

    @property
    def rest(self) -> np.ndarray:
        """The returns with large moves set to 0."""
        return np.where(self.is_large, 0.0, self.values)


def find(returns: Returns, least: int = LEAST_MOVES) -> LargeMoves:
    """The large moves of a history; InputError where they are too few."""
    bars = DAY_SECONDS // returns.seconds
    products = np.abs(returns.values[1:] * returns.values[:-1]) * np.pi / 2
    before = pd.Series(products).rolling(bars - 1).mean().to_numpy()[:-1]
    variances = np.concatenate([[np.nan, np.nan], before])
    variances[variances == 0] = np.nan  # a price that stood still for a day says nothing
    large = np.abs(returns.values) > bounds(variances, float(np.nanmean(variances)))  # False where it is not known
    moves = LargeMoves(large, variances, returns.values, returns.dt)
    rule = f"at least {least} returns beyond {THRESHOLD:g} local standard deviations are needed"
    require(int(large.sum()) >= least, rule, key="returns", got=int(large.sum()))
    return moves


def bounds(variances: np.ndarray, mean: float) -> np.ndarray:
    """What a large move is beyond, in bars of these local variances."""
    return THRESHOLD * np.sqrt(np.maximum(variances, mean))


class Bins(NamedTuple):
    """Local variances sorted into bins: the middle of each and its bound, and how many bars of every block it has."""

    variances: np.ndarray
    bounds: np.ndarray
    counts: np.ndarray  # (block, bin)


def bins_of(moves: LargeMoves, blocks: np.ndarray) -> Bins:
    """Bins of equal numbers of bars."""
    known = np.flatnonzero(np.isfinite(moves.variances))
    edges = np.quantile(moves.variances[known], np.arange(1, BINS) / BINS)
    place = np.searchsorted(edges, moves.variances[known])
    middles = np.quantile(moves.variances[known], (np.arange(BINS) + 0.5) / BINS)
    counts = np.zeros((int(blocks.max()) + 1, BINS))
    np.add.at(counts, (blocks[known], place), 1)
    return Bins(middles, bounds(middles, float(np.mean(moves.variances[known]))), counts)


def jump_law(moves: LargeMoves, weights: np.ndarray, bins: Bins, counts: np.ndarray) -> tuple[JumpLaw, bool]:
    """The law of the highest likelihood, and whether the search for it converged.

    Large moves have weights; `counts`: the number of bars in each bin.
    """
    values, variances = moves.values[moves.is_large], moves.variances[moves.is_large]
    size = np.sqrt(np.average(values**2, weights=weights))

    def law(point: np.ndarray) -> JumpLaw:
        shape = JumpLaw(1.0, size * point[0], size * np.exp(point[1]))
        return shape._replace(
            intensity=float(weights.sum() / (moves.dt * counts @ shape.seen(bins.variances, bins.bounds)))
        )

    def cost(point: np.ndarray) -> float:
        trial = law(point)
        spread = trial.std**2 + variances
        each = np.log(trial.intensity) - np.log(spread) / 2 - (values - trial.mean) ** 2 / (2 * spread)
        return -float(weights @ each) / float(weights.sum())

    starts = [(mean, np.log(std)) for mean, std in SHAPES]
    best = min(starts, key=lambda start: cost(np.array(start)))
    options = {"xatol": 1e-4, "fatol": 1e-8}
    bounds = ((-3.0, 3.0), (-3.0, 2.0))
    found = best_of([minimize(cost, best, method="Nelder-Mead", bounds=bounds, options=options)])
    return law(found.point), found.converged


def _density(x: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.exp(-x * x / 2) / np.sqrt(2 * np.pi)
    return found
