"""Hawkes jumps from the times and sizes of the returns beyond a threshold.

A return beyond u = `threshold` standard deviations of a bar is a jump that was seen, in the middle of its bar; a jump
is seen with the probability d that its size, with the diffusion of the bar, lies beyond u. The law of sizes is fitted
to what is seen, truncated at u. The times seen have a Hawkes likelihood (Ogata 1978, "The asymptotic behaviour of
maximum likelihood estimators for stationary point processes"):

    log L = sum log l(t_i) - integral of l,        l(t) = a + b sum over t_i < t of e^(-c (t - t_i))

Jumps that are not seen excite too. What is seen of a Hawkes process has its covariance in time scaled by d^2 and its
mean by d (Hawkes 1971, equation 17): the process of all jumps has the same c - b = k, the mean intensity over d, and
excitation b' with b' (2 k + b') = b (2 k + b) / d.

    sigma^2 = V - (mean intensity) (jump_mean^2 + jump_std^2),        V = realised variance per year
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.nn import sigmoid
from jax.scipy.stats import norm
from scipy.optimize import minimize

from stresslab.calibrate.blocks import block_covariance
from stresslab.calibrate.fit import Fit, make_fit
from stresslab.calibrate.hawkes_filter import Law, normal_scores, seen_share, thinned, whole
from stresslab.calibrate.identification import Found, best_of, not_converged, sign_undetermined, undetermined
from stresslab.calibrate.prices import Returns
from stresslab.errors import require
from stresslab.models import Hawkes
from stresslab.units import YEAR_SECONDS, format_duration

THRESHOLD = 4.0  # standard deviations of a bar
LEAST_SEEN = 40
STEP = 1e-4  # of differences of exact gradients
NAMES = ("sigma", "base_intensity", "excitation", "decay", "jump_mean", "jump_std")
DECAYS = (10.0, 60.0, 300.0, 1500.0)  # 1/year, first guesses

METHOD = (
    "Jumps are the returns of {bar} beyond {bound:.2%} ({threshold:g} standard deviations of a bar): {seen} of them. "
    "jump_mean, jump_std: maximum likelihood of their sizes, truncated there; {share:.0%} of all jumps are that large. "
    "base, excitation, decay: Ogata's maximum likelihood of their times (JAX gradients) with their mean rate held, "
    "brought from the jumps seen to all jumps by the mean and the covariance in time of a thinned Hawkes process. "
    "Branching ratio {branching:.2f}. sigma takes what the jumps leave of the realised variance; drift of a "
    "martingale. initial_intensity: that of the jumps seen until the end of the prices, over their share; the state of "
    "one night. Standard errors: sandwich of the Hessians, by differences of exact gradients, and scores summed over "
    "blocks of 60 days. A jump happens at once in the model, within a bar in the prices; clusters of volatility count "
    "as clusters of jumps."
)
NOT_COMPARABLE = (
    "the likelihood is that of times and sizes of the returns beyond the threshold: its AIC and BIC do not compare "
    "with those of models that are fitted to all returns"
)


class Seen(NamedTuple):
    """Times in years from the first bar's open, sizes; length of the record."""

    times: np.ndarray
    sizes: np.ndarray
    end: float


def fit(returns: Returns, threshold: float = THRESHOLD) -> Fit:
    """Parameters, standard errors and the likelihood of what is seen."""
    dt, total = returns.dt, float(np.mean(returns.values**2) / returns.dt)
    bound = threshold * np.sqrt(total * dt)
    seen = detect(returns, bound)
    rule = f"at least {LEAST_SEEN} returns beyond {threshold:g} standard deviations of a bar are needed"
    require(len(seen.times) >= LEAST_SEEN, rule, key="returns", got=len(seen.times))
    with jax.enable_x64(True):
        times, sizes = _best_times(seen), _best_sizes(seen, bound)
        point = np.concatenate([[np.log(total)], times.point, sizes.point])
        of_times, _ = _time_slope(times.point, seen.times, seen.end)
        of_sizes, _ = _size_slope(sizes.point, seen.sizes, bound)
        natural = np.asarray(_natural(point, bound, dt))
        rule = "jumps take all of the realised variance: choose another threshold or model"
        require(bool(np.isfinite(natural[0])), rule, key="sigma")
        covariance = _covariance(point, seen, returns, bound)
    parameters: dict[str, Any] = dict(zip(NAMES, map(float, natural), strict=True))
    errors = dict(zip(NAMES, np.sqrt(np.diag(covariance)), strict=True))
    law = Law(**parameters)
    intensity = intensities(law, returns, bound)
    parameters["initial_intensity"] = float(max(intensity[-1], law.base_intensity))
    variances = law.sigma**2 + intensity[:-1] * (law.jump_mean**2 + law.jump_std**2)
    return make_fit(
        "hawkes",
        returns,
        parameters,
        errors,
        METHOD.format(
            bar=format_duration(returns.seconds),
            bound=bound,
            threshold=threshold,
            seen=len(seen.times),
            share=seen_share(law, bound, dt),
            branching=law.excitation / law.decay,
        ),
        float(of_times) + float(of_sizes),
        covariance=covariance,
        residuals=normal_scores(returns.values, law, intensity[:-1], dt),
        volatility=np.sqrt(variances),
        warnings=[NOT_COMPARABLE, *sign_undetermined(parameters, errors)],
        doubts=[*not_converged(times, sizes), *_on_bounds(times.point, dt), *undetermined(parameters, errors)],
        state=("initial_intensity",),
    )


def filter_state(model: Hawkes, returns: Returns, threshold: float = THRESHOLD) -> dict[str, Any]:
    """The intensity at the end of the returns, given the jumps seen in them."""
    law = Law(*(getattr(model, name) for name in NAMES))
    bound = threshold * np.sqrt((law.sigma**2 + model.mean_intensity * law.square) * returns.dt)
    return {"initial_intensity": float(max(intensities(law, returns, bound)[-1], model.base_intensity))}


def detect(returns: Returns, bound: float) -> Seen:
    """The returns beyond `bound`, in the middle of their bars."""
    beyond = np.abs(returns.values) >= bound
    middle = (returns.stamps - returns.stamps[0] + returns.seconds / 2) / YEAR_SECONDS
    end = (returns.end - returns.stamps[0]) / YEAR_SECONDS
    return Seen(middle[beyond], returns.values[beyond], float(end))


def intensities(law: Law, returns: Returns, bound: float) -> np.ndarray:
    """Of all jumps, 1/year: expected at the middle of each bar before it, and at the end, given those seen so far."""
    share = seen_share(law, bound, returns.dt)
    base, excitation, decay = thinned(law, share)
    seen = detect(returns, bound)
    middles = (returns.stamps - returns.stamps[0] + returns.seconds / 2) / YEAR_SECONDS
    at = np.append(middles, seen.end)
    # what a recursion from jump to jump leaves, each of its values decayed to where it is asked for
    level, levels, last = 0.0, np.zeros(len(seen.times) + 1), np.append(0.0, seen.times)
    for place, wait in enumerate(np.diff(seen.times, prepend=0.0)):
        level = level * np.exp(-decay * wait) + excitation
        levels[place + 1] = level
    before = np.searchsorted(seen.times, at, side="left")
    return np.asarray((base + levels[before] * np.exp(-decay * (at - last[before]))) / share)


def _time_scores(point: Array, times: Array, end: float) -> Array:
    """What each time adds to log L, its part of the integral included; the last one adds what comes after it.

    A point is (log of the mean intensity seen, logit of the branching ratio, log decay).
    """
    mean, ratio, decay = jnp.exp(point[0]), sigmoid(point[1]), jnp.exp(point[2])
    base, excitation = mean * (1 - ratio), ratio * decay
    waits = jnp.diff(times, prepend=0.0)

    def event(level: Array, wait: Array) -> tuple[Array, tuple[Array, Array]]:
        here = level * jnp.exp(-decay * wait)
        return here + excitation, (here, (level - here) / decay)

    after, (heres, spent) = lax.scan(event, jnp.zeros(()), waits)
    rest = base * (end - times[-1]) - after * jnp.expm1(-decay * (end - times[-1])) / decay
    return (jnp.log(base + heres) - base * waits - spent).at[-1].add(-rest)


def _size_scores(point: Array, sizes: Array, bound: float) -> Array:
    """Log density of each size beyond the bound; a point is (mean, log deviation) with the bar's diffusion in it."""
    mean, deviation = point[0], jnp.exp(point[1])
    beyond = norm.sf((bound - mean) / deviation) + norm.cdf((-bound - mean) / deviation)
    return norm.logpdf(sizes, mean, deviation) - jnp.log(beyond)


_time_slope = jax.jit(jax.value_and_grad(lambda point, times, end: _time_scores(point, times, end).sum()))
_size_slope = jax.jit(jax.value_and_grad(lambda point, sizes, bound: _size_scores(point, sizes, bound).sum()))
_time_each, _size_each = jax.jit(_time_scores), jax.jit(_size_scores)
RATIO_BOUND, DECAY_BOUNDS = (-6.0, 6.0), (np.log(1.0), np.log(20_000.0))


def _best_times(seen: Seen) -> Found:
    rate = np.log(len(seen.times) / seen.end)
    bounds = [(rate, rate), RATIO_BOUND, DECAY_BOUNDS]
    starts = [(rate, 0.0, np.log(decay)) for decay in DECAYS]
    return _highest(_time_slope, starts, bounds, seen.times, seen.end)


def _best_sizes(seen: Seen, bound: float) -> Found:
    deviation = np.std(seen.sizes)
    bounds = [(-5 * deviation, 5 * deviation), (np.log(deviation) - 3, np.log(deviation) + 1)]
    starts = [(0.0, np.log(deviation)), (0.0, np.log(deviation / 2))]
    return _highest(_size_slope, starts, bounds, seen.sizes, bound)


def _highest(slope: Any, starts: Any, bounds: Any, data: np.ndarray, other: float) -> Found:
    def cost(point: np.ndarray) -> tuple[float, np.ndarray]:
        value, rise = slope(point, data, other)
        return -float(value) / len(data), -np.asarray(rise) / len(data)

    options = {"ftol": 1e-14, "gtol": 1e-9}
    found = [minimize(cost, s, jac=True, method="L-BFGS-B", bounds=bounds, options=options) for s in starts]
    return best_of(found)


def _natural(point: Any, bound: float, dt: float) -> Array:
    """The model's parameters in the order of `NAMES` from (log V, point of the times, point of the sizes)."""
    total, seen_mean, ratio, seen_decay = jnp.exp(point[0]), jnp.exp(point[1]), sigmoid(point[2]), jnp.exp(point[3])
    mean, deviation = point[4], jnp.exp(point[5])
    share = norm.sf((bound - mean) / deviation) + norm.cdf((-bound - mean) / deviation)
    base, excitation, decay = whole(seen_mean, ratio, seen_decay, share)
    every = seen_mean / share
    # jump_std^2 = deviation^2 - sigma^2 dt in sigma^2 = V - every (mean^2 + jump_std^2)
    variance = (total - every * (mean**2 + deviation**2)) / (1 - every * dt)
    return jnp.stack(
        [jnp.sqrt(variance), base, excitation, decay, mean, jnp.sqrt(jnp.maximum(deviation**2 - variance * dt, 0.0))]
    )


def _covariance(point: np.ndarray, seen: Seen, returns: Returns, bound: float) -> np.ndarray:
    """Of the parameters in natural units: V, times and sizes solve equations of their own."""
    dt, n, beyond = returns.dt, len(returns.values), np.abs(returns.values) >= bound
    slopes, scores = np.zeros((6, 6)), np.zeros((n, 6))
    parts = (
        (slice(1, 4), _time_slope, _time_each, seen.times, seen.end),
        (slice(4, 6), _size_slope, _size_each, seen.sizes, bound),
    )
    for place, slope, each, data, other in parts:
        at = point[place]
        steps = STEP * np.eye(len(at))
        rises = [slope(at + h, data, other)[1] - slope(at - h, data, other)[1] for h in steps]
        moved = [each(at + h, data, other) - each(at - h, data, other) for h in steps]
        slopes[place, place] = np.array(rises) / (2 * STEP * n)
        scores[beyond, place] = np.stack(moved, -1) / (2 * STEP)
    # the equations that V and the mean rate solve
    slopes[:2] = -np.eye(6)[:2]
    scores[:, 0] = returns.values**2 / (np.exp(point[0]) * dt) - 1
    scores[:, 1] = beyond * n / len(seen.times) - 1
    jacobian = np.asarray(jax.jacfwd(_natural)(jnp.asarray(point), bound, dt))
    influence = -scores @ np.linalg.inv(slopes).T
    return block_covariance(influence @ jacobian.T, returns.stamps)


def _on_bounds(times: np.ndarray, dt: float) -> list[str]:
    found = []
    if times[1] < RATIO_BOUND[0] + 1e-2:
        found.append("excitation sits on its bound: the jumps seen do not excite each other, decay is not identified")
    if times[1] > RATIO_BOUND[1] - 1e-2:
        found.append("the branching ratio sits on its bound, 1: the intensity has no long-run mean within these prices")
    if np.exp(times[2]) * dt > 1:
        found.append(f"decay is {np.exp(times[2]):.4g} a year: faster than a bar can tell")
    return found
