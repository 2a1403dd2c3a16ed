"""Which of two levels a bridge meets first: an adverse one on one side of its start, a favourable one on the other.

    P(a first) = A1 - B2 + A3 - B4 ...      P(b first) = B1 - A2 + B3 - A4 ...

with A_n the probability that the bridge meets a, b, a, ... in turn, n in all, and B_n the same from b on. By reflection
each is exp(-(D^2 - d^2) / 2 s): d the distance between the bridge's ends, D the length of the way that touches the
levels in turn, s the variance (Anderson 1960; Karatzas and Shreve 1991, section 2.8). Four terms leave an error below
1e-3 where the levels are one standard deviation of the piece apart, below 1e-7 where they are two.

One exponential draw E decides, as it does for the extremes of a piece: with U = e^-E the bridge comes down to a where
U <= A1; of these b came first where U > P(a first). Of the others b was met at the other end of the draw. So every
account has the law of the bridge, and an account without a favourable level is liquidated on the same draws as ever.
Where the levels are five standard deviations apart or more no bridge meets both, and each is met by its own extreme.
"""

import jax.numpy as jnp
import numpy as np
from jax import Array

_TINY = np.float32(1e-30)
_TERMS = 4


def favourable_first(end: Array, variance: Array, exponential: Array, near: Array, far: Array) -> Array:
    """Whether the favourable level is met, and before the adverse one; logarithms of prices.

    Seen from the start of the bridge, with favourable moves counted up: its `end`, the adverse level `near` below
    (positive distance) and the favourable one `far` above.
    """
    near, far = jnp.maximum(near, np.float32(0)), jnp.maximum(far, np.float32(0))
    spread = np.float32(2) * jnp.maximum(variance, _TINY)
    comes_down = _in_turn(near, far, end, spread, 1)
    adverse = _first(near, far, end, spread)
    favourable = _first(far, near, -end, spread)
    draw = jnp.exp(-exponential)
    turned = (draw <= comes_down) & (draw > adverse)
    alone = jnp.maximum(favourable - (comes_down - adverse), np.float32(0))
    return turned | (-jnp.expm1(-exponential) < alone)


def _first(near: Array, far: Array, end: Array, spread: Array) -> Array:
    """The probability that the level at -near is met before the one at far."""
    total = jnp.zeros_like(near)
    for number in range(1, _TERMS + 1):
        if number % 2:
            total = total + _in_turn(near, far, end, spread, number)
        else:
            total = total - _in_turn(far, near, -end, spread, number)
    return jnp.clip(total, np.float32(0), np.float32(1))


def _in_turn(near: Array, far: Array, end: Array, spread: Array, number: int) -> Array:
    """The probability that -near, far, -near, ... are met in turn, `number` in all."""
    width = near + far
    if number % 2:
        whole, rest = np.float32(number - 1) * width, np.float32(2) * near
        way = jnp.where(end <= -near, whole - end, whole + rest + end)
    else:
        whole, rest = np.float32(number) * width, np.float32(2) * near
        way = jnp.where(end >= far, whole - np.float32(2) * width + rest + end, whole - end)
    size = jnp.abs(end)
    return jnp.exp(-jnp.maximum((way - size) * (way + size), np.float32(0)) / spread)
