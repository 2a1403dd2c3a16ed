"""Replay: the recorded bars as they are."""

import numpy as np

from stresslab.calibrate.fit import Fit, make_fit
from stresslab.calibrate.histories import history_of
from stresslab.calibrate.prices import Returns
from stresslab.units import format_duration

METHOD = "Recorded bars of {bar}, played once as they are. Nothing is fitted; set start and scale."


def fit(returns: Returns) -> Fit:
    """The history alone."""
    method = METHOD.format(bar=format_duration(returns.seconds))
    parameters = {"scale": 1.0, "history": history_of(returns)}
    volatility = np.abs(returns.values) / np.sqrt(returns.dt)
    return make_fit(
        "replay", returns, parameters, {}, method, volatility=volatility, fixed=("scale",), free_parameters=0
    )
