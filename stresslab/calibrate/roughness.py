"""Roughness, volatility and leverage of the log variance, from the scaling of daily log realised variance.

With log V = const + eta Y, Y the fractional kernel sqrt(2 H) (t - s)^(H - 1/2) over W of unit rate, and X_d the log
realised variance of day d (D a day in years, averages over whole days included),

    E[(X_(d+k) - X_d)^2] = eta^2 c D^(2 H) f(k, 2 H) + 2 s^2
    E[z_d (X_(d+k) - X_(d-1))] = rho eta sqrt(2 H) D^H (f(k, H - 1/2) + 2 / ((H + 1/2)(H + 3/2)))
    c = 2 H Gamma(H + 1/2)^2 / (Gamma(2 H + 1) sin(pi H))
    f(k, p) = ((k + 1)^(p+2) + (k - 1)^(p+2) - 2 k^(p+2) - 2) / ((p + 1)(p + 2))

z_d is the day's return over its realised deviation. s^2, the noise of a log realised variance, is fitted beside eta^2:
left out, it makes H smaller (0.19 for 0.3 on simulated paths with hourly bars); averaging over days, left out, makes H
larger (0.17 for 0.1). What remains, as the log of an average is no average of the log: from the mean variogram of many
paths H of 0.05, 0.1, 0.2, 0.3 comes out as 0.03, 0.09, 0.20, 0.30, and eta a fifth high at first, then right. One
history of four years gives H with a standard deviation of 0.07, and low H goes with high eta. Gatheral, Jaisson and
Rosenbaum (2018), "Volatility is rough", section 2; Bennedsen, Lunde and Pakkanen (2022), "Decoupling the short- and
long-term behavior of stochastic volatility".
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize_scalar, nnls
from scipy.special import gamma

from stresslab.calibrate.blocks import block_numbers
from stresslab.calibrate.prices import DAY_SECONDS, Returns, daily
from stresslab.errors import require
from stresslab.units import years

LAGS, LEADS = 30, 7  # days of the variogram, and of the leverage
AHEAD, MEMORY = 7, 100  # days that the level is foretold for, and from
HURST_RANGE, ON_BOUND = (0.01, 0.49), 1e-3
SPANS = {"lags": LAGS, "leads": LEADS, "ahead": AHEAD}
DAY = years(DAY_SECONDS)
LEAST_DAYS, LEAST_BARS = 365, 8
FILTER_DAYS = MEMORY + 30
REPLICATES, BOOTSTRAP_SEED = 200, 20250103


class Roughness(NamedTuple):
    """H, eta in 1/year^H, and the correlation of the driving noise with the price's."""

    hurst: float
    eta: float
    rho: float


class LogVariances(NamedTuple):
    """Of each UTC day: log realised variance per year, and the products that the scaling is read from."""

    stamps: np.ndarray
    values: np.ndarray
    products: np.ndarray


def log_variances(returns: Returns, least: int = LEAST_DAYS) -> LogVariances:
    """The days of a history; InputError where they are fewer than `least`."""
    days = daily(returns)
    known = np.isfinite(days.variances) & (days.variances > 0)
    rule = f"at least {least} complete days are needed"
    require(int(known.sum()) >= least, rule, key="days", got=int(known.sum()))
    require(days.bars >= LEAST_BARS, f"at least {LEAST_BARS} bars a day are needed", key="bar", got=days.bars)
    variances = np.where(known, days.variances, np.nan)
    x, z = np.log(variances / DAY), days.returns / np.sqrt(variances)
    increments = [_later(x, lag) - x for lag in range(1, LAGS + 1)]
    leads = [z * (_later(x, lead) - _later(x, -1)) for lead in range(1, LEADS + 1)]
    return LogVariances(days.stamps, x, np.column_stack([*np.square(increments), *leads]))


def solve(moments: np.ndarray, hurst: float | None = None) -> Roughness:
    """H (unless given), eta and rho from the means of the products."""
    variogram, leads = moments[:LAGS], moments[LAGS:]
    lags = np.arange(1, LAGS + 1)

    def misfit(trial: float) -> tuple[float, float]:
        """Relative, and the best eta^2, with the noise free."""
        shape = constant(trial) * DAY ** (2 * trial) * averaged(lags, 2 * trial)
        (square, _), rest = nnls(np.column_stack([shape, np.ones(LAGS)]) / variogram[:, None], np.ones(LAGS))
        return float(rest), float(square)

    if hurst is None:
        found = minimize_scalar(lambda trial: misfit(trial)[0], bounds=HURST_RANGE, method="bounded")
        hurst = float(found.x)
    eta = float(np.sqrt(misfit(hurst)[1]))
    power = hurst - 0.5
    reach = averaged(np.arange(1, LEADS + 1), power) + 2 / ((power + 1) * (power + 2))
    leverage = np.sqrt(2 * hurst) * DAY**hurst * reach
    with np.errstate(divide="ignore", invalid="ignore"):  # eta = 0 has no rho: NaN
        return Roughness(hurst, eta, float(leads @ leverage / (leverage @ leverage) / eta))


def require_valid(kind: str, found: Roughness) -> None:
    """InputError where the scaling is that of no model."""
    rule = f"the scaling of these prices' volatility is not that of {kind}: choose other dates or another model"
    require(found.eta > 0 and abs(found.rho) < 1, rule, key="eta, rho", got=(found.eta, found.rho))


def edge_doubts(hurst: float) -> list[str]:
    """Words where the roughness sits on its bound."""
    edge = next((edge for edge in HURST_RANGE if abs(hurst - edge) < ON_BOUND), None)
    return [] if edge is None else [f"hurst sits on its bound {edge}: its standard error is too small"]


def constant(hurst: float) -> float:
    """Variance of an increment of Y over one year, with an infinite past."""
    return float(2 * hurst * gamma(hurst + 0.5) ** 2 / (gamma(2 * hurst + 1) * np.sin(np.pi * hurst)))


def averaged(lag: np.ndarray, power: float) -> np.ndarray:
    """Mean of |t - s|^power over t in a day `lag` days after that of s, less its mean over one day."""
    p = power + 2
    found: np.ndarray = ((lag + 1.0) ** p + (lag - 1.0) ** p - 2 * lag**p - 2) / (p * (p - 1))
    return found


def replicates(stamps: np.ndarray, products: np.ndarray, estimate: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Estimates from the means of days' products over resampled blocks of 60 days, where there is a solution."""
    blocks = block_numbers(stamps)
    n_blocks = int(blocks[-1]) + 1
    sums, counts = np.zeros((2, n_blocks, products.shape[1]))
    np.add.at(sums, blocks, np.nan_to_num(products))
    np.add.at(counts, blocks, np.isfinite(products))
    drawn = np.random.default_rng(BOOTSTRAP_SEED).integers(0, n_blocks, (REPLICATES, n_blocks))
    found = np.array([estimate(row) for row in sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)])
    return found[np.all(np.isfinite(found), axis=1)]


def forecast(values: np.ndarray, hurst: float) -> np.ndarray:
    """The log variance of the next `AHEAD` days from the days up to each one; NaN for the first.

    Gatheral, Jaisson and Rosenbaum (2018), section 5.1: weights 1 / ((age + AHEAD) age^(H + 1/2)), cut and scaled to 1.
    """
    age = np.arange(MEMORY) + 0.5
    weights = 1 / ((age + AHEAD / 2) * age ** (hurst + 0.5))
    known = np.isfinite(values)
    top = np.convolve(np.where(known, values, 0.0), weights)[: len(values)]
    found = top / np.maximum(np.convolve(known, weights)[: len(values)], 1e-12)
    found[:MEMORY] = np.nan
    return found


def level_ahead(days: LogVariances, hurst: float) -> float:
    """Variance per year expected over the next `AHEAD` days: the forecast, made unbiased on the history."""
    foretold, variance = np.exp(forecast(days.values, hurst)), np.exp(days.values)
    later = np.mean([_later(variance, lag) for lag in range(1, AHEAD + 1)], axis=0)  # NaN where a day is missing
    both = np.isfinite(foretold) & np.isfinite(later)
    require(bool(both.any()), f"at least {FILTER_DAYS} days without a gap are needed", key="days", got=len(variance))
    return float(foretold[-1] * later[both].mean() / foretold[both].mean())


def _later(x: np.ndarray, lag: int) -> np.ndarray:
    """x_(d + lag) at d; NaN beyond the ends."""
    moved = np.full(len(x), np.nan)
    if lag > 0:
        moved[:-lag] = x[lag:]
    else:
        moved[-lag:] = x[:lag]
    return moved
