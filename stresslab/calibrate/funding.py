"""A mean-reverting funding rate fitted to recorded ones.

    R' = mean + (R - mean) e^(-speed t) + deviation n

Time in years; t is the interval between payments. The exact transition is a first-order autoregression, so maximum
likelihood is least squares of each rate on the one before: slope e^(-speed t), and the residuals' deviation gives the
volatility. Standard errors by the delta method, with White's (1980) covariance of the coefficients: funding is far from
normal. Pairs that are not one interval apart are left out. With prices, the correlation of the residuals with the
log returns of the same interval; its error is (1 - rho^2) / sqrt(n).
"""

from dataclasses import dataclass

import numpy as np

from stresslab.errors import require
from stresslab.files.bars import Bars
from stresslab.files.funding_rates import FundingRates
from stresslab.units import YEAR_SECONDS, format_duration

LEAST_PAIRS = 100


@dataclass(frozen=True)
class FundingFit:
    """The numbers of `kind: mean_reverting`, each with its standard error; rates in fractions of one interval."""

    parameters: dict[str, float]  # rate (the last one), mean, speed, volatility and, with prices, correlation
    standard_errors: dict[str, float]
    interval: str
    pairs: int
    left_out: int
    first: int  # seconds since 1970
    last: int


def fit_funding(rates: FundingRates, bars: Bars | None = None) -> FundingFit:
    """The process that rates of one exchange followed; `bars` give the returns that they are correlated with."""
    widths = np.diff(rates.stamps)
    interval = int(np.median(widths)) if widths.size else 0
    paired = np.flatnonzero(widths == interval)
    rule = f"at least {LEAST_PAIRS} payments in a row are needed"
    require(len(paired) >= LEAST_PAIRS, rule, file=rates.file, got=len(paired))
    before, after = rates.rates[paired], rates.rates[paired + 1]
    require(bool(np.ptp(before) > 0), "the rate never changes", file=rates.file, got=float(before[0]))
    slope, level, covariance, residuals = _regressed(before, after)
    rule = "the rate does not revert to a mean: the slope on the rate before must lie between 0 and 1"
    require(0 < slope < 1, rule, file=rates.file, got=round(slope, 4))
    span = interval / YEAR_SECONDS
    speed, mean = -np.log(slope) / span, level / (1 - slope)
    scale = np.sqrt(2 * speed / -np.expm1(-2 * speed * span))
    deviation = float(residuals.std(ddof=2))
    spread = float(np.sqrt(((residuals**2 - deviation**2) ** 2).mean() / len(residuals)) / (2 * deviation))
    to_mean = np.array([1.0, mean]) / (1 - slope)
    parameters = {
        "rate": float(rates.rates[-1]),
        "mean": mean,
        "speed": float(speed),
        "volatility": float(deviation * scale),
    }
    errors = {
        "mean": float(np.sqrt(to_mean @ covariance @ to_mean)),
        "speed": float(np.sqrt(covariance[1, 1]) / (slope * span)),
        "volatility": float(spread * scale),
    }
    if bars is not None:
        rho, n = _correlation(rates.stamps[paired + 1], interval, residuals, bars)
        parameters["correlation"], errors["correlation"] = rho, (1 - rho**2) / np.sqrt(n)
    ends = int(rates.stamps[0]), int(rates.stamps[-1])
    left_out = len(widths) - len(paired)
    return FundingFit(parameters, errors, format_duration(interval), len(paired), left_out, *ends)


def _regressed(before: np.ndarray, after: np.ndarray) -> tuple[float, float, np.ndarray, np.ndarray]:
    """Slope and level of `after` on `before`, the covariance of (level, slope), and the residuals."""
    design = np.column_stack([np.ones_like(before), before])
    inverse = np.linalg.inv(design.T @ design)
    level, slope = inverse @ design.T @ after
    residuals = after - level - slope * before
    weighted = design * residuals[:, None]
    return float(slope), float(level), inverse @ (weighted.T @ weighted) @ inverse, residuals


def _correlation(ends: np.ndarray, interval: int, residuals: np.ndarray, bars: Bars) -> tuple[float, int]:
    """Of residuals with log returns from close to close over the interval that ends with the payment."""
    closes = dict(zip((bars.stamps + bars.seconds).tolist(), np.log(bars.prices[:, -1]), strict=True))
    rows = [
        (residual, closes[end] - closes[end - interval])
        for end, residual in zip(ends.tolist(), residuals, strict=True)
        if end in closes and end - interval in closes
    ]
    rule = f"prices must span at least {LEAST_PAIRS} intervals of the rates"
    require(len(rows) >= LEAST_PAIRS, rule, file=bars.file, got=len(rows))
    return float(np.corrcoef(np.array(rows).T)[0, 1]), len(rows)
