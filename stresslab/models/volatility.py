"""The yearly volatility of a model at time 0 and in the long run, jumps included.

    volatility^2 = E[quadratic variation of the log price] per year = variance of the diffusion + intensity E[J^2]

`long_run` is its stationary value. A model that has none has None: SABR, FIGARCH, and a GARCH whose persistence lies
so near to 1 that its level is a matter of rounding. EGARCH's is exp(E[log h]), below E[h]. Per square root of a year
of 365 days. A new model is a new line in `LEVELS`; one without a line has no figures.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from stresslab.models.bar import BarModel
from stresslab.models.base import Parameters
from stresslab.models.bates import Bates
from stresslab.models.block_bootstrap import BlockBootstrap
from stresslab.models.egarch import EGARCH
from stresslab.models.figarch import FIGARCH
from stresslab.models.filtered_historical import FilteredHistorical
from stresslab.models.garch import GARCH
from stresslab.models.gbm import GBM
from stresslab.models.gjr import GJR
from stresslab.models.hawkes import Hawkes
from stresslab.models.heston import Heston
from stresslab.models.history import History
from stresslab.models.kou import Kou
from stresslab.models.merton import Merton
from stresslab.models.regime_switching import RegimeSwitching
from stresslab.models.replay import Replay
from stresslab.models.rough_bergomi import RoughBergomi
from stresslab.models.rough_heston import RoughHeston
from stresslab.models.sabr import SABR
from stresslab.models.scaled_historical import ScaledHistorical
from stresslab.models.svjj import SVJJ

PERSISTENT = 0.9999  # per bar: beyond it the long run of a bar model is not known


class Volatility(NamedTuple):
    """Per square root of a year: at time 0, and in the long run where there is one."""

    now: float
    long_run: float | None


def volatility(model: Parameters) -> Volatility | None:
    """Both levels of a model of one asset; None for a kind that is not listed."""
    found = LEVELS.get(type(model))
    if found is None:
        return None
    now, later = found(model)
    return Volatility(math.sqrt(max(now, 0.0)), None if later is None else math.sqrt(max(later, 0.0)))


Variances = tuple[float, float | None]


def _constant(variance: float) -> Variances:
    return variance, variance


def _normal_square(model: Any) -> float:
    """E[J^2] of a normal jump."""
    return float(model.jump_mean**2 + model.jump_std**2)


def _kou(model: Kou) -> Variances:
    up, down = model.up_probability / model.eta_up**2, (1 - model.up_probability) / model.eta_down**2
    return _constant(model.sigma**2 + model.jump_intensity * 2 * (up + down))


def _bates(model: Bates) -> Variances:
    jumps = model.jump_intensity * _normal_square(model)
    return model.v0 + jumps, model.theta + jumps


def _svjj(model: SVJJ) -> Variances:
    """J = jump_mean + jump_correlation Z + jump_std n with an exponential Z of mean variance_jump_mean."""
    shift = model.jump_correlation * model.variance_jump_mean
    jumps = model.jump_intensity * (_normal_square(model) + 2 * model.jump_mean * shift + 2 * shift**2)
    return model.v0 + jumps, model.theta + model.jump_intensity * model.variance_jump_mean / model.kappa + jumps


def _hawkes(model: Hawkes) -> Variances:
    square = _normal_square(model)
    return model.sigma**2 + model.start * square, model.sigma**2 + model.mean_intensity * square


def _regime_switching(model: RegimeSwitching) -> Variances:
    none = (0.0,) * len(model.sigmas)
    means, stds = (np.array(given or none) for given in (model.jump_means, model.jump_stds))
    each = np.array(model.sigmas) ** 2 + model.intensities * (means**2 + stds**2)
    return float(model.start @ each), float(_stationary(model.rates) @ each)


def _stationary(rates: np.ndarray) -> np.ndarray:
    """The stationary distribution of the states, by least squares; not unique for a reducible chain."""
    n = len(rates)
    scale = max(float(np.abs(rates).max()), 1e-300)
    found = np.linalg.lstsq(np.vstack([rates.T / scale, np.ones(n)]), np.eye(n + 1)[n], rcond=None)[0]
    return np.maximum(found, 0.0) / np.maximum(found, 0.0).sum()


def _bar(model: BarModel, persistence: float) -> Variances:
    later = model.unconditional_variance() / model.bar_years if persistence < PERSISTENT else None
    return model.first_variance / model.bar_years, later


def _filtered_historical(model: FilteredHistorical) -> Variances:
    persistence, bar = model.persistence, model.history.dt
    later = model.omega / (1 - persistence) / bar if persistence < PERSISTENT else None
    return model.first_variance / bar, later


def _recorded(history: History) -> float:
    """Mean squared return of the recorded bars, per year."""
    bars = history.without_gaps()
    return float(np.mean(bars.close**2) / bars.dt)


def _scaled_historical(model: ScaledHistorical) -> Variances:
    return float(model.forecasts(model.tonight()) * model.centre()[1]), _recorded(model.history)


LEVELS: dict[type[Parameters], Callable[[Any], Variances]] = {
    GBM: lambda model: _constant(model.sigma**2),
    Merton: lambda model: _constant(model.sigma**2 + model.jump_intensity * _normal_square(model)),
    Kou: _kou,
    Heston: lambda model: (model.v0, model.theta),
    Bates: _bates,
    SVJJ: _svjj,
    SABR: lambda model: (model.alpha**2, None),
    RoughBergomi: lambda model: _constant(model.forward_variance),
    RoughHeston: lambda model: (model.v0, model.theta if model.kappa > 0 else None),
    RegimeSwitching: _regime_switching,
    Hawkes: _hawkes,
    GARCH: lambda model: _bar(model, model.persistence),
    GJR: lambda model: _bar(model, model.persistence),
    EGARCH: lambda model: _bar(model, model.beta),
    FIGARCH: lambda model: (model.first_variance / model.bar_years, None),
    FilteredHistorical: _filtered_historical,
    BlockBootstrap: lambda model: _constant(_recorded(model.history)),
    Replay: lambda model: _constant(model.scale**2 * _recorded(model.history)),
    ScaledHistorical: _scaled_historical,
}
