"""Rough Heston from the moments of daily realised variance: heston.py with a rough kernel.

The stationary variance has spectral density xi^2 theta / |kappa + (i w)^a|^2, a = H + 1/2, so with I_d the integrated
variance of day d and D a day in years

    Cov(I_d, I_d+k) = xi^2 theta D^2 / pi integral from 0 of sinc^2(w D / 2) cos(w k D) / |kappa + (i w)^a|^2 dw
    Cov(return_d, I_d+k) = rho xi theta D^2 / pi integral of sinc^2(w D / 2) Re[e^(i w k D) / (kappa + (i w)^a)] dw
                           - Cov(I_d, I_d+k) / 2

which are those of heston.py at a = 1. theta is the mean; hurst, kappa and xi are fitted to the autocovariances at lags
of 1 to 30 days, rho to the covariances with the 7 days after. The scaling of the log variance (roughness.py) says
nothing of this hurst: log v is dominated by the visits of v near 0. Four years tell hurst from kappa badly: the
standard errors say so. v0 is the variance expected over the next week by the fractional forecast. El Euch and Rosenbaum
(2019), "The characteristic function of rough Heston models"; the spectral density by the Laplace transform of their
equation 1.3.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.optimize import minimize

from stresslab.calibrate import heston, roughness
from stresslab.calibrate.fit import Fit, make_fit
from stresslab.calibrate.identification import Found, best_of, not_converged, sign_undetermined, undetermined
from stresslab.calibrate.prices import Returns, daily
from stresslab.calibrate.roughness import DAY
from stresslab.errors import require
from stresslab.models import RoughHeston
from stresslab.units import format_duration

LAGS, LEADS = heston.LAGS, heston.LEADS
KAPPA_RANGE = (0.02, 100.0)
STARTS = ((0.1, 2.0), (0.1, 15.0), (0.3, 2.0), (0.3, 15.0))  # hurst, kappa
NAMES = ("hurst", "kappa", "theta", "xi", "rho")
METHOD = (
    "Moments of daily realised variance from bars of {bar}. theta: the mean. hurst, kappa and xi: least squares on the "
    "autocovariances at lags 1 to {lags} days, from the spectral density of the stationary process. rho: covariance of "
    "a day's return with the variance of the {leads} days after it. v0: variance expected over the next {ahead} days, "
    "a state of the night without a standard error. Others: bootstrap over blocks of 60 days."
)


def fit(returns: Returns) -> Fit:
    """The parameters, and the variance now."""
    logs = roughness.log_variances(returns)
    products = heston.daily_products(daily(returns))
    spectrum = Spectrum(len(products))
    solved = spectrum.solve(np.nanmean(products, axis=0))
    found = solved.point
    rule = "the moments of these prices are not those of rough_heston: choose other dates or another model"
    require(bool(found[3] > 0 and abs(found[4]) < 1), rule, key="xi, rho", got=tuple(found[3:].tolist()))

    def again(moments: np.ndarray) -> np.ndarray:
        """NaN, so that the replicate is left out, where the search did not converge."""
        one = spectrum.solve(moments, start=found)
        return one.point if one.converged else np.full_like(one.point, np.nan)

    spread = np.cov(roughness.replicates(logs.stamps, products, again).T)
    parameters = dict(zip(NAMES, found, strict=True))
    errors = dict(zip(NAMES, np.sqrt(np.diag(spread)), strict=True))
    return make_fit(
        "rough_heston",
        returns,
        {"v0": roughness.level_ahead(logs, parameters["hurst"]), **parameters},
        errors,
        METHOD.format(bar=format_duration(returns.seconds), **roughness.SPANS),
        covariance=spread,
        state=("v0",),
        warnings=sign_undetermined(parameters, errors),
        doubts=not_converged(solved) + roughness.edge_doubts(parameters["hurst"]) + undetermined(parameters, errors),
    )


def filter_state(model: RoughHeston, returns: Returns) -> dict[str, Any]:
    """v0 at the end of the returns."""
    return {"v0": roughness.level_ahead(roughness.log_variances(returns, least=roughness.FILTER_DAYS), model.hurst)}


@dataclass(frozen=True)
class Spectrum:
    """Integrals over frequencies: weights on a grid that is fine where the density bends and where cosines turn."""

    n_days: int

    @cached_property
    def frequencies(self) -> np.ndarray:
        """Of a year: a logarithmic grid up to a turn in some months, a uniform one beyond."""
        low = np.geomspace(1e-6, 16.0, 500, endpoint=False)
        return np.concatenate([low, np.arange(16.0, 8 * np.pi / DAY, 4.0)])  # a cosine of 30 days turns once in 76

    @cached_property
    def waves(self) -> np.ndarray:
        """Integration weights / pi times e^(i w k D), for k = 1 .. LAGS, averaged over days; (lag, frequency)."""
        w = self.frequencies
        window = np.sinc(w * DAY / (2 * np.pi)) ** 2 * np.gradient(w) * DAY**2 / np.pi
        found: np.ndarray = np.exp(1j * DAY * np.outer(np.arange(1, LAGS + 1), w)) * window
        return found

    @cached_property
    def cosines(self) -> np.ndarray:
        """Real part of `waves`, less what taking out the sample's mean takes: the variance of the mean of all days."""
        w = self.frequencies
        mean = np.sinc(w * DAY * self.n_days / (2 * np.pi)) ** 2 * np.gradient(w) * DAY**2 / np.pi
        return self.waves.real - mean

    def covariances(self, kappa: float, hurst: float) -> np.ndarray:
        """Cov(I_d, I_d+k) / (xi^2 theta), k = 1 .. LAGS, as a sample of `n_days` shows them."""
        rough = self.frequencies ** (hurst + 0.5)
        angle = np.cos(np.pi * (hurst + 0.5) / 2)
        found: np.ndarray = self.cosines @ (1 / (kappa**2 + 2 * kappa * angle * rough + rough**2))
        return found

    def leverage(self, kappa: float, hurst: float) -> np.ndarray:
        """Cov(return_d, I_d+k) / (rho xi theta) without the drift's part, k = 1 .. LEADS."""
        return (self.waves[:LEADS] @ (1 / (kappa + (1j * self.frequencies) ** (hurst + 0.5)))).real

    def solve(self, moments: np.ndarray, start: np.ndarray | None = None) -> Found:
        """The parameters in the order of NAMES from the means of heston.daily_products; from several starts if none."""
        mean, covariances, leads = np.split(moments, [1, LAGS + 1])
        starts = STARTS if start is None else (tuple(start[:2]),)

        def fitted(hurst: float, kappa: float) -> tuple[float, np.ndarray]:
            shape = self.covariances(kappa, hurst)
            return max(float(covariances @ shape / (shape @ shape)), 0.0), shape

        def misfit(point: np.ndarray) -> float:
            size, shape = fitted(point[0], np.exp(point[1]))
            return float(np.sum((covariances - size * shape) ** 2) / np.sum(covariances**2))

        bounds = (roughness.HURST_RANGE, tuple(np.log(KAPPA_RANGE)))
        options = {"xatol": 1e-3, "fatol": 1e-9}
        points = [(hurst, np.log(kappa)) for hurst, kappa in starts]
        found = [minimize(misfit, point, method="Nelder-Mead", bounds=bounds, options=options) for point in points]
        best = best_of(found)
        hurst, log_kappa = best.point
        kappa, theta = float(np.exp(log_kappa)), float(mean[0]) / DAY
        size, shape = fitted(hurst, kappa)
        xi, leverage = np.sqrt(size / theta), self.leverage(kappa, hurst)
        with np.errstate(divide="ignore", invalid="ignore"):  # xi = 0 has no rho: NaN
            rho = (leads + size * shape[:LEADS] / 2) @ leverage / (leverage @ leverage) / (xi * theta)
        return Found(np.array([hurst, kappa, theta, xi, rho]), best.converged)
