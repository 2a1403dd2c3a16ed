"""Merton's jump diffusion from the returns beyond a threshold.

Maximum likelihood on all hourly returns (`threshold` 0) explains the clustering of volatility by thousands of small
jumps a year (BTC 2020 to 2024: 3,300 of 1 %): jumps in name only, which say nothing about the gaps that liquidate.
Here a return counts with its density if it lies beyond `threshold` standard deviations of a bar (at 6 and hourly bars
the diffusion does not get there once in ten thousand years), and otherwise only as "not beyond". So lambda, m and s
come from the large moves alone, with exactly Merton's law; how many smaller jumps there are is what the normal law of
their sizes implies:

    log L = sum over |r| > u of log f(r)  +  #(|r| <= u) log P(|r| <= u)
    sigma^2 = V - lambda (m^2 + s^2),        V = realised variance per year

The second line makes the model's total variance that of the prices. The drift is the martingale's: the mean return is
not distinguishable from it. Standard errors: the numerical Hessian with scores summed over blocks (Godambe's
sandwich), as large moves come in clusters. Mancini (2009), "Non-parametric threshold estimation for models with
stochastic diffusion coefficient and jumps".
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit

from stresslab.calibrate.blocks import block_covariance
from stresslab.calibrate.fit import Fit, make_fit
from stresslab.calibrate.identification import Found, best_of, not_converged, sign_undetermined, undetermined
from stresslab.calibrate.mixture import Jumps, log_density, log_probability_within, normal_scores, quantile
from stresslab.calibrate.prices import DAY_SECONDS, Returns, daily
from stresslab.errors import require
from stresslab.units import format_duration, years

THRESHOLD = 6.0  # standard deviations of a bar
LEAST_BEYOND = 30  # returns beyond the threshold
STEP = 1e-3  # of numerical derivatives, in the transformed parameters
STARTS = ((0.1, 3.0), (0.3, 3.0), (0.2, 6.0), (0.5, 1.5))  # share of jumps in the variance, s in deviations of a bar
BOUNDS = ((-7.0, 4.0), (-2.0, 2.0), (np.log(0.5), np.log(100.0)))  # logit share, m / s, log(s in deviations of a bar)
LEVELS = (0.001, 0.01, 0.99, 0.999)  # of the check against days
NAMES = ("sigma", "jump_intensity", "jump_mean", "jump_std")

METHOD = (
    "Maximum likelihood of the Poisson mixture on returns of {bar}, censored within {bound:.2%} ({threshold:g} "
    "standard deviations of a bar): {beyond} returns beyond it count with their density, the others as not beyond. "
    "The likelihood of all returns would be spent on many small jumps, which mimic volatility clustering and no gap. "
    "sigma takes what the jumps leave of the realised variance; drift of a martingale. Standard "
    "errors: sandwich of the numerical Hessian and scores summed over blocks of 60 days. A jump happens at once in "
    "the model, within a bar in the prices. Check of one day, quantiles 0.1 %, 1 %, 99 %, 99.9 %: model {model}, "
    "prices {prices}; independent jumps cannot carry the clustering behind the latter."
)
NOT_COMPARABLE = (
    "the likelihood is that of the returns beyond the threshold: its AIC and BIC do not compare with those of models "
    "that are fitted to all returns"
)


@dataclass(frozen=True)
class Censored:
    """The sample as the likelihood sees it.

    A point is (log V, logit of the jumps' share of V, m / s, log of s in deviations of a bar): every point is a model.
    """

    values: np.ndarray
    bound: float
    dt: float

    @cached_property
    def beyond(self) -> np.ndarray:
        """Which returns lie beyond the bound."""
        return np.abs(self.values) >= self.bound

    @cached_property
    def far(self) -> np.ndarray:
        """The returns beyond the bound."""
        return self.values[self.beyond]

    def law(self, point: np.ndarray) -> Jumps:
        """Parameters at a point."""
        total, share = np.exp(point[0]), expit(point[1])
        std = np.exp(point[3]) * np.sqrt(total * self.dt)
        intensity = share * total / (std**2 * (1 + point[2] ** 2))
        return Jumps(float(np.sqrt((1 - share) * total)), float(intensity), float(point[2] * std), float(std))

    def log_likelihood(self, point: np.ndarray) -> float:
        """Of the whole sample."""
        return float(self._densities(point).sum() + (len(self.values) - len(self.far)) * self._within(point))

    def contributions(self, point: np.ndarray) -> np.ndarray:
        """To the log-likelihood, of each return."""
        each = np.full(len(self.values), self._within(point))
        each[self.beyond] = self._densities(point)
        return each

    def _densities(self, point: np.ndarray) -> np.ndarray:
        return log_density(self.far, self.law(point), self.dt)

    def _within(self, point: np.ndarray) -> float:
        return log_probability_within(self.bound, self.law(point), self.dt) if self.bound > 0 else 0.0


def fit(returns: Returns, threshold: float = THRESHOLD) -> Fit:
    """Parameters, standard errors and the censored log-likelihood; `threshold` 0 takes the density of every return."""
    total = float(np.mean(returns.values**2) / returns.dt)
    sample = Censored(returns.values, threshold * np.sqrt(total * returns.dt), returns.dt)
    beyond = len(sample.far)
    rule = f"at least {LEAST_BEYOND} returns beyond {threshold:g} standard deviations of a bar are needed"
    require(beyond >= LEAST_BEYOND, rule, key="returns", got=beyond)
    found = best_point(sample, np.log(total))
    point, law = found.point, sample.law(found.point)
    spread = covariance(sample, point, returns.stamps)
    parameters = dict(zip(NAMES, law, strict=True))
    errors = dict(zip(NAMES, np.sqrt(np.diag(spread)), strict=True))
    method = METHOD.format(
        bar=format_duration(returns.seconds),
        bound=sample.bound,
        threshold=threshold,
        beyond=beyond,
        model=_listed([quantile(level, law, years(DAY_SECONDS)) for level in LEVELS]),
        prices=_listed(np.nanquantile(daily(returns).returns, LEVELS)),
    )
    return make_fit(
        "merton",
        returns,
        parameters,
        errors,
        method,
        sample.log_likelihood(point),
        covariance=spread,
        residuals=normal_scores(returns.values, law, returns.dt),
        volatility=np.full(len(returns.values), np.sqrt(total)),
        warnings=[*([NOT_COMPARABLE] if threshold > 0 else []), *sign_undetermined(parameters, errors)],
        doubts=not_converged(found) + undetermined(parameters, errors),
    )


def best_point(sample: Censored, log_total: float) -> Found:
    """The point of the highest likelihood that several starts lead to, with V held."""

    def cost(free: np.ndarray) -> float:
        return -sample.log_likelihood(np.append(log_total, free)) / len(sample.values)

    starts = [(logit(share), 0.0, np.log(scale)) for share, scale in STARTS]
    options = {"ftol": 1e-15, "gtol": 1e-9}
    found = [minimize(cost, start, method="L-BFGS-B", bounds=BOUNDS, options=options) for start in starts]
    best, converged = best_of(found)
    edges = np.array(BOUNDS)
    inside = bool(np.all((best > edges[:, 0] + STEP) & (best < edges[:, 1] - STEP)))
    require(inside, "no jumps can be told from the diffusion: choose another threshold or model", key="threshold")
    return Found(np.append(log_total, best), converged)


def covariance(sample: Censored, point: np.ndarray, stamps: np.ndarray) -> np.ndarray:
    """Covariance of (sigma, jump_intensity, jump_mean, jump_std): V is estimated first, the rest given V."""
    n = len(sample.values)
    steps = STEP * np.eye(4)
    scores = np.column_stack(
        [(sample.contributions(point + h) - sample.contributions(point - h)) / (2 * STEP) for h in steps]
    )
    scores[:, 0] = sample.values**2 / (np.exp(point[0]) * sample.dt) - 1  # the equation that V solves
    slopes = np.array([[_second(sample.log_likelihood, point, h, k) / n for k in steps] for h in steps])
    slopes[0] = (-1, 0, 0, 0)
    influence = -scores @ np.linalg.inv(slopes).T
    laws = [np.subtract(sample.law(point + h), sample.law(point - h)) / (2 * STEP) for h in steps]
    return block_covariance(influence @ np.array(laws), stamps)


def _second(function: Callable[[np.ndarray], float], point: np.ndarray, h: np.ndarray, k: np.ndarray) -> float:
    """Second derivative along the steps h and k."""
    corners = function(point + h + k) - function(point + h - k) - function(point - h + k) + function(point - h - k)
    return corners / (4 * STEP**2)


def _listed(values: Iterable[float]) -> str:
    return " ".join(f"{value:+.1%}" for value in values)
