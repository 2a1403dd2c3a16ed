"""SVJJ from returns: Bates (bates.py), and the rise of the variance after large moves.

Realised variance (large moves taken out) of the week after a large move, beyond what the week before foretells by
linear regression over all bars, is on average m (1 - e^(-kappa W)) / (kappa W), with m the mean jump of the variance
and W a week. Jumps of rate lambda raise mean and variance of v,

    E[v] = theta + lambda m / kappa,        Var(v) = E[v] xi^2 / (2 kappa) + lambda m^2 / kappa

and E[v], Var(v) and kappa are what heston.py finds, so theta and xi follow; rho from the same covariance as there. The
large moves are seen, the small ones are not, and in prices it is the large ones after which the variance rises: m for
all of them may then be more than the moments of v allow. It is held where jumps make half of E[v] or of Var(v), and
this is said.
jump_correlation is held at 0: the jump of the variance that goes with one jump of the price is seen through a noisy
week alone, and Eraker, Johannes and Polson (2003), "The impact of jumps in volatility and returns", cannot tell it from
0 with 20 years of data.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from stresslab.calibrate import bates, heston
from stresslab.calibrate.fit import Fit
from stresslab.calibrate.identification import Found
from stresslab.calibrate.prices import DAY_SECONDS, Returns
from stresslab.models import SVJJ

DAYS = 7
MOST = 0.5  # share of E[v] and of Var(v) that jumps of the variance may make
HELD = {"jump_correlation": 0.0}
NAMES = (*bates.NAMES, "variance_jump_mean")
METHOD = (
    bates.METHOD + " variance_jump_mean: what the realised variance of the week after those returns has beyond what "
    "the week before foretells; theta and xi without what these jumps add. jump_correlation is held at 0."
)


def fit(returns: Returns) -> Fit:
    """Parameters of SVJJ and their standard errors."""
    sample = bates.sample_of(returns)
    rises = rises_after(sample, DAYS * DAY_SECONDS // returns.seconds)
    blocks = sample.blocks[sample.moves.is_large]

    def estimate(weights: np.ndarray) -> Found:
        known = np.isfinite(rises)
        rise = np.average(rises[known], weights=weights[blocks[known]])
        found, converged = sample.estimate(weights)
        return Found(with_variance_jumps(found, float(rise)), converged)

    return bates.fit_of(bates.Method("svjj", METHOD, NAMES, HELD, _at_most), returns, sample, estimate)


def filter_state(model: SVJJ, returns: Returns) -> dict[str, Any]:
    """v0 at the end of the returns, the parameters given; jumps of the variance count with its volatility."""
    mean, xi = stationary(model.kappa, model.theta, model.xi, model.jump_intensity, model.variance_jump_mean)
    return bates.filter_state(model.model_copy(update={"theta": mean, "xi": xi}), returns)


def stationary(kappa: float, theta: float, xi: float, intensity: float, jump_mean: float) -> tuple[float, float]:
    """E[v], and the xi of a variance without jumps of the same Var(v)."""
    mean = theta + intensity * jump_mean / kappa
    return mean, float(np.sqrt(xi**2 + 2 * intensity * jump_mean**2 / mean))


def rises_after(sample: bates.Sample, bars: int) -> np.ndarray:
    """Per year, for each large move: the variance of the week after beyond the one foretold; NaN at the ends."""
    squares = pd.Series(sample.moves.rest**2 / sample.moves.dt)
    mean = squares.rolling(bars).mean()
    before, after = mean.shift(1).to_numpy(), mean.shift(-bars).to_numpy()
    large = sample.moves.is_large
    known = np.isfinite(before) & np.isfinite(after) & ~large
    slope, level = np.polyfit(before[known], after[known], 1)
    found: np.ndarray = (after - level - slope * before)[large]
    return found


def with_variance_jumps(found: np.ndarray, rise: float) -> np.ndarray:
    """SVJJ's parameters from those of Bates and the mean rise over the week after a jump."""
    kappa, mean, xi, rho, intensity, *jump = found
    reversion = kappa * DAYS * heston.DAY
    jump_mean = min(max(rise, 0.0) * reversion / -np.expm1(-reversion), largest_mean(kappa, mean, xi, intensity))
    theta = mean - intensity * jump_mean / kappa
    diffusive = np.sqrt(xi**2 - 2 * intensity * jump_mean**2 / mean)
    return np.array([kappa, theta, diffusive, rho * xi / diffusive, intensity, *jump, jump_mean])


def largest_mean(kappa: float, mean: float, xi: float, intensity: float) -> float:
    """The mean jump with which jumps make `MOST` of E[v] or of Var(v) = mean xi^2 / (2 kappa)."""
    return float(min(MOST * mean * kappa / intensity, np.sqrt(MOST * mean * xi**2 / (2 * intensity))))


def _at_most(found: Mapping[str, float]) -> list[str]:
    kappa, intensity, jump_mean = found["kappa"], found["jump_intensity"], found["variance_jump_mean"]
    mean, xi = stationary(kappa, found["theta"], found["xi"], intensity, jump_mean)
    if jump_mean < 0.999 * largest_mean(kappa, mean, xi, intensity):
        return []
    return [f"variance_jump_mean sits on its bound {jump_mean:.3g}, where jumps make half of the variance's moments"]
