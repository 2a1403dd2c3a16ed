"""Forecasts of one model along the clock: fit now and then, bring the state to every date, simulate.

A model whose kind is in FILTERS gets its state (v0, h0, regime probabilities, Hawkes intensity) from the returns up to
the forecast date, the other parameters staying those of the last fit. Others keep their parameters until the next fit.
A fit that is refused (no jumps to be seen, say) keeps the parameters before it; before the first good fit, and on a
date whose state the filter refuses, there is no forecast. Refusals are counted.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from stresslab import random
from stresslab.backtest.baselines import Asked, Forecast, empty
from stresslab.backtest.clock import Clock, trailing
from stresslab.backtest.sample import read_off, simulated_moves
from stresslab.calibrate import FILTERS, FITS, Bars, Fit, Returns
from stresslab.calibrate.fit import require_valid
from stresslab.errors import InputError
from stresslab.models.base import Parameters


@dataclass
class Diary:
    """What is worth telling about the fits of one model."""

    fits: int = 0
    refused: list[str] = field(default_factory=list)  # why, one entry for each refused fit
    doubtful: int = 0  # fits with a doubt: no convergence, a bound, parameters that are not identified


def forecast_model(
    kind: str,
    bars: Bars,
    clock: Clock,
    asked: Asked,
    n_paths: int,
    seed: int,
    tell: Callable[[], None],
) -> tuple[Forecast, Diary]:
    """What the model said at every date; `tell` is called after each."""
    forecast, diary, fitted = empty(asked, len(clock.dates)), Diary(), None
    forecast.error[:] = np.nan
    for place, (date, row) in enumerate(zip(clock.dates.tolist(), clock.rows.tolist(), strict=True)):
        returns = trailing(bars, row, asked.n_window)
        if clock.refits[place]:
            fitted = _fitted(kind, returns, diary) or fitted
        model = None if fitted is None else _with_state(fitted, returns, diary)
        if model is not None:
            key = random.key(seed, date // bars.seconds % 2**32)
            moves = simulated_moves(model, bars.seconds, asked.n_ahead, n_paths, key)
            probability, error, risk = read_off(moves, asked, place)
            forecast.probability[:, :, place], forecast.error[:, :, place] = probability, error
            forecast.value_at_risk[:, :, place] = risk
        tell()
    return forecast, diary


def _fitted(kind: str, returns: Returns, diary: Diary) -> Fit | None:
    try:
        fit = FITS[kind](returns)
        _model(kind, fit.parameters)
    except InputError as error:
        diary.refused.append(str(error))
        return None
    diary.fits += 1
    diary.doubtful += bool(fit.doubts)
    return fit


def _with_state(fit: Fit, returns: Returns, diary: Diary) -> Parameters | None:
    """The fitted model with its state at the end of the returns; None where the filter refuses them."""
    model = _model(fit.kind, fit.parameters)
    if fit.kind not in FILTERS or fit.as_of == returns.end:
        return model
    try:
        return _model(fit.kind, fit.parameters | FILTERS[fit.kind](model, returns))
    except InputError as error:
        diary.refused.append(str(error))
        return None


def _model(kind: str, parameters: dict[str, Any]) -> Parameters:
    return require_valid(kind, parameters)
