"""The variance of each bar from the noise of the bars before it, the parameters given: what arch's `fix` works out.

Before the first bar stands the weighted mean of the first 75 squared returns (weights 0.94^i), as in arch; a bar after
a gap follows on the one before it.
"""

import math
from functools import singledispatch

import numpy as np
from scipy.signal import fftconvolve, lfilter

from stresslab.models import EGARCH, FIGARCH, GARCH, GJR
from stresslab.models.bar import BarModel
from stresslab.models.egarch import NORMAL_SIZE
from stresslab.models.figarch import LAGS, RATES
from stresslab.models.gjr import backcast, filtered_variances


@singledispatch
def conditional_variances(model: BarModel, noise: np.ndarray, before: float | None = None) -> np.ndarray:
    """The h of each bar and of the one after the last; `before` in place of the backcast."""
    raise NotImplementedError(type(model).__name__)


@conditional_variances.register
def _(model: GARCH, noise: np.ndarray, before: float | None = None) -> np.ndarray:
    return filtered_variances(noise, model.omega, model.alpha, 0.0, model.beta, before)


@conditional_variances.register
def _(model: GJR, noise: np.ndarray, before: float | None = None) -> np.ndarray:
    return filtered_variances(noise, model.omega, model.alpha, model.gamma, model.beta, before)


@conditional_variances.register
def _(model: EGARCH, noise: np.ndarray, before: float | None = None) -> np.ndarray:
    log_h = model.omega + model.beta * math.log(backcast(noise) if before is None else before)
    found = [log_h]
    for e in noise.tolist():
        z = e * math.exp(-log_h / 2)
        log_h = model.omega + model.alpha * (abs(z) - NORMAL_SIZE) + model.gamma * z + model.beta * log_h
        found.append(log_h)
    return np.exp(np.array(found))


@conditional_variances.register
def _(model: FIGARCH, noise: np.ndarray, before: float | None = None) -> np.ndarray:
    start, weights = backcast(noise) if before is None else before, model.lag_weights()
    squares = np.concatenate([np.full(LAGS, start), noise**2])
    return model.base + fftconvolve(squares, weights)[LAGS - 1 : LAGS + len(noise)]


def lifted_factors(noise: np.ndarray) -> tuple[float, ...]:
    """The sums of past squared noise that FIGARCH starts from after the last bar."""
    start = backcast(noise)
    found = [lfilter([1], [1, -rate], noise**2, zi=[rate * start / (1 - rate)])[0][-1] for rate in RATES]
    return tuple(float(value) for value in found)
