"""Doubts about a fit from a comparison with its data: a volatility that differs from the realised or implied one.

The realised variance is the sum of squared log returns between successive rows, divided by the time between the
first row and the last, so that missing bars do not bias it:

    sigma^2 = sum (log S_(k+1) - log S_k)^2 / (t_n - t_1)

A fit is doubtful where its volatility differs from the realised one by more than `FACTOR`. Its volatility is the
long-run level, or the root mean square over the data for a model without one. A fit to a chain is doubtful where its
implied volatilities differ from the quoted ones by more than `FACTOR`.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import ValidationError

from stresslab.calibrate.prices import Returns
from stresslab.files.bars import COLUMNS
from stresslab.models import MODELS
from stresslab.models.volatility import volatility as levels_of
from stresslab.units import years

FACTOR = 2.0
STILL = 0.1  # share of zero returns above which a market counts as closed or hardly traded


def volatility_doubts(
    kind: str, parameters: Mapping[str, Any], data: Any, volatility: np.ndarray | None, smiles: Sequence[Any]
) -> list[str]:
    """At most one sentence. `volatility`: the model's at each return, per square root of a year; `smiles`: each with
    volatilities `market` and `model`.
    """
    if isinstance(data, Returns):
        own, theirs = _long_run(kind, parameters), realised_volatility(data)
        of = "the realised volatility of the prices"
        if own is None and volatility is not None:
            own = root_mean_square(volatility)
    elif smiles:
        own, theirs = (root_mean_square(np.concatenate(each)) for each in _sides(smiles))
        of = "the implied volatility of the chain"
    else:
        return []
    if own is None or theirs <= 0 or (own > 0 and abs(math.log(own / theirs)) <= math.log(FACTOR)):
        return []
    sentence = "the volatility of the fit, {:.3g} % a year, is not within a factor of {:g} of {}, {:.3g} %"
    return [sentence.format(100 * own, FACTOR, of, 100 * theirs)]


def realised_volatility(returns: Returns) -> float:
    """Per square root of a year of 365 days, gaps included where the bars are known."""
    bars = returns.origin
    if bars is None:
        return float(np.sqrt(np.mean(returns.values**2) / returns.dt)) if len(returns.values) else 0.0
    moves = np.diff(np.log(bars.prices[:, COLUMNS.index("close")]))
    return float(np.sqrt(np.sum(moves**2) / years(int(bars.stamps[-1]) - int(bars.stamps[0]))))


def still_share(returns: Returns) -> float:
    """Share of zero returns."""
    return float(np.mean(returns.values == 0.0))


def root_mean_square(values: np.ndarray) -> float:
    """Of volatilities."""
    return float(np.sqrt(np.mean(np.asarray(values, float) ** 2)))


def _long_run(kind: str, parameters: Mapping[str, Any]) -> float | None:
    try:
        levels = levels_of(MODELS[kind](kind=kind, **parameters))
    except ValidationError:  # refused where the file is written
        return None
    return None if levels is None else levels.long_run


def _sides(smiles: Sequence[Any]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    return [one.model for one in smiles], [one.market for one in smiles]
