"""Heston from the moments of daily realised variance.

The daily integrated variance I_d of the stationary square-root process has, with D a day in years and
a = (1 - e^(-kappa D)) / kappa,

    E[I] = theta D,        Cov(I_d, I_d+k) = w a^2 e^(-kappa (k-1) D)  for k >= 1,        w = theta xi^2 / (2 kappa)
    Var(I) = 2 w (kappa D - 1 + e^(-kappa D)) / kappa^2
    Cov(return_d, I_d+k) = rho xi theta a^2 e^(-kappa (k-1) D) - Cov(I_d, I_d+k) / 2

Realised variance is I plus noise that has mean zero given the path (up to the order of a bar) and does not carry over
to other days: covariances at lags of a day and more are free of it, so kappa, xi and rho are not attenuated and nothing
needs to be corrected. What the variance of a day has beyond Var(I) is that noise, and tells how far the filter for v0
may trust the last days. On simulated paths of four years with a memory of three weeks kappa comes out high by half of
its standard error, and the standard errors up to a quarter too small. Barndorff-Nielsen and Shephard (2002),
"Econometric analysis of realised volatility"; Bollerslev and Zhou (2002), "Estimating stochastic volatility diffusion
using conditional moments of integrated volatility".
"""

from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar

from stresslab.calibrate.blocks import block_numbers
from stresslab.calibrate.filter import Filtered, filter_variance, variance_before
from stresslab.calibrate.fit import Fit, make_fit
from stresslab.calibrate.prices import DAY_SECONDS, Days, Returns, daily
from stresslab.errors import require
from stresslab.models import Heston
from stresslab.units import format_duration, years

LAGS = 30  # days of autocovariance that kappa and xi are fitted to: the longest usual horizon
OTHER_LAGS = (7, 90)  # also fitted, for the method text: they show what one factor cannot do
LEADS = 7  # days after a return whose variance rho is fitted to
DAY = years(DAY_SECONDS)
KAPPA_RANGE = (0.5, 400.0)  # 1/year: a memory of two years to one day
REPLICATES, BOOTSTRAP_SEED = 400, 20250101
LEAST_DAYS, LEAST_BARS = 365, 8
LEAST_FILTER_DAYS = 30

METHOD = (
    "Moments of daily realised variance from bars of {bar} ({days} complete days). theta: the mean. kappa and xi: "
    "least squares on the autocovariances at lags 1 to {lags} days, with the exact moments of the integrated "
    "square-root process; lag 0, which holds the noise of the realised variance, is left out. One factor is a "
    "compromise: lags 1 to 7 alone give kappa {short:.3g}, lags 1 to 90 give {long:.3g}. rho: covariance of a day's"
    " return with the variance of the {leads} days after it. v0: steady-state Kalman filter of the squared returns,"
    " whose weights fall by e in {memory:.1f} days, with {shrinkage:.0%} of the weight on theta; it is the state of"
    " one night, to be set every night. Standard errors: bootstrap over blocks of 60 days ({replicates} "
    "replicates); that of v0 from the filter. Feller ratio 2 kappa theta / xi^2: {feller:.2f}."
)


def fit(returns: Returns) -> Fit:
    """Parameters of Heston and their standard errors."""
    days = daily(returns)
    counted = int(np.isfinite(days.variances).sum())
    require(counted >= LEAST_DAYS, f"at least {LEAST_DAYS} complete days are needed", key="days", got=counted)
    require(days.bars >= LEAST_BARS, f"at least {LEAST_BARS} bars a day are needed", key="bar", got=days.bars)
    products = daily_products(days)
    kappa, theta, xi, rho = solve(np.nanmean(products, axis=0), len(products))
    rule = "the moments of these prices are not those of Heston: choose other dates or another model"
    require(KAPPA_RANGE[0] * 1.01 < kappa < KAPPA_RANGE[1] / 1.01, rule, key="kappa", got=kappa)
    require(xi > 0 and abs(rho) < 1, rule, key="xi, rho", got=(xi, rho))
    state = filter_variance(returns, kappa, theta, xi, noise_variance(days, kappa, theta, xi), DAY)
    parameters = {"v0": state.variance, "kappa": kappa, "theta": theta, "xi": xi, "rho": rho}
    spread = np.zeros((5, 5))  # the error of the filter is taken as independent of that of the parameters
    spread[0, 0], spread[1:, 1:] = state.error**2, bootstrap_covariance(products, days.stamps)
    before = variance_before(returns, state, theta)
    return make_fit(
        "heston",
        returns,
        parameters,
        dict(zip(parameters, np.sqrt(np.diag(spread)), strict=True)),
        _method(days, returns, parameters, state),
        covariance=spread,
        residuals=returns.values / np.sqrt(before * returns.dt),
        volatility=np.sqrt(before),
    )


def filter_state(model: Heston, returns: Returns) -> dict[str, Any]:
    """v0 at the end of the returns, the parameters given; the noise of realised variance is measured on them."""
    days = daily(returns)
    counted = int(np.isfinite(days.variances).sum())
    require(counted >= LEAST_FILTER_DAYS, f"at least {LEAST_FILTER_DAYS} complete days are needed", got=counted)
    noise = noise_variance(days, model.kappa, model.theta, model.xi)
    return {"v0": filter_variance(returns, model.kappa, model.theta, model.xi, noise, DAY).variance}


def feller_ratio(kappa: float, theta: float, xi: float) -> float:
    """2 kappa theta / xi^2; the variance touches zero where it is below 1."""
    return 2 * kappa * theta / xi**2


def daily_products(days: Days, lags: int = LAGS) -> np.ndarray:
    """A row per day: its variance, its products with the `lags` next days' variances, its return's with LEADS of them.

    Variances and returns are about their means; NaN where a day is missing.
    """
    variance = days.variances - np.nanmean(days.variances)
    moves = days.returns - np.nanmean(days.returns)
    later = np.full((len(variance), max(lags, LEADS)), np.nan)
    for lag in range(1, later.shape[1] + 1):
        later[:-lag, lag - 1] = variance[lag:]
    return np.column_stack([days.variances, variance[:, None] * later[:, :lags], moves[:, None] * later[:, :LEADS]])


def solve(moments: np.ndarray, n_days: int) -> np.ndarray:
    """kappa, theta, xi, rho from the means of `daily_products`."""
    theta, covariances, leads = moments[0] / DAY, moments[1:-LEADS], moments[-LEADS:]
    kappa = _best_kappa(covariances, n_days)
    shape, mean_bias = _shape(kappa, len(covariances), n_days)
    fitted = shape - mean_bias
    w = max(float(covariances @ fitted / (fitted @ fitted)), 0.0)  # stationary variance of v
    xi = np.sqrt(2 * kappa * w / theta)
    leverage = shape[:LEADS] - mean_bias / 2
    with np.errstate(divide="ignore", invalid="ignore"):  # xi = 0 has no rho: NaN
        rho = (leads + w * fitted[:LEADS] / 2) @ leverage / (leverage @ leverage) / (xi * theta)
    return np.array([kappa, theta, xi, rho])


def noise_variance(days: Days, kappa: float, theta: float, xi: float) -> float:
    """Noise variance of a day's realised variance: what Var(I) leaves, at least the one of normal returns."""
    w = theta * xi**2 / (2 * kappa)
    signal = 2 * w * (kappa * DAY + np.expm1(-kappa * DAY)) / kappa**2
    normal = 2 * (w + theta**2) * DAY**2 / days.bars
    return max(float(np.nanvar(days.variances)) - signal, normal)


def bootstrap_covariance(products: np.ndarray, stamps: np.ndarray) -> np.ndarray:
    """Covariance of `solve` over resampled blocks of 60 days; replicates that have no solution are left out."""
    blocks = block_numbers(stamps)
    n_blocks = blocks[-1] + 1
    sums, counts = np.zeros((2, n_blocks, products.shape[1]))
    np.add.at(sums, blocks, np.nan_to_num(products))
    np.add.at(counts, blocks, np.isfinite(products))
    drawn = np.random.default_rng(BOOTSTRAP_SEED).integers(0, n_blocks, (REPLICATES, n_blocks))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    found = np.array([solve(row, len(products)) for row in means])
    return np.cov(found[np.isfinite(found).all(axis=1)], rowvar=False)


def _shape(kappa: float, lags: int, n_days: int) -> tuple[np.ndarray, float]:
    """Cov(I_d, I_d+k) / w for k = 1 .. lags, and what taking out the sample's mean takes from each: Var(mean I) / w."""
    a = -np.expm1(-kappa * DAY) / kappa
    span = kappa * n_days * DAY
    mean_bias = 2 * (span + np.expm1(-span)) / (kappa * n_days) ** 2
    return a**2 * np.exp(-kappa * DAY * np.arange(lags)), mean_bias


def _best_kappa(covariances: np.ndarray, n_days: int) -> float:
    def explained(log_kappa: float) -> float:
        shape, mean_bias = _shape(np.exp(log_kappa), len(covariances), n_days)
        fitted = (shape - mean_bias) / shape[0]
        return -(max(covariances @ fitted, 0.0) ** 2) / (fitted @ fitted)

    grid = np.log(np.geomspace(KAPPA_RANGE[0], KAPPA_RANGE[1], 40))
    best = int(np.argmin([explained(x) for x in grid]))
    bounds = (grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)])
    return float(np.exp(minimize_scalar(explained, bounds=bounds, method="bounded", options={"xatol": 1e-8}).x))


def _method(days: Days, returns: Returns, parameters: dict[str, float], state: Filtered) -> str:
    kappas = {lags: solve(np.nanmean(daily_products(days, lags), axis=0), len(days.stamps))[0] for lags in OTHER_LAGS}
    return METHOD.format(
        bar=format_duration(returns.seconds),
        days=int(np.isfinite(days.variances).sum()),
        lags=LAGS,
        leads=LEADS,
        short=kappas[OTHER_LAGS[0]],
        long=kappas[OTHER_LAGS[1]],
        memory=state.memory / DAY,
        shrinkage=state.shrinkage,
        replicates=REPLICATES,
        feller=feller_ratio(parameters["kappa"], parameters["theta"], parameters["xi"]),
    )
