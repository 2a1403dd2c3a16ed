"""Filtered historical simulation: the recursion by quasi maximum likelihood, the residuals from the same bars.

GJR with normal innovations is fitted by the arch package: consistent whatever the law of the residuals is, and the
residuals are drawn as they are. Its unconditional variance is a ratio of small differences (twice the volatility of the
sample on hourly BTC), so omega is set instead to what makes it the variance of the sample, the weights being kept:
variance targeting, Engle and Mezrich (1996), "GARCH for groups". Residuals come one by one: in blocks their squares are
not independent of the recursion, and the variance of a month comes out too low (hourly BTC, blocks of a day: by half).
"""

from typing import Any

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata

from stresslab.calibrate.arch_estimate import estimate
from stresslab.calibrate.fit import Fit, make_fit
from stresslab.calibrate.garch_family import LEAST, MOST_PERSISTENT
from stresslab.calibrate.histories import history_of
from stresslab.calibrate.identification import NOT_CONVERGED
from stresslab.calibrate.prices import Returns
from stresslab.errors import require
from stresslab.models import FilteredHistorical
from stresslab.models.gjr import filtered_variances
from stresslab.units import format_duration

METHOD = (
    "GJR recursion by quasi maximum likelihood (normal innovations, zero mean) on log returns of {bar} with the arch "
    "package, standard errors robust to the law (Bollerslev and Wooldridge); omega such that the unconditional "
    "variance is the sample's; residuals of the same bars drawn in blocks of {block:g} bars on average. h0: the "
    "recursion at the end of the prices."
)


def fit(returns: Returns, block: float = 1.0) -> Fit:
    """Parameters of the recursion, and the history; `block` is the mean length in bars."""
    n = len(returns.values)
    require(n >= LEAST, f"at least {LEAST} returns are needed", key="returns", got=n)
    require(float(returns.values.std()) > 0, "the price does not move", key="returns")
    found = estimate(returns.values, "gjr", "normal")
    weights, omega, doubts = _targeted(found.parameters, found.variances, returns.values)
    h = filtered_variances(returns.values, omega, **weights)
    residuals = returns.values / np.sqrt(h[:-1])
    covariance = found.covariance[1:, 1:]  # omega comes first
    return make_fit(
        "filtered_historical",
        returns,
        {"omega": omega, **weights, "h0": h[-1], "block": block, "history": history_of(returns)},
        dict(zip(weights, np.sqrt(np.diag(covariance)), strict=True)),
        METHOD.format(bar=format_duration(returns.seconds), block=block),
        covariance=covariance,
        residuals=ndtri((rankdata(residuals) - 0.5) / n),
        volatility=np.sqrt(h[:-1] / returns.dt),
        doubts=([] if found.converged else [NOT_CONVERGED]) + doubts,
        state=("h0",),
        fixed=("omega", "block"),
    )


def filter_state(model: FilteredHistorical, returns: Returns) -> dict[str, Any]:
    """h0 at the end of the returns, the recursion given; the history stays as it was."""
    own, new = (format_duration(seconds) for seconds in (model.history.seconds, returns.seconds))
    require(own == new, f"bars must have the length of the model's, {own}", key="bar", got=new)
    h = filtered_variances(returns.values, model.omega, model.alpha, model.gamma, model.beta)
    return {"h0": float(h[-1])}


def _targeted(
    numbers: dict[str, float], h: np.ndarray, values: np.ndarray
) -> tuple[dict[str, float], float, list[str]]:
    """Weights alpha, gamma, beta with a persistence below one, and the omega that goes with the sample's variance."""
    weights, doubts = {name: numbers[name] for name in ("alpha", "gamma", "beta")}, []
    z = values / np.sqrt(h)
    z = (z - z.mean()) / z.std()
    falls = float(np.mean(np.where(z < 0, z * z, 0.0)))
    reaction = weights["alpha"] + weights["gamma"] * falls
    most = MOST_PERSISTENT - max(reaction, 0.0)
    if weights["beta"] > most:
        weights["beta"] = most
        doubts.append("persistence sits at 1: the variance hardly reverts to a level")
    return weights, float(values.var() * (1 - reaction - weights["beta"])), doubts
