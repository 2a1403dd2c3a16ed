"""Kou's jump diffusion from the returns beyond a threshold.

The censored likelihood of censored.py, for the reasons that merton.py gives: the likelihood of all returns is spent on
thousands of small jumps a year. Each tail beyond the threshold is close to exponential, so that eta_up and eta_down are
what the two tails say, lambda and p how often they are reached. The drift is the martingale's.
"""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.nn import sigmoid
from scipy.optimize import brentq
from scipy.special import logit, ndtri

from stresslab.calibrate import censored, exponential_mixture
from stresslab.calibrate.censored import Family, Sample
from stresslab.calibrate.exponential_mixture import Jumps
from stresslab.calibrate.fit import Fit, make_fit
from stresslab.calibrate.identification import not_converged, on_bound, undetermined
from stresslab.calibrate.prices import DAY_SECONDS, Returns, daily
from stresslab.errors import require
from stresslab.units import format_duration, years

THRESHOLD = 6.0  # standard deviations of a bar
LEAST_BEYOND = 30  # returns beyond the threshold
# share of jumps in the variance; mean size in deviations of a bar
STARTS = tuple((logit(share), 0.0, np.log(size), np.log(size)) for share, size in ((0.1, 3.0), (0.3, 3.0), (0.2, 6.0)))
# logit share, logit p, log(1 / eta in deviations of a bar)
BOUNDS = ((-7.0, 4.0), (-6.0, 6.0), (np.log(0.3), np.log(100.0)), (np.log(0.3), np.log(100.0)))
LEVELS = (0.001, 0.01, 0.99, 0.999)  # of the check against days
NAMES = ("sigma", "jump_intensity", "up_probability", "eta_up", "eta_down")

METHOD = (
    "Maximum likelihood of the Poisson mixture with double-exponential jumps on returns of {bar}, censored within "
    "{bound:.2%} ({threshold:g} standard deviations of a bar): {up} returns above and {down} below count with their "
    "density, the others as not beyond. The likelihood of all returns would be spent on many small jumps, which mimic "
    "volatility clustering and no gap. sigma takes what the jumps leave of the realised variance; drift of a "
    "martingale. Gradients by automatic differentiation; standard errors: sandwich with scores summed over "
    "blocks of 60 days. A jump happens at once in the model, within a bar in the prices. Check of one day, quantiles "
    "0.1 %, 1 %, 99 %, 99.9 %: model {model}, prices {prices}; independent jumps cannot carry the clustering behind "
    "the latter."
)
NOT_COMPARABLE = (
    "the likelihood is that of the returns beyond the threshold: its AIC and BIC do not compare with those of models "
    "that are fitted to all returns"
)


def _law(point: Array, dt: float) -> Jumps:
    """Of a point: log V, logit of the jumps' share of V, logit p, log of 1 / eta up and down in deviations of a bar."""
    total, share, p = jnp.exp(point[0]), sigmoid(point[1]), sigmoid(point[2])
    up, down = jnp.exp(point[3:5]) * jnp.sqrt(total * dt)
    square = 2 * (p * up**2 + (1 - p) * down**2)
    return Jumps(jnp.sqrt((1 - share) * total), share * total / square, p, 1 / up, 1 / down)


FAMILY = Family(_law, exponential_mixture.log_density, exponential_mixture.above, exponential_mixture.below)


def fit(returns: Returns, threshold: float = THRESHOLD) -> Fit:
    """Parameters, standard errors and the censored log-likelihood."""
    sample = censored.sample_of(returns, threshold)
    beyond = int(sample.beyond.sum())
    rule = f"at least {LEAST_BEYOND} returns beyond {threshold:g} standard deviations of a bar are needed"
    require(beyond >= LEAST_BEYOND, rule, key="returns", got=beyond)
    found = censored.best_point(FAMILY, sample, STARTS, BOUNDS)
    point = found.point
    edges = np.array(BOUNDS)
    at_edge = np.flatnonzero((point[1:] < edges[:, 0] + 1e-3) | (point[1:] > edges[:, 1] - 1e-3))
    require(0 not in at_edge, "no jumps can be told from the diffusion: choose another threshold or model", key="share")
    law = Jumps(*map(float, censored.law_at(FAMILY, point, returns.dt)))
    require(law.eta_up > 1, "upward jumps are so large that E[price] is infinite", key="eta_up", got=law.eta_up)
    spread = censored.covariance(FAMILY, sample, point, returns.stamps, held=at_edge + 1)
    parameters = dict(zip(NAMES, law, strict=True))
    errors = dict(zip(NAMES, np.sqrt(np.diag(spread)), strict=True))
    edge_names = [NAMES[place + 1] for place in at_edge]
    return make_fit(
        "kou",
        returns,
        parameters,
        errors,
        _method(returns, sample, law, threshold),
        censored.log_likelihood(FAMILY, sample, point),
        covariance=spread,
        residuals=_normal_scores(returns.values, law, returns.dt),
        volatility=np.full(len(returns.values), np.sqrt(sample.total)),
        warnings=(NOT_COMPARABLE,) if threshold > 0 else (),
        doubts=[*not_converged(found), *on_bound(edge_names, parameters), *undetermined(parameters, errors)],
    )


def _normal_scores(x: np.ndarray, law: Jumps, t: float) -> np.ndarray:
    """Normal quantiles of P(log return over t years <= x), from the nearer tail, which keeps its digits."""
    below, above = censored.tails(FAMILY, x, law, t)
    tiny = np.finfo(float).tiny
    return np.where(below < above, ndtri(np.maximum(below, tiny)), -ndtri(np.maximum(above, tiny)))


def _quantile(probability: float, law: Jumps, t: float) -> float:
    """The log return over t years that is undershot with this probability."""
    upper, width = probability > 0.5, 60 * law.sigma * np.sqrt(t) + 40 / min(law.eta_up, law.eta_down)
    share = 1 - probability if upper else probability
    return float(brentq(lambda x: censored.tails(FAMILY, x, law, t)[int(upper)] - share, -width, width, xtol=1e-8))


def _method(returns: Returns, sample: Sample, law: Jumps, threshold: float) -> str:
    model = [_quantile(level, law, years(DAY_SECONDS)) for level in LEVELS]
    prices = np.nanquantile(daily(returns).returns, LEVELS)
    return METHOD.format(
        bar=format_duration(returns.seconds),
        bound=sample.bound,
        threshold=threshold,
        up=int((returns.values >= sample.bound).sum()),
        down=int((returns.values <= -sample.bound).sum()),
        model=" ".join(f"{value:+.1%}" for value in model),
        prices=" ".join(f"{value:+.1%}" for value in prices),
    )
