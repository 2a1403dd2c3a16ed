"""A Hawkes process of jumps of which only the larger ones are seen, and the law of a bar's return in it.

Thinned independently with probability d, a Hawkes process keeps the shape e^(-k s) of its covariance in time, with
k = decay - excitation, and has d of its mean and d^2 of its covariance: Hawkes (1971), "Spectra of some self-exciting
and mutually exciting point processes", equation 17. Matched to one that has this mean and covariance, and no other.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy.special import gammaln, log_ndtr, logsumexp, ndtr, ndtri_exp

MOST_JUMPS = 8  # in a bar


class Law(NamedTuple):
    """Parameters of the model, as it names them."""

    sigma: float
    base_intensity: float
    excitation: float
    decay: float
    jump_mean: float
    jump_std: float

    @property
    def square(self) -> float:
        """E[J^2]."""
        return self.jump_mean**2 + self.jump_std**2


def seen_share(law: Law, bound: float, dt: float) -> float:
    """P(a jump with a bar's diffusion lies beyond the bound)."""
    deviation = np.sqrt(law.jump_std**2 + law.sigma**2 * dt)
    return float(ndtr((law.jump_mean - bound) / deviation) + ndtr((-bound - law.jump_mean) / deviation))


def whole(seen_mean: Any, ratio: Any, seen_decay: Any, share: Any) -> tuple[Any, Any, Any]:
    """Base, excitation and decay of all jumps, from mean, branching ratio and decay of those seen. NumPy or JAX."""
    seen_excitation = ratio * seen_decay
    k = seen_decay - seen_excitation
    excitation = _excitation(k, seen_excitation * (2 * k + seen_excitation) / share)
    decay = k + excitation
    return seen_mean / share * k / decay, excitation, decay


def thinned(law: Law, share: float) -> tuple[float, float, float]:
    """Base, excitation and decay of the jumps seen."""
    k = law.decay - law.excitation
    excitation = float(_excitation(k, share * law.excitation * (2 * k + law.excitation)))
    decay = k + excitation
    return share * law.base_intensity * law.decay / k * k / decay, excitation, decay


def normal_scores(x: np.ndarray, law: Law, intensities: np.ndarray, dt: float) -> np.ndarray:
    """Normal quantiles of P(return of a bar <= x) with so much intensity before it, as a Poisson mixture of normals."""
    count = np.arange(MOST_JUMPS + 1)
    expected = (intensities * dt)[:, None]
    weights = count * np.log(expected) - expected - gammaln(count + 1)
    drifts = -(law.sigma**2) / 2 * dt - expected * np.expm1(law.jump_mean + law.jump_std**2 / 2)
    z = (x[:, None] - drifts - count * law.jump_mean) / np.sqrt(law.sigma**2 * dt + count * law.jump_std**2)
    # from the nearer tail, which keeps its digits
    below, above = logsumexp(weights + log_ndtr(z), axis=1), logsumexp(weights + log_ndtr(-z), axis=1)
    return np.asarray(np.where(below < above, ndtri_exp(np.minimum(below, 0)), -ndtri_exp(np.minimum(above, 0))))


def _excitation(k: Any, product: Any) -> Any:
    """The positive b with b (2 k + b) = product."""
    return product / (k + (k * k + product) ** 0.5)
