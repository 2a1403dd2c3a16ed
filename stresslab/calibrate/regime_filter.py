"""The likelihood of regimes in returns of one bar: Hamilton's filter.

    P(state j at the end of a bar | i at its start) = (e^(Q dt))_ij
    return | i, j ~ Normal(-v_ij/2, v_ij),        v_ij = (sigma_i^2 + sigma_j^2) / 2 dt

A bar in which the state changes has the mean variance of both ends: right to first order in the bar's length times the
rates, which is what a state that is constant within a bar gets wrong. Hamilton (1989), "A new approach to the economic
analysis of nonstationary time series". JAX in float64; bars that are missing pass time and tell nothing.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.scipy.linalg import expm
from jax.scipy.special import ndtr

from stresslab.calibrate.prices import Returns

PADDED = 4096  # lengths are filled up to a multiple, so that few programs are compiled
LONGEST_GAP = 2000  # bars: what is not known by then is the long run


class Bars(NamedTuple):
    """Returns on a grid without gaps; `known` tells which are there. Fill at the front: no return, no time."""

    values: np.ndarray
    known: np.ndarray
    passes: np.ndarray  # 0 for what only fills up


class Filtered(NamedTuple):
    """Log-likelihood of each bar, what was expected of it, and the states' probabilities at the end."""

    log_likelihoods: Array
    variances: Array  # per bar, given what was known before
    uniforms: Array  # P(return <= that seen | what was known before)
    final: Array


def on_grid(returns: Returns) -> Bars:
    """The returns with their gaps, which are cut at `LONGEST_GAP`, filled up at the front."""
    jumps = np.diff(returns.stamps, prepend=returns.stamps[0] - returns.seconds) // returns.seconds
    places = np.cumsum(np.minimum(jumps, LONGEST_GAP)) - 1
    length = -(-(int(places[-1]) + 1) // PADDED) * PADDED
    values, known, passes = np.zeros((3, length))
    first = length - int(places[-1]) - 1
    values[first + places], known[first + places], passes[first:] = returns.values, 1.0, 1.0
    return Bars(values, known, passes)


def stationary(generator: Any) -> Array:
    """Probabilities of the states in the long run."""
    n = generator.shape[0]
    return jnp.linalg.solve((generator + jnp.ones((n, n))).T, jnp.ones(n))


@partial(jax.jit, static_argnames="dt")
def run(sigmas: Any, generator: Any, bars: Bars, dt: float) -> Filtered:
    """Filter bars of `dt` years from the stationary law."""
    squares = sigmas**2
    variances = (squares[:, None] + squares[None, :]) / 2 * dt
    moves = expm(generator * dt)
    values = bars.values[:, None, None]
    z = (values + variances[None] / 2) / jnp.sqrt(variances)[None]
    densities = jnp.exp(-z * z / 2) / jnp.sqrt(2 * jnp.pi * variances)[None]
    known = bars.known[:, None, None]
    # a bar far out in all states must not give 0
    factors = jnp.where(known > 0, jnp.maximum(densities, 1e-290), 1.0)

    def bar(before: Array, given: tuple[Any, Any]) -> tuple[Array, tuple[Array, Array]]:
        factor, passes = given
        joint = before[:, None] * jnp.where(passes > 0, moves * factor, jnp.eye(len(before)))
        total = joint.sum()
        return joint.sum(axis=0) / total, (total, before)

    final, (totals, befores) = lax.scan(bar, stationary(generator), (factors, bars.passes))
    paired = befores[:, :, None] * moves[None]
    return Filtered(jnp.log(totals), (paired * variances[None]).sum((1, 2)), (paired * ndtr(z)).sum((1, 2)), final)
