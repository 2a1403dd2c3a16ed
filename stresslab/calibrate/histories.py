"""The bars that returns come from as the history of a model."""

import numpy as np

from stresslab.calibrate.prices import Returns
from stresslab.models.history import History


def history_of(returns: Returns) -> History:
    """Open, high, low and close in log relative to the close before, of all bars but the first; or the returns alone.

    Returns across gaps are among the rows where the bars are known: the models that draw from a history leave them out.
    """
    bars = returns.origin
    if bars is None:
        stamps = np.concatenate([returns.stamps[:1] - returns.seconds, returns.stamps])
        return History.of(returns.values, returns.seconds, stamps)
    return History.of_bars(bars)
