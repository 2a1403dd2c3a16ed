"""QuantLib-Python's path generators, called in a Python loop as their users do. Paths only: nothing is done with
them.
"""

import warnings
from collections.abc import Callable

from stresslab.models import GBM, Heston

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of the SWIG types, on import
    import QuantLib as ql

Draw = Callable[[int], float]


def black_scholes(model: GBM, n_steps: int, span: float) -> Draw:
    """Draws paths of the Black-Scholes process, QuantLib's usual one: exact in the log price, curves looked up in
    every step.
    """
    today, count = _start(), ql.Actual365Fixed()
    volatility = ql.BlackVolTermStructureHandle(ql.BlackConstantVol(today, ql.NullCalendar(), model.sigma, count))
    return _single(ql.BlackScholesProcess(_spot(), _flat(today, model.mu), volatility), n_steps, span)


def geometric(model: GBM, n_steps: int, span: float) -> Draw:
    """Draws paths of the bare geometric Brownian motion: no curves, and an Euler step in the price."""
    return _single(ql.GeometricBrownianMotionProcess(1.0, model.mu, model.sigma), n_steps, span)


def heston(model: Heston, n_steps: int, span: float) -> Draw:
    """Draws paths of a Heston process by the quadratic-exponential scheme with the martingale correction."""
    today, scheme = _start(), ql.HestonProcess.QuadraticExponentialMartingale
    curves = _flat(today, model.mu), _flat(today, 0.0), _spot()
    process = ql.HestonProcess(*curves, model.v0, model.kappa, model.theta, model.xi, model.rho, scheme)
    times = list(ql.TimeGrid(span, n_steps))
    return _loop(ql.GaussianMultiPathGenerator(process, times, _gaussian(process.factors() * n_steps), False))


def _start() -> "ql.Date":
    today = ql.Date(1, 1, 2025)
    ql.Settings.instance().evaluationDate = today
    return today


def _spot() -> "ql.QuoteHandle":
    return ql.QuoteHandle(ql.SimpleQuote(1.0))


def _flat(today: "ql.Date", rate: float) -> "ql.YieldTermStructureHandle":
    return ql.YieldTermStructureHandle(ql.FlatForward(today, rate, ql.Actual365Fixed()))


def _gaussian(dimension: int) -> "ql.GaussianRandomSequenceGenerator":
    uniforms = ql.UniformRandomSequenceGenerator(dimension, ql.UniformRandomGenerator(1))
    return ql.GaussianRandomSequenceGenerator(uniforms)


def _single(process: "ql.StochasticProcess1D", n_steps: int, span: float) -> Draw:
    return _loop(ql.GaussianPathGenerator(process, span, n_steps, _gaussian(n_steps), False))


def _loop(generator: "ql.GaussianPathGenerator | ql.GaussianMultiPathGenerator") -> Draw:
    def draw(n_paths: int) -> float:
        weights = 0.0
        for _ in range(n_paths):
            weights += generator.next().weight()
        return weights

    return draw
