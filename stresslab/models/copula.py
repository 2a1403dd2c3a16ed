"""Gaussian and Student-t copulas: closed forms on the host, and the t copula's noise on the device.

    T_i = W_i / sqrt(S / nu),   N_i = Phi^-1(t_nu(T_i)),        W ~ Normal(0, R), S ~ chi-square(nu) common to all

N has standard normal margins and the t copula of correlation R and nu degrees of freedom: the margins of a model that
is driven by it stay what they are. McNeil, Frey and Embrechts (2015), "Quantitative Risk Management", section 7.3.

On the device both quantile functions are polynomials of float32, fitted on the host: log(S / nu) in the normal x that S
is drawn with, and N = y h(y) in y = sqrt(nu log(1 + T^2 / nu)) (Wallace 1959, "Bounds on normal approximations to
Student's and the chi-square distributions", of which h is the correction). N is within 1e-5 of its exact value up to 6
standard deviations (4e-5 for nu = 1); beyond 8 it stands still.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.polynomial import chebyshev
from scipy import integrate, stats
from scipy.special import ndtr, ndtri, ndtri_exp

FURTHEST_DRAW, FURTHEST_NORMAL = 6.4, 8.0  # random.normal ends at 6.2
DEGREE_DRAW, DEGREE_NORMAL = 24, 18


class Mixing(NamedTuple):
    """Of the loop: the coefficients of both polynomials on (-1, 1), lowest power first, the largest y, and nu."""

    log_share: np.ndarray
    correction: np.ndarray
    furthest: np.float32
    nu: np.float32


def gaussian_probability(u: float, v: float, rho: float) -> float:
    """C(u, v) = P(U <= u, V <= v) under the Gaussian copula."""
    a, b, spread = ndtri(u), ndtri(v), np.sqrt(1 - rho**2)
    return _quadrature(lambda x: stats.norm.pdf(x) * ndtr((b - rho * x) / spread), a)


def student_probability(u: float, v: float, rho: float, nu: float) -> float:
    """C(u, v) under the t copula: given one of them the other is a scaled t with one degree of freedom more."""
    a, b = stats.t.ppf(u, nu), stats.t.ppf(v, nu)

    def density(x: float) -> float:
        spread = np.sqrt((nu + x * x) * (1 - rho**2) / (nu + 1))
        return float(stats.t.pdf(x, nu) * stats.t.cdf((b - rho * x) / spread, nu + 1))

    return _quadrature(density, a)


def tail_dependence(rho: float, nu: float) -> float:
    """The limit of C(u, u) / u at 0 under the t copula; the Gaussian copula's is 0. Embrechts et al. (2002)."""
    return float(2 * stats.t.cdf(-np.sqrt((nu + 1) * (1 - rho) / (1 + rho)), nu + 1))


def kendall_tau(rho: float) -> float:
    """Rank correlation under either copula."""
    return float(2 / np.pi * np.arcsin(rho))


@lru_cache(maxsize=64)
def mixing(nu: float) -> Mixing:
    """The polynomials of a t copula with `nu` degrees of freedom."""
    nodes = np.cos(np.pi * (np.arange(512) + 0.5) / 512)
    share = stats.chi2.ppf(ndtr(nodes * FURTHEST_DRAW), nu) / nu
    furthest = wallace(stats.t.isf(ndtr(-FURTHEST_NORMAL), nu), nu)
    y = (nodes + 1) / 2 * furthest
    student = np.sqrt(nu * np.expm1(y * y / nu))
    ratio = -ndtri_exp(stats.t.logsf(student, nu)) / y
    return Mixing(
        _polynomial(nodes, np.log(share), DEGREE_DRAW),
        _polynomial(nodes, ratio, DEGREE_NORMAL),
        np.float32(furthest),
        np.float32(nu),
    )


def wallace(student: Any, nu: float) -> Any:
    """The y of a Student-t variable: nearly normal."""
    return np.sqrt(nu * np.log1p(student * student / nu))


def student_to_normal(m: Mixing, correlated: Array, draw: Array) -> Array:
    """N of correlated normals W, given the normal that the common chi-square variable is drawn with."""
    log_share = _horner(m.log_share, jnp.clip(draw * np.float32(1 / FURTHEST_DRAW), -1, 1))
    y = jnp.sqrt(m.nu * jnp.log1p(correlated * correlated * jnp.exp(-log_share) / m.nu))
    y = jnp.minimum(y, m.furthest)
    ratio = _horner(m.correction, np.float32(2) * y / m.furthest - np.float32(1))
    return jnp.sign(correlated) * y * ratio


def _polynomial(nodes: np.ndarray, values: np.ndarray, degree: int) -> np.ndarray:
    return chebyshev.cheb2poly(chebyshev.chebfit(nodes, values, degree)).astype(np.float32)


def _horner(coefficients: Any, x: Array) -> Array:
    """One product and one sum for each power: Clenshaw's recurrence uses each term twice, and XLA's fusion then works
    out two to the power of the degree.
    """
    value = jnp.zeros_like(x) + coefficients[-1]
    for place in range(coefficients.shape[0] - 2, -1, -1):
        value = value * x + coefficients[place]
    return value


def _quadrature(density: Any, end: float) -> float:
    value, _ = integrate.quad(density, -np.inf, end, epsabs=0, epsrel=1e-11, limit=500)
    return float(value)
