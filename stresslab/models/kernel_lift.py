"""The fractional kernel as a sum of exponentials: what makes a rough process a Markov process of a few factors.

    K(t) = t^(a-1) E_{a,a}(-lambda t^a) ~ sum_i w_i exp(-x_i t),  first <= t <= last,        a = H + 1/2

E_{a,a} is Mittag-Leffler's function; lambda = 0 gives t^(a-1) / Gamma(a). K is completely monotone: a mixture of
exponentials (Abi Jaber and El Euch 2019). The rates are geometric, with the two ends and the weights that make
the root mean square of the error over log t least, relative to the kernel of lambda = 0. Its maximum is `error` of the
lift: 1 % at `FACTORS` factors and steps of 15 minutes, 0.3 % at 4 hours, alternating in sign. The youngest noise, that
of the step itself, sees the kernel as it is: the hybrid scheme of Bennedsen, Lunde and Pakkanen (2017), its far field
lifted as in Roemer (2022), "Hybrid multifactor scheme for stochastic Volterra equations". Time in years. Everything
here is float64 on the host.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy import optimize
from scipy.special import rgamma

FACTORS = 10
LAST = 3.0  # years: beyond it the lifted kernel falls off as an exponential
YOUNGEST = 0.125  # of a step: the shortest lag that the factors should know, for averages over a step
MOST_SERIES = 0.5  # of z, up to which the series of Mittag-Leffler's function is taken
_LAGS = 200
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(60)
_NODES, _WEIGHTS = (_NODES + 1) / 2, _WEIGHTS / 2
_SERIES = np.arange(60)


class Lift(NamedTuple):
    """Weights and rates of the exponentials, and the largest error on its range, as a share of t^(a-1) / Gamma(a)."""

    weights: np.ndarray
    rates: np.ndarray
    error: float


class Step(NamedTuple):
    """What the noise of a step of `dt` years does to a process with kernel K and to the factors of its lift.

    The noise is dM = sigma dW with sigma held. `level` = int K, `square` = int K^2 and `area` = int int_{r<s} K(s - r)
    over the step; `beta` projects u = int K(dt - s) dM on the increment of M, and `rest` is the variance of what that
    leaves over, per sigma^2. `decay` is what a factor loses in a step; `on_increment` and `on_rest` project its own
    noise on the increment and on what is left over of u.
    """

    level: float
    square: float
    area: float
    beta: float
    rest: float
    decay: np.ndarray
    on_increment: np.ndarray
    on_rest: np.ndarray


def kernel(t: np.ndarray, a: float, rate: float) -> np.ndarray:
    """t^(a-1) E_{a,a}(-rate t^a) for 1/2 < a <= 1."""
    t = np.asarray(t, float)
    if rate == 0:
        return t ** (a - 1) * rgamma(a)
    spectrum, measure = _spectrum(a, rate)
    by_spectrum = np.exp(-np.multiply.outer(t, spectrum)) @ (measure * spectrum) / rate
    return np.where(rate * t**a < MOST_SERIES, t ** (a - 1) * _series(rate * t**a, a, a), by_spectrum)


def over_step(x: np.ndarray) -> np.ndarray:
    """The mean of exp(-x s) for s from 0 to 1."""
    return np.where(x > 0, -np.expm1(-x) / np.where(x > 0, x, 1.0), 1.0)


def relaxation(t: np.ndarray, a: float, rate: float) -> np.ndarray:
    """E_a(-rate t^a) = 1 - rate int_0^t K: what is left of a deviation from the mean."""
    t = np.asarray(t, float)
    if rate == 0:
        return np.ones_like(t)
    spectrum, measure = _spectrum(a, rate)
    by_spectrum = np.exp(-np.multiply.outer(t, spectrum)) @ measure
    return np.where(rate * t**a < MOST_SERIES, _series(rate * t**a, a, 1.0), by_spectrum)


def _series(z: np.ndarray, a: float, b: float) -> np.ndarray:
    """E_{a,b}(-z) for small z."""
    return np.minimum(z, MOST_SERIES)[..., None] ** _SERIES @ ((-1.0) ** _SERIES * rgamma(a * _SERIES + b))


@lru_cache(maxsize=16)
def _spectrum(a: float, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Rates r and their measure, E_a(-rate t^a) = sum measure exp(-r t): with the spectral density's angle for
    variable it is the uniform law on (0, a pi) (Gorenflo and Mainardi 1997, eq. 3.17); double-exponential rule.
    """
    y = np.linspace(-4.2, 4.2, 601)
    left, right = 1 / (1 + np.exp(np.pi * np.sinh(y))), 1 / (1 + np.exp(-np.pi * np.sinh(y)))  # shares of the angle
    measure = np.pi * np.cosh(y) * left * right * (y[1] - y[0])
    ratio = np.sin(a * np.pi * right) / np.sin(a * np.pi * left) if a < 1 else np.ones_like(y)
    return (rate * ratio) ** (1 / a), measure


@lru_cache(maxsize=64)
def lift(a: float, rate: float, first: float, last: float, factors: int = FACTORS) -> Lift:
    """The sum of exponentials on lags from `first` to `last` years."""
    lags = np.geomspace(first, last, _LAGS)
    scale = kernel(lags, a, 0.0)
    target = kernel(lags, a, rate) / scale

    def solve(ends: np.ndarray) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
        rates = np.geomspace(np.exp(ends[0]), np.exp(ends[1]), factors)
        design = np.exp(-np.outer(lags, rates)) / scale[:, None]
        weights = np.linalg.lstsq(design, target)[0]
        errors = design @ weights - target
        return float(errors @ errors), weights, rates, errors

    start, bounds = (
        np.log([0.4 / last, 1 / first]),
        [np.log([0.02 / last, 10 / last]), np.log([0.1 / first, 4 / first])],
    )
    options = {"maxiter": 150}
    found = optimize.minimize(lambda ends: solve(ends)[0], start, method="Nelder-Mead", bounds=bounds, options=options)
    _, weights, rates, errors = solve(found.x)
    return Lift(weights, rates, float(np.abs(errors).max()))


@lru_cache(maxsize=64)
def relaxation_lift(a: float, rate: float, first: float, last: float) -> tuple[np.ndarray, np.ndarray]:
    """Weights and rates of `relaxation` as a sum of exponentials; the first does not fall off."""
    rates = np.append(0.0, np.geomspace(0.4 / last, 2 / first, FACTORS + 4))
    lags = np.geomspace(first, last, _LAGS)
    weights = np.linalg.lstsq(np.exp(-np.outer(lags, rates)), relaxation(lags, a, rate))[0]
    return weights, rates


def of_step(a: float, rate: float, dt: float, rates: np.ndarray) -> Step:
    """The moments of one step, exact but for Gauss's rule in t^a and t^(2a-1), in which they are smooth."""
    level, area = (dt ** (a + k) * float(_series(np.asarray(rate * dt**a), a, a + k + 1)) for k in (0, 1))
    powers = _NODES ** (a / (2 * a - 1)) * dt**a
    square = dt ** (2 * a - 1) / (2 * a - 1) * float(_WEIGHTS @ _series(rate * powers, a, a) ** 2)
    beta = level / dt
    rest = square - beta * level
    x = rates * dt
    on_increment = over_step(x)
    lags = _NODES ** (1 / a)
    both = dt**a / a * (np.exp(-np.outer(x, lags)) @ (_WEIGHTS * _series(rate * dt**a * _NODES, a, a)))
    on_rest = (both - on_increment * level) / rest if rest > 1e-12 * square else np.zeros_like(x)
    return Step(level, square, area, beta, max(rest, 0.0), np.exp(-x), on_increment, on_rest)
