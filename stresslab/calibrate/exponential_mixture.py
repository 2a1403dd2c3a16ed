"""The law of Kou's log return over a time t: a Poisson mixture of a normal plus double-exponential jumps.

    x = b t + sigma W_t + sum of N jumps,        b = -sigma^2/2 - lambda (E[e^J] - 1)        (a martingale)

The sum of k jumps is a mixture of gamma laws up and down: Kou (2002), "A jump-diffusion model for option pricing",
proposition B.1. A normal plus a gamma law has its density and tails by Hh's recursion. The series is cut after
`MOST_JUMPS`: 2e-5 of the mass is lost at 0.3 jumps expected, 1e-12 at 0.01. JAX, in whatever precision it is called.
"""

from math import comb, factorial
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import log_ndtr, ndtr
from jax.scipy.stats import norm

MOST_JUMPS = 4


class Jumps(NamedTuple):
    """Kou's parameters."""

    sigma: Any
    intensity: Any  # 1/year
    up_probability: Any
    eta_up: Any
    eta_down: Any


class Parts(NamedTuple):
    """The mixture: weight of no jump, weights of n = 1 .. MOST_JUMPS exponentials up and down."""

    none: Any
    up: Array
    down: Array


def log_density(x: Array, law: Jumps, t: float) -> Array:
    """Log density of the log return over t years at each x."""
    parts, drift, spread = _parts(law, t), _drift(law, t), law.sigma * jnp.sqrt(t)
    density = parts.none * norm.pdf((x - drift) / spread) / spread
    density += _dot(parts.up, _densities((x - drift) / spread, law.eta_up * spread), law.eta_up)
    density += _dot(parts.down, _densities((drift - x) / spread, law.eta_down * spread), law.eta_down)
    return jnp.log(density)


def above(x: Array, law: Jumps, t: float) -> Array:
    """P(log return over t years > x), from sums without cancellation where x is above the bulk."""
    parts, drift, spread = _parts(law, t), _drift(law, t), law.sigma * jnp.sqrt(t)
    z = (x - drift) / spread
    up = _survivals(ndtr(-z), _densities(z, law.eta_up * spread))
    down = _survivals(ndtr(z), _densities(-z, law.eta_down * spread))
    total = parts.none * ndtr(-z)
    for n in range(MOST_JUMPS):
        total += parts.up[n] * up[n] + parts.down[n] * (1 - down[n])
    return total


def below(x: Array, law: Jumps, t: float) -> Array:
    """P(log return over t years < x), from sums without cancellation where x is below the bulk."""
    mirrored = Jumps(law.sigma, law.intensity, 1 - law.up_probability, law.eta_down, law.eta_up)
    # the same law upside down, but for its drift
    return above(-x + _drift(law, t) + _drift(mirrored, t), mirrored, t)


def _drift(law: Jumps, t: float) -> Any:
    p = law.up_probability
    growth = p / (law.eta_up - 1) - (1 - p) / (law.eta_down + 1)
    return (-(law.sigma**2) / 2 - law.intensity * growth) * t


def _parts(law: Jumps, t: float) -> Parts:
    """Poisson weights spread over the gamma laws that the sums of jumps are made of (proposition B.1)."""
    mean, p = law.intensity * t, law.up_probability
    longer = law.eta_down / (law.eta_up + law.eta_down)  # P(one exponential up is longer than one down)
    return Parts(jnp.exp(-mean), _weights(mean, p, longer), _weights(mean, 1 - p, 1 - longer))


def _weights(mean: Any, p: Any, longer: Any) -> Array:
    """P(n exponentials of this side are left) for n = 1 .. MOST_JUMPS, after the other side's were taken off: the
    longer one of two is left, and has no memory.
    """
    these, others, lost, factor = _WAYS.T
    each = these * jnp.log(p) + others * jnp.log1p(-p) + (these + others) * jnp.log(mean) - mean
    each += others * jnp.log(longer) + lost * jnp.log1p(-longer)
    return (factor * jnp.exp(each)) @ _LEFT


def _ways() -> tuple[np.ndarray, np.ndarray]:
    """Rows of (this side's, the other's, this side's lost, ways / count!), and how many each row leaves."""
    rows = []
    for count in range(1, MOST_JUMPS + 1):
        for these in range(1, count + 1):
            others = count - these
            for lost in range(these if others else 1):
                ways = comb(count, these) * (comb(others - 1 + lost, lost) if others else 1)
                rows.append((these, others, lost, ways / factorial(count)))
    table = np.array(rows)
    return table, np.eye(MOST_JUMPS)[(table[:, 0] - table[:, 2] - 1).astype(int)]


def _densities(z: Array, eta: Any) -> list[Array]:
    """Of a standard normal plus n exponentials of rate `eta`, divided by `eta`, for n = 1 .. MOST_JUMPS."""
    y = z - eta
    # Hh(n) exp(eta^2/2 - eta z) by its recursion n Hh(n) = y Hh(n - 1) + Hh(n - 2)
    before, here = norm.pdf(z), jnp.exp(eta**2 / 2 - eta * z + log_ndtr(y))
    found = [here]
    for n in range(1, MOST_JUMPS):
        before, here = here, jnp.maximum((y * here + before) / n, 0.0)
        found.append(here * eta**n)
    return found


def _survivals(none: Array, densities: list[Array]) -> list[Array]:
    """P(a standard normal plus n exponentials > z): each further one adds its density over its rate."""
    found = []
    for density in densities:
        none = none + density
        found.append(none)
    return found


def _dot(weights: Array, densities: list[Array], eta: Any) -> Array:
    total = weights[0] * densities[0]
    for n in range(1, MOST_JUMPS):
        total += weights[n] * densities[n]
    return total * eta


_WAYS, _LEFT = _ways()
