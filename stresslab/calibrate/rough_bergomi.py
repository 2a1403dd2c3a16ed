"""Rough Bergomi from returns: hurst, eta and rho from the scaling of log realised variance (roughness.py).

The flat forward variance is a state of the night: the variance expected over the next week, by the fractional forecast
of the log variance, scaled so that it was right on average over the history.
"""

from typing import Any

import numpy as np

from stresslab.calibrate import roughness
from stresslab.calibrate.fit import Fit, make_fit
from stresslab.calibrate.identification import sign_undetermined, undetermined
from stresslab.calibrate.prices import Returns
from stresslab.models import RoughBergomi
from stresslab.units import format_duration

NAMES = ("hurst", "eta", "rho")
METHOD = (
    "Variogram of the log of daily realised variance from bars of {bar} at lags of 1 to {lags} days, with the "
    "averaging over days, and with the noise of the realised variance as a free constant: hurst and eta. rho: "
    "covariance of a day's standardised return with the log variance of the {leads} days after it. hurst below 0.1 "
    "comes out low by up to 0.02 and eta high by up to a fifth. forward_variance: expected over the next {ahead} days, "
    "a state of the night without a standard error. Others: bootstrap over blocks of 60 days."
)


def fit(returns: Returns) -> Fit:
    """The roughness, its volatility and leverage, and the level."""
    days = roughness.log_variances(returns)
    found = roughness.solve(np.nanmean(days.products, axis=0))
    roughness.require_valid("rough_bergomi", found)
    spread = np.cov(
        roughness.replicates(days.stamps, days.products, lambda moments: np.array(roughness.solve(moments))).T
    )
    level = roughness.level_ahead(days, found.hurst)
    errors = dict(zip(NAMES, np.sqrt(np.diag(spread)), strict=True))
    return make_fit(
        "rough_bergomi",
        returns,
        {**found._asdict(), "forward_variance": level},
        errors,
        METHOD.format(bar=format_duration(returns.seconds), **roughness.SPANS),
        covariance=spread,
        state=("forward_variance",),
        warnings=sign_undetermined(found._asdict(), errors),
        doubts=roughness.edge_doubts(found.hurst) + undetermined(found._asdict(), errors),
    )


def filter_state(model: RoughBergomi, returns: Returns) -> dict[str, Any]:
    """The level at the end of the returns."""
    return {
        "forward_variance": roughness.level_ahead(
            roughness.log_variances(returns, least=roughness.FILTER_DAYS), model.hurst
        )
    }
