"""What comes by chance and more often in stress: a Poisson process whose rate follows the variance.

    rate = base (v / v_0)^power       v the model's variance per year where the step begins

Within a step the rate is constant. power 0: a constant rate; 1/2: proportional to volatility. Source of the form: a
Cox process (Cox 1955, doubly stochastic Poisson); base and power are the study's assumptions, not estimates.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab import random


class Hazard(NamedTuple):
    """Numbers of a rate."""

    rate: Any  # per step, at the reference variance
    power: Any
    variance: Any  # the reference, per year


def of_year(base: float, power: float, variance: float, dt: float) -> Hazard:
    """From a rate per year, in steps of `dt` years."""
    return Hazard(np.float64(base * dt), np.float64(power), np.float64(variance))


def rate(hazard: Hazard, variance: Array) -> Array:
    """Expected arrivals in a step that begins at this variance of the asset, (1, path)."""
    ratio = jnp.maximum(variance / hazard.variance, np.float32(1e-12))
    return hazard.rate * jnp.exp(hazard.power * jnp.log(ratio))


def arrives(word: Array, expected: Array) -> Array:
    """Whether anything arrives where so many arrivals are expected.

    Words have 32 bits: a rate below 1e-8 per step is felt only as precisely as 2^-32.
    """
    return random.uniform(word) < -jnp.expm1(-expected)
