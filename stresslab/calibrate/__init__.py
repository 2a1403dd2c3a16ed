"""Model parameters from price history. `FITS` is the whole registry: a new calibration is a new line in it."""

from collections.abc import Callable

from stresslab.calibrate import gbm, heston, merton
from stresslab.calibrate.fit import Fit as Fit
from stresslab.calibrate.prices import Bars as Bars
from stresslab.calibrate.prices import Returns as Returns
from stresslab.calibrate.prices import log_returns as log_returns
from stresslab.calibrate.prices import read_bars as read_bars

FITS: dict[str, Callable[[Returns], Fit]] = {"gbm": gbm.fit, "merton": merton.fit, "heston": heston.fit}
