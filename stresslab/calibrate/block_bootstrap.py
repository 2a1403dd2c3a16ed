"""Stationary bootstrap: the mean length of a block by the rule of Politis and White.

The rule minimises the mean squared error of the variance of the sample mean. It is asked of the squared returns, whose
dependence is what blocks are there to keep (returns themselves hardly correlate and would give blocks of a bar), and at
least a day of bars is kept together. Politis and White (2004), "Automatic block-length selection for the dependent
bootstrap", with the correction of Patton, Politis and White (2009); `arch.bootstrap.optimal_block_length`.
"""

import numpy as np
from arch.bootstrap import optimal_block_length

from stresslab.calibrate.fit import Fit, make_fit
from stresslab.calibrate.histories import history_of
from stresslab.calibrate.prices import DAY_SECONDS, Returns
from stresslab.errors import require
from stresslab.units import format_duration

LEAST = 100  # returns

METHOD = (
    "Recorded bars of {bar}, drawn in blocks of geometric length. Mean length: rule of Politis and White on squared "
    "returns ({rule:.1f} bars; on returns {plain:.1f}), at least a day. Nothing is fitted and no distribution is "
    "assumed; the record's mean is taken out."
)


def fit(returns: Returns) -> Fit:
    """The history and the mean length of a block."""
    n = len(returns.values)
    require(n >= LEAST, f"at least {LEAST} returns are needed", key="returns", got=n)
    require(float(returns.values.std()) > 0, "the price does not move", key="returns")
    plain, squares = (_length(values) for values in (returns.values, returns.values**2))
    block = float(np.clip(squares, max(1, DAY_SECONDS // returns.seconds), n))
    method = METHOD.format(bar=format_duration(returns.seconds), rule=squares, plain=plain)
    parameters = {"block": round(block, 1), "history": history_of(returns)}
    volatility = np.full(n, returns.values.std() / np.sqrt(returns.dt))
    return make_fit(
        "block_bootstrap", returns, parameters, {}, method, volatility=volatility, fixed=("block",), free_parameters=0
    )


def _length(values: np.ndarray) -> float:
    """Mean length in bars; a fraction of the sample where the rule finds no end of the dependence."""
    found = float(optimal_block_length(values)["stationary"].iloc[0])
    return found if np.isfinite(found) and found >= 1 else 1.0
