"""The fractional Riccati equation of rough Heston's characteristic function (El Euch and Rosenbaum 2019, theorem 4.1).

    psi = I^a F,  F = p + q psi + r psi^2,        (I^a f)(t) = 1/Gamma(a) int_0^t (t-s)^(a-1) f(s) ds

p, q depend on the frequency, r does not. Scheme: the trapezoid rule for the fractional integral (Diethelm, Ford and
Freed 2004) on times t (j / n)^3, which are dense where psi begins as t^a, and the implicit equation of each time solved
exactly, for it is quadratic: no bound on the step, however large the frequency. Second order. Host, float64.
"""

from functools import lru_cache

import numpy as np
from scipy.special import rgamma

STEPS = 128
_GRADING = 3.0


def integrals(
    p: np.ndarray, q: np.ndarray, r: float, a: float, t: float, steps: int = STEPS
) -> tuple[np.ndarray, np.ndarray]:
    """int_0^t F and int_0^t psi for each frequency: p, q complex of one axis."""
    weights = _weights(a, steps) * t**a
    drift = np.empty((steps + 1, p.size), complex)
    drift[0] = p
    for step in range(1, steps + 1):
        past, own = (weights[step, :step] @ drift[:step].view(float)).view(complex), weights[step, step]
        # psi = past + own F(psi): the root that is `past` for a small step, without cancellation
        linear, constant = 1 - own * q, past + own * p
        psi = 2 * constant / (linear + np.sqrt(linear * linear - 4 * own * r * constant))
        drift[step] = p + psi * (q + r * psi)
    ends = _weights(1.0, steps)[steps] * t, _weights(1 + a, steps)[steps] * t ** (1 + a)
    return ends[0] @ drift, ends[1] @ drift


@lru_cache(maxsize=64)
def _weights(a: float, steps: int) -> np.ndarray:
    """Row k: (I^a f)(t_k) as a sum over j <= k of values f(t_j), f linear in between, on [0, 1]."""
    times = (np.arange(steps + 1) / steps) ** _GRADING
    since = np.maximum(times[:, None] - times[None, :], 0.0)
    span = np.diff(times)
    zeroth, first = since**a * rgamma(a + 1), since ** (a + 1) * rgamma(a + 2)
    # the integral over [t_j, t_j+1] of the kernel, and of the kernel times the share of the way to t_j+1
    whole = zeroth[:, :-1] - zeroth[:, 1:]
    late = (first[:, :-1] - first[:, 1:]) / span - zeroth[:, 1:]
    weights = np.zeros((steps + 1, steps + 1))
    weights[:, 1:] += late
    weights[:, :-1] += whole - late
    return weights
