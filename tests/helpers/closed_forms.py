"""Textbook formulas that the package does not have: independent oracles, float64."""

import numpy as np
from scipy import integrate
from scipy.special import ndtr, ndtri

DAY = 1 / 365


def black_call(spot: float, strike: float, sigma: float, t: float, mu: float = 0.0) -> float:
    """E[(S_t - strike)^+] of a geometric Brownian motion with E[S_t] = spot exp(mu t), undiscounted."""
    forward, deviation = spot * np.exp(mu * t), sigma * np.sqrt(t)
    d1 = np.log(forward / strike) / deviation + deviation / 2
    return forward * ndtr(d1) - strike * ndtr(d1 - deviation)


def touch_probability(barrier: float, sigma: float, t: float, mu: float = 0.0) -> float:
    """P(a geometric Brownian motion touches `barrier` times spot by t): the inverse-Gaussian density by quadrature."""
    distance, drift = np.log(barrier), mu - sigma**2 / 2

    def density(at: float) -> float:
        spread = sigma**2 * at
        return (
            abs(distance) / (at * np.sqrt(2 * np.pi * spread)) * np.exp(-((distance - drift * at) ** 2) / (2 * spread))
        )

    peak = min(distance**2 / (3 * sigma**2), t)
    return integrate.quad(density, 0, t, points=[peak / 4, peak / 2, peak], limit=500, epsrel=1e-12)[0]


def normal_of(word) -> np.ndarray:
    """The exact normal quantile of a word's sign bit and 31-bit magnitude."""
    word = np.asarray(word, np.int64)
    size = -ndtri(((word & 0x7FFFFFFF) + 0.5) * 2.0**-32)
    return np.where(word >> 31, -size, size)


def uniform_of(word) -> np.ndarray:
    """The exact uniform of a word."""
    return (np.asarray(word, np.int64) + 0.5) * 2.0**-32


def first_exit(low: float, high: float, sigma: float, t: float) -> tuple[float, float]:
    """P(the price leaves (low, high) below, above, within t), geometric Brownian motion from 1 with mu = 0.

    Borodin and Salminen (2002), part II, 2.3.0.5: what is left inside after t, by its eigenfunctions.
    """
    mu, scale, n = -(sigma**2) / 2, sigma**2, np.arange(1, 200)
    below = []
    for near, far, drift in ((-np.log(low), np.log(high), mu), (np.log(high), -np.log(low), -mu)):
        width = near + far
        rates = drift**2 / (2 * scale) + (n * np.pi / width) ** 2 * scale / 2
        later = np.pi * scale / width**2 * np.exp(-drift * near / scale)
        later *= np.sum(n * np.sin(n * np.pi * near / width) * np.exp(-rates * t) / rates)
        ever = np.expm1(-2 * drift / scale * far) / (
            np.exp(-2 * drift / scale * far) - np.exp(2 * drift / scale * near)
        )
        below.append(float(ever - later))
    return below[0], below[1]
