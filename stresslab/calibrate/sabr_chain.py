"""Lognormal SABR from the smile of one expiry, by Hagan's formula.

One parameter set cannot follow a term structure (the volatility has no level to return to), so it is the expiry nearest
to 30 days that is fitted, unless the chain holds one alone. beta is held at 1: beta and rho both tilt the smile and
one smile does not tell them apart; at 1 alpha is the volatility now, whatever the price. The formula is an expansion
in nu^2 t, so it is not the price of the model that is simulated: with nu 2 and 30 days it is 0.1 volatility points high
at the money and 1.2 points two deviations below it. Hagan, Kumar, Lesniewski and Woodward (2002), "Managing smile
risk", equation 2.17 with beta = 1.
"""

from collections.abc import Mapping

import numpy as np

from stresslab.calibrate import black
from stresslab.calibrate.chain import Chain
from stresslab.calibrate.chain_fit import Range, fit_chain
from stresslab.calibrate.fit import Fit
from stresslab.models.sabr import hagan_volatility
from stresslab.units import SECONDS, years

MATURITY = years(30 * SECONDS["D"])

METHOD = (
    "Hagan's lognormal formula (beta held at 1), least squares to the {quotes} implied volatilities of one expiry, "
    "{days:.1f} days: vega-weighted price residuals in units of each quote's error. The formula is an approximation "
    "to the simulated model: nu^2 t is {expansion:.2f}, and its terms beyond the first order are left out."
)


def fit(chain: Chain) -> Fit:
    """alpha, rho and nu from the expiry nearest to 30 days."""
    smile = chain.nearest(MATURITY)
    t, forward = float(smile.times[0]), float(smile.forwards[0])
    level = float(smile.at_the_money[0])
    ranges = {
        "alpha": Range(level / 10, level * 10, level / 1.3, level * 1.3),
        "rho": Range(-0.99, 0.99, -0.7, 0.5),
        "nu": Range(0.01, 100.0, min(0.5, 1 / np.sqrt(t)), 2 / np.sqrt(t)),
    }

    def price(parameters: Mapping[str, float]) -> np.ndarray:
        alpha, rho, nu = (parameters[name] for name in ("alpha", "rho", "nu"))
        sigma = hagan_volatility(forward, smile.strikes, t, alpha, 1.0, rho, nu)
        return black.price(forward, smile.strikes, np.maximum(sigma, black.LOW), t, smile.calls)

    def method(parameters: Mapping[str, float]) -> str:
        expansion = parameters["nu"] ** 2 * t
        return METHOD.format(quotes=smile.observations, days=t / years(SECONDS["D"]), expansion=expansion)

    return fit_chain("sabr", smile, ranges, price, method, held={"beta": 1.0}, state=("alpha",))
