"""What drives a bar: a standardised innovation z (mean 0, variance 1) drawn for the bar and spread over its steps.

    normal      Brownian motion with the bar's variance
    student_t   Brownian motion with the bar's variance times W = (nu - 2) / chi^2_nu, one draw for the bar:
                z = sqrt(W) N is Student's t scaled to variance 1, and given W the bridge between steps is exact
    skewed_t    Hansen's law is no such mixture: the bar's z is drawn, and a Brownian bridge with the bar's variance
                leads to it, which is an approximation of what happens inside the bar

Quantiles are read from tables over the normal score s, Q(Phi(s)) for |s| <= 6.5, by linear interpolation: relative
error below 2e-5 for nu >= 2.1, and the tails reach as far as `random.normal` does (2^-33). Hansen (1994),
"Autoregressive conditional density estimation", equations 10-14.
"""

from functools import lru_cache
from typing import Any, Literal, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from scipy import integrate, stats
from scipy.special import gammaln, log_ndtr

from stresslab.random import normal

Law = Literal["normal", "student_t", "skewed_t"]
REACH, POINTS = 6.5, 4097
KEPT = 64  # laws whose tables and integrals are kept: a night brings other variances, not other laws


class Driven(NamedTuple):
    """Noise of one step, its variance on the way, the memory of the law, and the bar's noise up to the step's end."""

    noise: Array
    variance: Array
    memory: tuple[Array, ...]
    shock: Array


class Normal(NamedTuple):
    """Nothing but the normals of the steps."""

    def drive(self, h: Array, at: Array, n: Array, memory: tuple[Array, ...], words: tuple[Array, ...]) -> Driven:
        variance = h / n.astype(jnp.float32)
        noise = jnp.sqrt(variance) * normal(words[0])
        shock = jnp.where(at == 0, np.float32(0), memory[0]) + noise
        return Driven(noise, variance, (shock,), shock)


class StudentT(NamedTuple):
    """sqrt(W) over the normal score."""

    table: np.ndarray

    def drive(self, h: Array, at: Array, n: Array, memory: tuple[Array, ...], words: tuple[Array, ...]) -> Driven:
        mixing = jnp.where(at == 0, look_up(self.table, normal(words[1])), memory[1])
        variance = mixing * mixing * (h / n.astype(jnp.float32))
        noise = jnp.sqrt(variance) * normal(words[0])
        shock = jnp.where(at == 0, np.float32(0), memory[0]) + noise
        return Driven(noise, variance, (shock, mixing), shock)


class SkewedT(NamedTuple):
    """z over the normal score."""

    table: np.ndarray

    def drive(self, h: Array, at: Array, n: Array, memory: tuple[Array, ...], words: tuple[Array, ...]) -> Driven:
        left = jnp.where(at == 0, jnp.sqrt(h) * look_up(self.table, normal(words[0])), memory[1])
        steps = (n - at).astype(jnp.float32)
        variance = h / n.astype(jnp.float32)
        noise = left / steps + jnp.sqrt(variance * ((steps - np.float32(1)) / steps)) * normal(words[1])
        shock = jnp.where(at == 0, np.float32(0), memory[0]) + noise
        return Driven(noise, variance, (shock, left - noise), shock)


Innovation = Normal | StudentT | SkewedT
WORDS: dict[Law, tuple[int, int]] = {"normal": (1, 0), "student_t": (1, 1), "skewed_t": (2, 0)}  # normals, others
MEMORIES: dict[Law, int] = {"normal": 1, "student_t": 2, "skewed_t": 2}


@lru_cache(maxsize=KEPT)
def innovation(law: Law, nu: float | None, skew: float | None) -> Innovation:
    """The innovation with its table."""
    if law == "normal":
        return Normal()
    assert nu is not None
    scores = np.linspace(-REACH, REACH, POINTS)
    if law == "student_t":
        tails = np.exp(log_ndtr(-np.abs(scores)))  # a chi-squared from the tail that keeps its digits
        chi2 = np.where(scores > 0, stats.chi2.ppf(tails, nu), stats.chi2.isf(tails, nu))
        return StudentT(np.sqrt((nu - 2) / chi2).astype(np.float32))
    assert skew is not None
    return SkewedT(skewed_quantile(scores, nu, skew).astype(np.float32))


def look_up(table: Any, score: Array) -> Array:
    """A table over normal scores at `score`, linear between its points."""
    place = (jnp.clip(score, np.float32(-REACH), np.float32(REACH)) + np.float32(REACH)) * np.float32(
        (POINTS - 1) / (2 * REACH)
    )
    below = jnp.minimum(place.astype(jnp.int32), np.int32(POINTS - 2))
    low, high = (jnp.take(table, below + np.int32(k), mode="clip") for k in (0, 1))
    return low + (place - below.astype(jnp.float32)) * (high - low)


def hansen_constants(nu: float, skew: float) -> tuple[float, float]:
    """The a and b of Hansen's equations 12 and 13."""
    c = np.exp(gammaln((nu + 1) / 2) - gammaln(nu / 2)) / np.sqrt(np.pi * (nu - 2))
    a = 4 * skew * c * (nu - 2) / (nu - 1)
    return float(a), float(np.sqrt(1 + 3 * skew**2 - a**2))


def skewed_quantile(score: np.ndarray, nu: float, skew: float) -> np.ndarray:
    """Quantile of Hansen's law at the probability Phi(score), from the nearer tail."""
    a, b = hansen_constants(nu, skew)
    tail = np.exp(log_ndtr(-np.abs(score)))
    probability = np.where(score < 0, tail, 1 - tail)
    is_left = probability < (1 - skew) / 2
    left = stats.t.ppf(np.where(score < 0, tail, 1 - tail) / (1 - skew), nu)
    right = stats.t.isf(np.where(score < 0, 1 - tail, tail) / (1 + skew), nu)
    scale = np.where(is_left, 1 - skew, 1 + skew)
    return (np.sqrt(1 - 2 / nu) * scale * np.where(is_left, left, right) - a) / b


def density(z: Any, law: Law, nu: float | None = None, skew: float | None = None) -> Any:
    """Of the innovation at z."""
    if law == "normal":
        return stats.norm.pdf(z)
    assert nu is not None
    lean = skew or 0.0
    a, b = hansen_constants(nu, lean)
    scale = np.sqrt(nu / (nu - 2)) / np.where(z < -a / b, 1 - lean, 1 + lean)
    return b * np.sqrt(nu / (nu - 2)) * stats.t.pdf((b * z + a) * scale, nu)


def kurtosis(law: Law, nu: float | None, skew: float | None) -> float:
    """E[z^4]; infinite for nu <= 4."""
    if law == "normal":
        return 3.0
    assert nu is not None
    if nu <= 4:
        return float("inf")
    if law == "student_t":
        return 3 * (nu - 2) / (nu - 4)
    return _integral(lambda z: z**4 * density(z, law, nu, skew))


@lru_cache(maxsize=KEPT)
def downside(law: Law, nu: float | None, skew: float | None) -> float:
    """E[z^2; z < 0]: what the asymmetric term of GJR weighs with on average. One half where z is symmetric."""
    if law != "skewed_t":
        return 0.5
    return _integral(lambda z: z**2 * density(z, law, nu, skew), upper=0.0)


@lru_cache(maxsize=KEPT)
def mean_size(law: Law, nu: float | None, skew: float | None) -> float:
    """E|z|."""
    if law == "normal":
        return float(np.sqrt(2 / np.pi))
    return _integral(lambda z: np.abs(z) * density(z, law, nu, skew))


def _integral(integrand: Any, upper: float = np.inf) -> float:
    below = integrate.quad(integrand, -np.inf, 0.0, limit=400, epsabs=1e-12, epsrel=1e-10)[0]
    above = 0.0 if upper == 0 else integrate.quad(integrand, 0.0, upper, limit=400, epsabs=1e-12, epsrel=1e-10)[0]
    return float(below + above)
