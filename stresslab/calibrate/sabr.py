"""SABR from returns: nu from log realised variance, rho from the leverage covariance (roughness.py at hurst 1/2).

    d alpha = nu alpha dW2:        log variance = 2 log alpha,  so eta = 2 nu,  H = 1/2

The log of a volatility that has no level to return to is a random walk; that of prices is rougher. nu is the best line
through the variogram at lags of a day to a month: too small for the next days, too large for half a year. beta is held
at 1: returns say nothing of how volatility goes with the level of the price beyond what rho takes up. alpha is the
state of the night: the root of the variance expected over the next week.
"""

from typing import Any

import numpy as np

from stresslab.calibrate import roughness
from stresslab.calibrate.fit import Fit, make_fit
from stresslab.calibrate.prices import Returns
from stresslab.models import SABR
from stresslab.units import format_duration

HURST = 0.5
NAMES = ("rho", "nu")
METHOD = (
    "nu: slope of the variogram of the log of daily realised variance from bars of {bar} at lags of 1 to {lags} days, "
    "with the averaging over days, and with the noise of the realised variance as a free constant. rho: covariance of "
    "a day's standardised return with the log variance of the {leads} days after it. beta is held at 1. alpha: root of "
    "the variance expected over the next {ahead} days, a state of the night without a standard error. Others: "
    "bootstrap over blocks of 60 days."
)


def fit(returns: Returns) -> Fit:
    """The volatility now, rho and nu."""
    days = roughness.log_variances(returns)

    def estimate(moments: np.ndarray) -> np.ndarray:
        _, eta, rho = roughness.solve(moments, HURST)
        return np.array([rho, eta / 2])

    moments = np.nanmean(days.products, axis=0)
    roughness.require_valid("sabr", roughness.solve(moments, HURST))
    found = estimate(moments)
    spread = np.cov(roughness.replicates(days.stamps, days.products, estimate).T)
    return make_fit(
        "sabr",
        returns,
        {"alpha": np.sqrt(roughness.level_ahead(days, HURST)), "beta": 1.0, **dict(zip(NAMES, found, strict=True))},
        dict(zip(NAMES, np.sqrt(np.diag(spread)), strict=True)),
        METHOD.format(bar=format_duration(returns.seconds), **roughness.SPANS),
        covariance=spread,
        state=("alpha",),
        fixed=("beta",),
    )


def filter_state(model: SABR, returns: Returns) -> dict[str, Any]:
    """The volatility at the end of the returns, for beta = 1."""
    return {
        "alpha": float(
            np.sqrt(roughness.level_ahead(roughness.log_variances(returns, least=roughness.FILTER_DAYS), HURST))
        )
    }
