"""European prices from a characteristic function by the Fourier-cosine (COS) method, all strikes of an expiry at once.

    put(k) = sum over n of Re[phi(u_n) e^(-i u_n a)] V_n(k),        u_n = n pi / (b - a), the term n = 0 halved
    V_n(k) = 2 / (b - a) integral from a to log k of (k - e^x) cos(u_n (x - a)) dx

phi is that of x = log(S_t / F), prices and strikes k are in units of the forward F, undiscounted. Puts, whose payoff is
bounded, then calls by parity. Mass beyond [a, b] is folded back at the ends: below a, where the put is worth k nearly
everywhere, and above b, where it is worth nothing; so the interval must hold the strikes and most of the law, and the
error falls with |phi| at the highest frequency. Fang and Oosterlee (2008), "A novel pricing method for European
options based on Fourier-cosine series expansions", equations 19, 22-25; 49 for the interval.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

Characteristic = Callable[[np.ndarray], np.ndarray]

WIDTH = 12.0  # deviations on each side of the mean
MARGIN = 2.0  # deviations from the outermost strike to the end of the interval
CUT = 1e-13  # |phi| beyond the highest frequency
MOST_TERMS = 1 << 15
FLAT = 0.005  # -log|phi| where the cumulants are read off


class Grid(NamedTuple):
    """Frequencies, and what turns the values of phi there into the puts of an expiry."""

    frequencies: np.ndarray
    phases: np.ndarray  # e^(-i u a)
    payoffs: np.ndarray  # (strike, frequency)


def make_grid(strikes: np.ndarray, low: float, high: float, n_terms: int) -> Grid:
    """The grid of the interval [low, high] of log(S / F) for strikes in units of the forward."""
    u = np.arange(n_terms) * np.pi / (high - low)
    end = np.log(strikes)[:, None]
    sine, cosine = np.sin(u * (end - low)), np.cos(u * (end - low))
    # eqs. 22 and 23, the integrals of e^x cos and of cos
    chi = ((cosine + u * sine) * np.exp(end) - np.exp(low)) / (1 + u * u)
    psi = np.hstack([end - low, sine[:, 1:] / u[1:]])
    payoffs = 2 / (high - low) * (strikes[:, None] * psi - chi)
    payoffs[:, 0] /= 2
    return Grid(u, np.exp(-1j * u * low), payoffs)


def puts(characteristic: np.ndarray, grid: Grid) -> np.ndarray:
    """Puts in units of the forward, from phi at the frequencies of the grid."""
    found: np.ndarray = grid.payoffs @ (characteristic * grid.phases).real
    return found


def prices(characteristic: Characteristic, strikes: np.ndarray, calls: np.ndarray) -> np.ndarray:
    """Calls and puts in units of the forward, to about 1e-12; as many terms as |phi| takes to fall below `CUT`."""
    strikes = np.asarray(strikes, float)
    low, high = interval(characteristic, strikes)
    n_terms = 128
    while n_terms < MOST_TERMS and np.abs(characteristic(np.array([n_terms * np.pi / (high - low)])))[0] > CUT:
        n_terms *= 2
    grid = make_grid(strikes, low, high, n_terms)
    return puts(characteristic(grid.frequencies), grid) + np.where(calls, 1 - strikes, 0.0)


def interval(characteristic: Characteristic, strikes: np.ndarray) -> tuple[float, float]:
    """Mean +- WIDTH sqrt(c2 + sqrt(c4)), and MARGIN of these beyond every strike."""
    mean, deviation = scale(characteristic)
    reach, margin = WIDTH * deviation, MARGIN * deviation
    low, high = np.log(strikes.min()) - margin, np.log(strikes.max()) + margin
    return min(mean - reach, low), max(mean + reach, high)


def scale(characteristic: Characteristic) -> tuple[float, float]:
    """Mean and sqrt(c2 + sqrt|c4|) of the law, from log phi at h and 2 h, where it has fallen by half a percent."""
    h = 1.0
    for _ in range(8):
        h *= np.sqrt(FLAT / -np.log(np.abs(characteristic(np.array([h])))[0]))
    near, far = np.log(characteristic(np.array([h, 2 * h])))
    # log phi(h) = i c1 h - c2 h^2 / 2 - i c3 h^3 / 6 + c4 h^4 / 24 - ...
    second = (far.real - 16 * near.real) / (6 * h**2)
    fourth = 2 * (far.real - 4 * near.real) / h**4
    return float(near.imag / h), float(np.sqrt(second + np.sqrt(abs(fourth))))
