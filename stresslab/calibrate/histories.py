"""The bars that returns come from as the history of a model."""

import numpy as np

from stresslab.calibrate.prices import COLUMNS, Returns
from stresslab.models.history import History


def history_of(returns: Returns) -> History:
    """Open, high, low and close in log relative to the close before, of all bars but the first; or the returns alone.

    Returns across gaps are among the rows where the bars are known: the models that draw from a history leave them out.
    """
    bars = returns.origin
    if bars is None:
        stamps = np.concatenate([returns.stamps[:1] - returns.seconds, returns.stamps])
        return History.of(returns.values, returns.seconds, stamps)
    logs = np.log(bars.prices)
    close = COLUMNS.index("close")
    rows = logs[1:] - logs[:-1, close : close + 1]
    chosen = rows[:, close] if bars.close_only else rows
    return History.of(chosen, bars.seconds, bars.stamps, bars.file, bars.sha256)
