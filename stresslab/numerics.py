"""Maths without a domain: bridge extremes, Fourier inversion, Poisson tails. NumPy float64 unless said otherwise."""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jax import Array
from scipy import integrate, stats

CharacteristicFunction = Callable[[np.ndarray], np.ndarray]


def bridge_extremes(start: Array, end: Array, variance: Array, exponential: Array) -> tuple[Array, Array]:
    """Minimum and maximum of a Brownian bridge from `start` to `end` with the integrated `variance`.

    `exponential` is one standard exponential draw per bridge. Each extreme has its exact law,
    m = (x0 + x1 -+ sqrt((x1 - x0)^2 + 2 s E)) / 2; their joint law is not that of the bridge.
    """
    move = end - start
    reach = jnp.sqrt(move * move + np.float32(2) * variance * exponential)
    low, high = np.float32(0.5) * (start + end - reach), np.float32(0.5) * (start + end + reach)
    # rounding may not leave the end outside
    return jnp.minimum(low, end), jnp.maximum(high, end)


def poisson_slots(mean: float, most: int, probability: float = 1e-9) -> int:
    """The fewest slots that a Poisson count of this mean exceeds with less than `probability`, of which `most` must
    do.
    """
    found = next((n for n in range(1, most + 1) if stats.poisson.sf(n, mean) < probability), None)
    if found is None:
        raise ValueError(f"a Poisson count of mean {mean} does not fit into {most} slots")
    return found


def fourier_cdf(characteristic: CharacteristicFunction, x: float, limit: float = np.inf) -> float:
    """P(X <= x) from the characteristic function of X (Gil-Pelaez 1951)."""

    def integrand(u: float) -> float:
        return float((np.exp(-1j * u * x) * characteristic(np.asarray(u, complex)) / (1j * u)).real)

    return 0.5 - _integral(integrand, limit) / np.pi


def fourier_call(characteristic: CharacteristicFunction, strike: float, limit: float = np.inf) -> float:
    """E[(S - strike)^+] for S = exp(X) with E[S] = phi(-i): Lewis (2001), equation 3.11, undiscounted."""
    forward = float(characteristic(np.asarray(-1j)).real)
    moneyness = np.log(forward / strike)

    def integrand(u: float) -> float:
        shifted = characteristic(np.asarray(u - 0.5j)) * np.exp(-1j * (u - 0.5j) * np.log(forward))
        return float((np.exp(1j * u * moneyness) * shifted).real / (u * u + 0.25))

    return forward - np.sqrt(forward * strike) / np.pi * _integral(integrand, limit)


def _integral(integrand: Callable[[float], float], limit: float) -> float:
    value, _ = integrate.quad(integrand, 0.0, limit, limit=2000, epsabs=1e-13, epsrel=1e-11)
    return value
