"""Heston, Bates, SVJJ and rough Heston from an option chain, through the model's own characteristic function.

Prices by the COS method. The grid of an expiry is laid once, wide and fine enough for any law near the market's: a
trial then costs one characteristic function per expiry and a product with a fixed matrix.
"""

from collections.abc import Mapping

import numpy as np

from stresslab.calibrate import cos
from stresslab.calibrate.chain import Chain
from stresslab.calibrate.chain_fit import Range, Search, fit_chain
from stresslab.calibrate.fit import Fit
from stresslab.calibrate.heston import feller_ratio
from stresslab.models import MODELS

REACH = 24.0  # half width of a grid, in deviations at the money
LOWEST, HIGHEST = -1.2, 0.5  # log moneyness that a grid holds at least: a crash is many deviations of one day
BEYOND = 3.0  # deviations from the outermost strike to the end of the grid
FINEST = 15.0  # highest frequency times the deviation

METHOD = (
    "Least squares of {kind} to {quotes} implied volatilities of {expiries} expiries: vega-weighted price residuals in "
    "units of each quote's error, prices by the COS method from the characteristic function, {candidates} Sobol points "
    "and least squares from {starts} of them."
)

HESTON = {
    "kappa": Range(0.05, 100.0, 0.5, 15.0),
    "xi": Range(0.02, 30.0, 0.5, 8.0),
    "rho": Range(-0.99, 0.99, -0.8, 0.4),
}
JUMPS = {
    "jump_intensity": Range(0.02, 250.0, 0.2, 100.0),
    "jump_mean": Range(-0.6, 0.4, -0.15, 0.05),
    "jump_std": Range(0.005, 0.6, 0.015, 0.2),
}
RANGES: dict[str, dict[str, Range]] = {
    "heston": HESTON,
    "bates": HESTON | JUMPS,
    "svjj": HESTON
    | JUMPS
    | {"variance_jump_mean": Range(1e-3, 2.0, 0.02, 0.5), "jump_correlation": Range(-5.0, 0.45, -0.8, 0.2)},
    "rough_heston": {
        "hurst": Range(0.01, 0.49, 0.03, 0.3),
        "kappa": Range(0.02, 20.0, 0.1, 3.0),
        "xi": Range(0.05, 10.0, 0.3, 3.0),
        "rho": Range(-0.99, 0.99, -0.8, 0.2),
    },
}
SEARCH = {
    "rough_heston": Search(candidates=16, starts=1, first_steps=4, finalists=1, steps=12)
}  # its characteristic function is the solution of an equation


def fit(kind: str, chain: Chain) -> Fit:
    """The model's parameters from all quotes of the chain."""
    model, grids = MODELS[kind], [grid_of(chain, place) for place in range(len(chain.expiries))]

    def price(parameters: Mapping[str, float]) -> np.ndarray:
        trial = model(kind=kind, **parameters)
        found = np.empty(chain.observations)
        for place, (t, forward, grid) in enumerate(zip(chain.times, chain.forwards, grids, strict=True)):
            own = chain.expiry == place
            puts = cos.puts(trial.characteristic_function(grid.frequencies, float(t)), grid)
            found[own] = forward * puts + np.where(chain.calls[own], forward - chain.strikes[own], 0.0)
        return found

    search = SEARCH.get(kind, Search())

    def method(parameters: Mapping[str, float]) -> str:
        shape = {"quotes": chain.observations, "expiries": len(chain.expiries)}
        return METHOD.format(kind=kind, **shape, **search._asdict()) + _feller(parameters)

    return fit_chain(kind, chain, _ranges(kind, chain), price, method, search=search, state=("v0",))


def grid_of(chain: Chain, place: int) -> cos.Grid:
    """The grid of an expiry from its deviation at the money and its strikes."""
    own = chain.expiry == place
    strikes = chain.strikes[own] / chain.forwards[place]
    deviation = chain.at_the_money[place] * np.sqrt(chain.times[place])
    low = min(LOWEST, -REACH * deviation, np.log(strikes.min()) - BEYOND * deviation)
    high = max(HIGHEST, REACH * deviation, np.log(strikes.max()) + BEYOND * deviation)
    return cos.make_grid(strikes, low, high, int(np.ceil(FINEST / deviation * (high - low) / np.pi)))


def _ranges(kind: str, chain: Chain) -> dict[str, Range]:
    """The ranges of the kind, and those of the variances about the chain's at the money."""
    near, far = chain.at_the_money[0] ** 2, chain.at_the_money[-1] ** 2
    return {
        "v0": Range(near / 50, near * 10, near / 4, near * 1.5),
        "theta": Range(far / 50, far * 30, far / 2, far * 3),
        **RANGES[kind],
    }


def _feller(parameters: Mapping[str, float]) -> str:
    if "hurst" in parameters:
        return ""
    ratio = feller_ratio(*(parameters[name] for name in ("kappa", "theta", "xi")))
    return f" Feller ratio 2 kappa theta / xi^2: {ratio:.2f}."
