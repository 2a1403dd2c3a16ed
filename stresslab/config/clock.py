"""What a venue's conditions are measured with: the step, and the volatility that counts as calm."""

import math

import numpy as np

from stresslab.config.processes import ConstantFunding, MeanRevertingFunding
from stresslab.config.schema import Study
from stresslab.config.venue_kinds import Clock
from stresslab.errors import InputError


def calm_variance(cell: Study) -> float:
    """Per year: the venue's own, or that of the market's asset at as_of."""
    if cell.venue is not None and cell.venue.calm_volatility is not None:
        return cell.venue.calm_volatility**2
    row = cell.asset_names.index(cell.market.asset)
    found = float(np.asarray(cell.model.init(1).variance)[row].flat[0])
    if not (math.isfinite(found) and found > 0):
        rule = f"{cell.market.model} has no volatility at as_of that could count as calm"
        raise InputError(rule, key="venue.calm_volatility", hint="Write one", file=cell.file)
    return found


def clock(cell: Study, seconds: float) -> Clock:
    """With the step in seconds."""
    funding = cell.funding
    rate = funding.rate if isinstance(funding, ConstantFunding | MeanRevertingFunding) else 0.0
    return Clock(
        row=cell.asset_names.index(cell.market.asset),
        assets=cell.asset_names,
        step=seconds,
        variance=calm_variance(cell),
        as_of=cell.as_of,
        rulebook=cell.rulebook(),
        funding=rate,
    )
