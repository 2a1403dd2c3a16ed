"""Maximum likelihood of a jump law from the returns beyond a threshold, with JAX's gradients in float64.

    log L = sum over |r| > u of log f(r)  +  #(|r| <= u) log P(|r| <= u)
    V = realised variance per year, estimated first and held: the jumps' share of it is a parameter, sigma^2 the rest

Why censored: see merton.py. A point is (log V, free parameters). Standard errors: the Hessian, by differences of the
exact gradient, with scores summed over blocks (Godambe's sandwich), V included by the equation that it solves.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from scipy.optimize import minimize

from stresslab.calibrate.blocks import block_covariance
from stresslab.calibrate.identification import Found, best_of
from stresslab.calibrate.prices import Returns

STEP = 1e-4  # of the gradient's differences, in the coordinates of a point


@dataclass(frozen=True)
class Family:
    """A law of returns: from a point and a bar in years to parameters, in natural units; density and tails."""

    law: Callable[[Array, float], Any]  # a NamedTuple of numbers
    log_density: Callable[[Array, Any, float], Array]
    above: Callable[[Array, Any, float], Array]
    below: Callable[[Array, Any, float], Array]


@dataclass(frozen=True)
class Sample:
    """Returns as the likelihood sees them."""

    values: np.ndarray
    bound: float
    dt: float

    @property
    def beyond(self) -> np.ndarray:
        """Which returns lie beyond the bound."""
        return np.abs(self.values) >= self.bound

    @property
    def total(self) -> float:
        """Realised variance per year."""
        return float(np.mean(self.values**2) / self.dt)


def sample_of(returns: Returns, threshold: float) -> Sample:
    """The returns with a bound of `threshold` standard deviations of a bar."""
    return Sample(returns.values, threshold * float(np.sqrt(np.mean(returns.values**2))), returns.dt)


def log_likelihood(family: Family, sample: Sample, point: np.ndarray) -> float:
    """Of the whole sample."""
    with jax.enable_x64(True):
        far, within = sample.values[sample.beyond], float((~sample.beyond).sum())
        return float(_slope(family, point, far, within, sample.bound, sample.dt)[0])


def best_point(
    family: Family, sample: Sample, starts: Sequence[Sequence[float]], bounds: Sequence[tuple[float, float]]
) -> Found:
    """The point of the highest likelihood that several starts lead to."""
    log_total, n = np.log(sample.total), len(sample.values)
    far, within = sample.values[sample.beyond], float((~sample.beyond).sum())

    def cost(free: np.ndarray) -> tuple[float, np.ndarray]:
        point = np.append(log_total, free)
        value, slope = _slope(family, point, far, within, sample.bound, sample.dt)
        return -float(value) / n, -np.asarray(slope)[1:] / n

    with jax.enable_x64(True):
        options = {"ftol": 1e-15, "gtol": 1e-10}
        found = [minimize(cost, s, jac=True, method="L-BFGS-B", bounds=bounds, options=options) for s in starts]
    best, converged = best_of(found)
    return Found(np.append(log_total, best), converged)


def covariance(
    family: Family, sample: Sample, point: np.ndarray, stamps: np.ndarray, held: Sequence[int] | np.ndarray = ()
) -> np.ndarray:
    """Covariance of the parameters in natural units; places of the point that are `held` have no error of their own."""
    n = len(sample.values)
    far, within = sample.values[sample.beyond], float((~sample.beyond).sum())
    given = far, within, sample.bound, sample.dt
    steps = STEP * np.eye(len(point))

    def slope(function: Callable[[np.ndarray], Any]) -> np.ndarray:
        """A column of central differences for each place of the point."""
        return np.stack(
            [(np.asarray(function(point + h)) - np.asarray(function(point - h))) / (2 * STEP) for h in steps], -1
        )

    with jax.enable_x64(True):
        slopes = slope(lambda at: _slope(family, at, *given)[1]) / n
        natural = slope(lambda at: _numbers(family, at, sample.dt))
        at_far = slope(lambda at: _contributions(family, at, far, sample.bound, sample.dt)[0])
        elsewhere = slope(lambda at: _contributions(family, at, far, sample.bound, sample.dt)[1])
    scores = np.where(sample.beyond[:, None], 0.0, elsewhere)
    scores[sample.beyond] = at_far
    scores[:, 0] = sample.values**2 / (np.exp(point[0]) * sample.dt) - 1  # the equation that V solves
    slopes[0] = np.eye(len(point))[0] * -1
    free = [place for place in range(len(point)) if place not in held]
    influence = np.zeros_like(scores)
    influence[:, free] = -scores[:, free] @ np.linalg.inv(slopes[np.ix_(free, free)]).T
    return block_covariance(influence @ natural.T, stamps)


def law_at(family: Family, point: np.ndarray, dt: float) -> np.ndarray:
    """The parameters at a point, in natural units."""
    with jax.enable_x64(True):
        return np.asarray(_numbers(family, point, dt))


def tails(family: Family, x: Any, law: Any, t: float) -> tuple[np.ndarray, np.ndarray]:
    """P(log return over t years < x) and P(> x)."""
    with jax.enable_x64(True):
        below, above = _tails(family, x, law, t)
    return np.asarray(below), np.asarray(above)


def _log_likelihood(family: Family, point: Any, far: Any, within: float, bound: float, dt: float) -> Array:
    law = family.law(jnp.asarray(point), dt)
    return family.log_density(jnp.asarray(far), law, dt).sum() + within * _within(family, law, bound, dt)


def _within(family: Family, law: Any, bound: float, dt: float) -> Array:
    edge = jnp.asarray(bound)
    return jnp.log1p(-family.above(edge, law, dt) - family.below(-edge, law, dt))


@partial(jax.jit, static_argnums=0)
def _slope(family: Family, point: Any, *given: Any) -> Any:
    return jax.value_and_grad(_log_likelihood, argnums=1)(family, point, *given)


@partial(jax.jit, static_argnums=0)
def _contributions(family: Family, point: Any, far: Any, bound: float, dt: float) -> tuple[Array, Array]:
    """To log L: of each return beyond the bound, and of one within."""
    law = family.law(jnp.asarray(point), dt)
    return family.log_density(jnp.asarray(far), law, dt), _within(family, law, bound, dt)


@partial(jax.jit, static_argnums=0)
def _numbers(family: Family, point: Any, dt: float) -> Array:
    return jnp.stack(family.law(jnp.asarray(point), dt))


@partial(jax.jit, static_argnums=0)
def _tails(family: Family, x: Any, law: Any, t: float) -> tuple[Array, Array]:
    return family.below(jnp.asarray(x), law, t), family.above(jnp.asarray(x), law, t)
