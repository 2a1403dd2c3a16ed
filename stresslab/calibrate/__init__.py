"""Model parameters from data. Three literal tables are the whole registry: a new calibration is a new line.

FITS take returns, CHAIN_FITS an option chain. FILTERS bring the state of a model (v0, h0, regime probabilities, Hawkes
intensity) to the end of the returns, the other parameters given: {field: value}.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from stresslab.calibrate import (
    bates,
    block_bootstrap,
    filtered_historical,
    fourier_fit,
    garch_family,
    gbm,
    hawkes,
    heston,
    kou,
    merton,
    regime_switching,
    replay,
    rough_bergomi,
    rough_bergomi_chain,
    rough_heston,
    sabr,
    sabr_chain,
    scaled_historical,
    svjj,
)
from stresslab.calibrate.chain import Chain as Chain
from stresslab.calibrate.chain import read_chain as read_chain
from stresslab.calibrate.fit import Data as Data
from stresslab.calibrate.fit import Fit as Fit
from stresslab.calibrate.fit import Smile as Smile
from stresslab.calibrate.prices import Returns as Returns
from stresslab.calibrate.prices import log_returns as log_returns
from stresslab.files.bars import Bars as Bars
from stresslab.files.price_file import read_bars as read_bars

FITS: dict[str, Callable[[Returns], Fit]] = {
    "gbm": gbm.fit,
    "merton": merton.fit,
    "kou": kou.fit,
    "regime_switching": regime_switching.fit,
    "hawkes": hawkes.fit,
    "heston": heston.fit,
    "bates": bates.fit,
    "svjj": svjj.fit,
    "sabr": sabr.fit,
    "rough_bergomi": rough_bergomi.fit,
    "rough_heston": rough_heston.fit,
    "garch": partial(garch_family.fit, "garch"),
    "gjr": partial(garch_family.fit, "gjr"),
    "egarch": partial(garch_family.fit, "egarch"),
    "figarch": partial(garch_family.fit, "figarch"),
    "filtered_historical": filtered_historical.fit,
    "block_bootstrap": block_bootstrap.fit,
    "replay": replay.fit,
    "scaled_historical": scaled_historical.fit,
}
CHAIN_FITS: dict[str, Callable[[Chain], Fit]] = {
    "heston": partial(fourier_fit.fit, "heston"),
    "bates": partial(fourier_fit.fit, "bates"),
    "svjj": partial(fourier_fit.fit, "svjj"),
    "sabr": sabr_chain.fit,
    "rough_heston": partial(fourier_fit.fit, "rough_heston"),
    "rough_bergomi": rough_bergomi_chain.fit,
}
FILTERS: dict[str, Callable[[Any, Returns], dict[str, Any]]] = {
    "regime_switching": regime_switching.filter_state,
    "hawkes": hawkes.filter_state,
    "heston": heston.filter_state,
    "bates": bates.filter_state,
    "svjj": svjj.filter_state,
    "sabr": sabr.filter_state,
    "rough_bergomi": rough_bergomi.filter_state,
    "rough_heston": rough_heston.filter_state,
    "garch": garch_family.filter_state,
    "gjr": garch_family.filter_state,
    "egarch": garch_family.filter_state,
    "figarch": garch_family.filter_state,
    "filtered_historical": filtered_historical.filter_state,
    "scaled_historical": scaled_historical.filter_state,
}
