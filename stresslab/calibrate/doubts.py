"""Doubts about a fit that are told from its data: a volatility that is not theirs.

The realised volatility is that of the market, whatever is missing from the record: the squared log returns between
successive rows, summed, over the time between the first and the last,

    sigma^2 = sum (log S_(k+1) - log S_k)^2 / (t_n - t_1)

A fit is in doubt where its own volatility, the one of the long run where there is one and else its root mean square
over the data, differs from it by more than `FACTOR`; a fit to a chain, where its implied volatilities do so.
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
STILL = 0.1  # share of the returns that are 0 from which on a market is closed, or hardly traded, rather than calm


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
    """Share of the returns that are 0: bars in which the price does not move."""
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
