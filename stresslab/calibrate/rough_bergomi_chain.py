"""Rough Bergomi from an option chain, by Monte Carlo with fixed randoms.

    dS / S = sqrt(V) (rho dW + sqrt(1 - rho^2) dB),        V_t = v exp(eta Y_t - eta^2 t^(2 H) / 2)
    Y_t = sqrt(2 H) integral from 0 to t of (t - s)^(H - 1/2) dW_s

Given the path of W the price is lognormal, so an option is the mean of Black prices with

    forward F exp(rho int sqrt(V) dW - rho^2 / 2 int V dt),        variance (1 - rho^2) int V dt

The model's forward variance v is flat, the market's is not, and a level that is wrong would be mended by a wrong
roughness. So the level of each expiry but one is set by its volatility at the money, and H, eta and rho are fitted to
the smiles; v is that of the expiry nearest to 30 days. The errors by expiry are those of the model with v flat.

(W, Y) on a uniform grid over [0, 1] is drawn exactly from its covariance and stretched to each expiry, which Brownian
scaling allows. Randoms are the same for every trial, in antithetic pairs, so the sum of squares is smooth in the
parameters. Errors of the prices: Monte Carlo, and the left-point sum for the integral by W: 0.2 volatility points near
the money, more for far calls where rho is near -1. Bennedsen, Lunde and Pakkanen (2017), "Hybrid scheme for Brownian
semistationary processes"; McCrickerd and Pakkanen (2018), "Turbocharging Monte Carlo pricing for the rough Bergomi
model".
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from scipy.special import hyp2f1

from stresslab.calibrate import black
from stresslab.calibrate.chain import Chain
from stresslab.calibrate.chain_fit import Range, Search, fit_chain
from stresslab.calibrate.fit import Fit
from stresslab.units import SECONDS, years

STEPS, PAIRS, SEED = 128, 768, 20160401
MATURITY = years(30 * SECONDS["D"])
LEVEL_ITERATIONS = 4
SEARCH = Search(candidates=16, starts=1, first_steps=4, finalists=1, steps=12)

METHOD = (
    "hurst, eta and rho: least squares to {quotes} implied volatilities of {expiries} expiries with the level of each "
    "set by its volatility at the money; forward_variance: the level of {days:.1f} days. Vega-weighted price residuals "
    "in units of each quote's error; prices by conditional Monte Carlo with {paths} fixed antithetic paths of {steps} "
    "steps each. The errors by expiry are those of the flat forward variance."
)
RANGES = {
    "hurst": Range(0.02, 0.49, 0.05, 0.25),
    "eta": Range(0.1, 8.0, 0.8, 3.0),
    "rho": Range(-0.99, 0.99, -0.7, 0.1),
}


def fit(chain: Chain) -> Fit:
    """hurst, eta, rho and forward_variance from all quotes of the chain."""
    normals = np.random.default_rng(SEED).standard_normal((2 * STEPS, PAIRS))
    chosen = chain.nearest_place(MATURITY)
    level = float(chain.at_the_money[chosen]) ** 2
    ranges = {**RANGES, "forward_variance": Range(level / 20, level * 20, level / 1.3, level * 1.3)}

    def method(_: Mapping[str, float]) -> str:
        shape = {"quotes": chain.observations, "expiries": len(chain.expiries), "days": chain.times[chosen] * 365}
        return METHOD.format(**shape, paths=2 * PAIRS, steps=STEPS)

    return fit_chain(
        "rough_bergomi",
        chain,
        ranges,
        lambda trial: price(chain, trial, normals, own_level=np.arange(len(chain.times)) != chosen),
        method,
        search=SEARCH,
        written=lambda found: price(chain, found, normals, own_level=np.zeros(len(chain.times), bool)),
    )


def price(chain: Chain, parameters: Mapping[str, float], normals: np.ndarray, own_level: np.ndarray) -> np.ndarray:
    """The price of every quote; `own_level` says which expiries take the level of their volatility at the money."""
    increments, volterra = paths(parameters["hurst"], normals)
    found = np.empty(chain.observations)
    for place, (t, forward) in enumerate(zip(chain.times, chain.forwards, strict=True)):
        own, law = chain.expiry == place, law_of(parameters, float(t), increments, volterra)
        variance = parameters["forward_variance"] * t
        if own_level[place]:
            variance = law.variance_for(float(chain.at_the_money[place]) ** 2 * t)
        found[own] = forward * law.price(variance, chain.strikes[own] / forward, chain.calls[own])
    return found


class Conditional(NamedTuple):
    """The price given W: for each path the integral of sqrt(V) by W, and of V, for V of mean 1 and t = 1."""

    moved: np.ndarray
    total: np.ndarray
    rho: float

    def price(self, variance: float, strikes: np.ndarray, calls: np.ndarray) -> np.ndarray:
        """Of options in units of the forward, for a forward variance of so much until the expiry."""
        mean = self.rho * np.sqrt(variance) * self.moved - self.rho**2 / 2 * variance * self.total
        forward = np.exp(mean) / np.mean(np.exp(mean))  # a martingale, of the sample too
        deviation = np.sqrt((1 - self.rho**2) * variance * self.total)
        return black.price(forward[:, None], strikes, deviation[:, None], 1.0, calls).mean(axis=0)

    def variance_for(self, wanted: float) -> float:
        """The forward variance at which the implied one at the money is `wanted`: nearly in proportion to it."""
        variance, at, call = wanted, np.ones(1), np.ones(1, bool)
        for _ in range(LEVEL_ITERATIONS):
            implied = black.implied_volatility(self.price(variance, at, call), 1.0, at, 1.0, call)[0]
            variance *= wanted / implied**2
        return float(variance)


def law_of(parameters: Mapping[str, float], t: float, increments: np.ndarray, volterra: np.ndarray) -> Conditional:
    """The price at t given the paths of W and Y over [0, 1]."""
    hurst, rough = parameters["hurst"], parameters["eta"] * t ** parameters["hurst"]
    clock = (np.arange(STEPS) / STEPS)[:, None] ** (2 * hurst)
    deviations = np.exp((rough * volterra - rough**2 * clock / 2) / 2)
    return Conditional((deviations * increments).sum(axis=0), (deviations**2).mean(axis=0), parameters["rho"])


def paths(hurst: float, normals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Increments of W over the steps of [0, 1] and Y at their beginnings, shape (step, path); antithetic halves."""
    drawn = _root(hurst) @ normals
    drawn = np.hstack([drawn, -drawn])
    brownian, volterra = drawn[:STEPS], drawn[STEPS:-1]
    start = np.zeros((1, drawn.shape[1]))
    return np.diff(brownian, axis=0, prepend=start), np.vstack([start, volterra])


def _root(hurst: float) -> np.ndarray:
    """Cholesky root of the covariance of W and Y at 1 / STEPS, 2 / STEPS, ..., 1."""
    s, t = np.meshgrid(np.arange(1, STEPS + 1) / STEPS, np.arange(1, STEPS + 1) / STEPS, indexing="ij")
    early, late, power = np.minimum(s, t), np.maximum(s, t), hurst + 0.5
    both = 2 * hurst / power * early**power * late ** (hurst - 0.5)
    both *= hyp2f1(0.5 - hurst, 1.0, hurst + 1.5, early / late)
    # Cov(W_s, Y_t), rows W, columns Y
    mixed = np.sqrt(2 * hurst) / power * (t**power - (t - early) ** power)
    covariance = np.block([[early, mixed], [mixed.T, both]])
    found: np.ndarray = np.linalg.cholesky(covariance + 1e-12 * np.eye(2 * STEPS))
    return found
