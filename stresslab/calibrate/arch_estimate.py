"""Maximum likelihood of the GARCH family by the arch package, in the units of the models.

arch is given the returns times a power of ten, so that its optimiser works near 1, and what it finds is brought back to
squared decimal returns per bar (the omega of EGARCH is that of a logarithm and shifts). The likelihood is that of the
decimal returns: arch's, plus n log of the factor. Standard errors are robust to the law of the innovation. The bars
after a gap follow on those before it: the variance is carried over a gap as it stands.
Bollerslev and Wooldridge (1992), "Quasi-maximum likelihood estimation and inference in dynamic models with time-varying
covariances".
"""

import warnings
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from arch import arch_model
from arch.univariate.base import ARCHModelResult
from arch.utility.exceptions import StartingValueWarning
from scipy.special import ndtri

from stresslab.models.innovations import Law

VOLATILITIES: dict[str, dict[str, Any]] = {
    "garch": {"vol": "GARCH", "o": 0},
    "gjr": {"vol": "GARCH", "o": 1},
    "egarch": {"vol": "EGARCH", "o": 1},
    "figarch": {"vol": "FIGARCH", "o": 0},
}
LAWS: dict[Law, Any] = {"normal": "normal", "student_t": "t", "skewed_t": "skewt"}
NAMES = {"alpha[1]": "alpha", "gamma[1]": "gamma", "beta[1]": "beta", "eta": "nu", "lambda": "skew"}
CLOSE = 1.0  # log-likelihood: a search that ends at alpha + beta = 1 may stop a little beyond it
_LEAST_P = 1e-15  # of a residual's probability: its normal score stays finite


class Estimate(NamedTuple):
    """What maximum likelihood found, in decimal returns per bar; `mean` per bar is estimated where it is a name."""

    parameters: dict[str, float]
    covariance: np.ndarray  # in the order of the parameters
    log_likelihood: float
    variances: np.ndarray  # of each bar
    next_variance: float
    scores: np.ndarray  # of each residual: standard normal if the law holds
    converged: bool

    @property
    def bic(self) -> float:
        """Schwarz's criterion."""
        return float(len(self.parameters) * np.log(len(self.variances)) - 2 * self.log_likelihood)


def estimate(
    values: np.ndarray, kind: str, law: Law, constant_mean: bool = False, start: dict[str, float] | None = None
) -> Estimate:
    """Fit one model with one law; `start` are parameters in decimal units to begin at."""
    scale = 10.0 ** round(-np.log10(values.std()))
    mean: Any = "Constant" if constant_mean else "Zero"
    scaled = values * scale
    model = arch_model(scaled, mean=mean, dist=LAWS[law], p=1, q=1, rescale=False, **VOLATILITIES[kind])
    begin = [None, *_starts(kind, law, scaled, constant_mean)] if start is None else [_to_arch(start, kind, scale)]
    with warnings.catch_warnings():
        for category in (StartingValueWarning, RuntimeWarning):
            warnings.simplefilter("ignore", category)
        found = _best([model.fit(disp="off", show_warning=False, starting_values=place) for place in begin])
        covariance = _covariance(found)
        ahead = float(found.forecast(horizon=1, reindex=False).variance.iloc[-1, 0])
    parameters, jacobian = _from_arch(found.params, kind, scale)
    return Estimate(
        parameters=parameters,
        covariance=jacobian @ covariance @ jacobian.T,
        log_likelihood=float(found.loglikelihood + len(values) * np.log(scale)),
        variances=found.conditional_volatility**2 / scale**2,
        next_variance=ahead / scale**2,
        scores=_scores(found),
        converged=found.convergence_flag == 0,
    )


def _starts(kind: str, law: Law, scaled: np.ndarray, constant_mean: bool) -> list[np.ndarray]:
    """Further places to begin at: from its own, arch's optimiser may not move at all, and say that it converged."""
    mean, variance = ([float(scaled.mean())] if constant_mean else []), float(scaled.var())
    shape = {"normal": [], "student_t": [4.0], "skewed_t": [4.0, 0.0]}[law]
    if kind == "figarch":  # a thousand lags take their time
        return []
    if kind == "egarch":
        numbers = [[(1 - beta) * np.log(variance), alpha, 0.0, beta] for alpha, beta in ((0.15, 0.97), (0.2, 0.9))]
    else:
        lean = [0.0] if kind == "gjr" else []
        pairs = ((0.05, 0.94), (0.1, 0.85), (0.08, 0.9))
        numbers = [[variance * (1 - alpha - beta), alpha, *lean, beta] for alpha, beta in pairs]
    return [np.array(mean + one + shape) for one in numbers]


def _best(found: list[ARCHModelResult]) -> ARCHModelResult:
    """The highest likelihood; one that converged is preferred to one that did not where they are that close."""
    highest = max(one.loglikelihood for one in found)
    good = [one for one in found if one.convergence_flag == 0 and one.loglikelihood > highest - CLOSE]
    return max(good or found, key=lambda one: one.loglikelihood)


def _from_arch(params: pd.Series, kind: str, scale: float) -> tuple[dict[str, float], np.ndarray]:
    """Parameters in decimal units, and their derivatives by arch's."""
    names = [NAMES.get(name, name) for name in params.index]
    found, jacobian = dict(zip(names, params.to_numpy(float), strict=True)), np.eye(len(names))
    at = {name: place for place, name in enumerate(names)}
    shift = 2 * np.log(scale)
    if kind == "egarch":  # log h of decimal returns is lower by `shift`
        found["omega"] -= (1 - found["beta"]) * shift
        jacobian[at["omega"], at["beta"]] = shift
    else:
        found["omega"] /= scale**2
        jacobian[at["omega"], at["omega"]] = scale**-2
    if "mu" in found:
        found["mu"] /= scale
        jacobian[at["mu"], at["mu"]] = 1 / scale
    return found, jacobian


def _to_arch(start: dict[str, float], kind: str, scale: float) -> np.ndarray:
    given = dict(start)
    shift = 2 * np.log(scale)
    given["omega"] = given["omega"] + (1 - given["beta"]) * shift if kind == "egarch" else given["omega"] * scale**2
    if "mu" in given:
        given["mu"] *= scale
    return np.array(list(given.values()))


def _covariance(found: ARCHModelResult) -> np.ndarray:
    """The robust one; where the Hessian at a bound gives none, that of the information matrix."""
    robust = found.param_cov.to_numpy(float)
    if np.isfinite(robust).all() and (np.diag(robust) > 0).all():
        return robust
    plain = np.asarray(found.model.compute_param_cov(found.params.to_numpy(), robust=False), float)
    spread = np.where(np.isfinite(plain), plain, 0.0)
    values, vectors = np.linalg.eigh((spread + spread.T) / 2)
    floor = 1e-12 * max(float(values.max()), 1e-12)
    return vectors @ np.diag(np.maximum(values, floor)) @ vectors.T


def _scores(found: ARCHModelResult) -> np.ndarray:
    """Normal scores of the standardised residuals."""
    law = found.model.distribution
    shape = found.params.to_numpy()[len(found.params) - law.num_params :]
    probability = law.cdf(np.asarray(found.std_resid), shape if law.num_params else None)
    return ndtri(np.clip(probability, _LEAST_P, 1 - _LEAST_P))
