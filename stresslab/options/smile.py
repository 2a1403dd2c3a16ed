"""Implied volatility along a path: a quadratic smile by moneyness, around a level that follows the model's variance.

    sigma(K, tau) = level(tau) (1 + skew x + curvature x^2),   x = log(K / F) / sqrt(max(tau, shortest)),  |x| <= widest
    level(tau)    = scale sqrt(v) exp(spot_beta log(S / S_0))

v is the model's variance now; with `reversion` kappa > 0 it is the variance expected on average until expiry,
theta + (v - theta) (1 - exp(-kappa tau)) / (kappa tau), with theta = long_run^2: options with long to run move less
than the spot variance. Without `reversion` every expiry has one level. The result lies between `lowest` and `highest`.

Volatilities per square root of a year, tau in years. The defaults of skew and curvature are fits to Deribit's mark
volatilities of BTC on 2026-01-16, expiries of 7 to 70 days, |x| < 1: skew -0.13 to -0.17, curvature 0.29 to 0.33, root
mean square error 0.1 to 0.4 volatility points (ETH: -0.08 to -0.09 and 0.14 to 0.22). The quadratic leaves the market
further out (at |x| = 2.7 it gives 3 times the level, the market 2.2), so x is cut at `widest`. All other defaults are
assumptions that switch the effect off.
"""

from typing import Annotated, Any, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from stresslab.files.magnitudes import check_sizes

Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
LARGEST = 1e9


class ImpliedVolatility(BaseModel):
    """How the market's volatilities hang on a path's price and variance; frozen, strict."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    scale: Positive = Field(default=1.0, description="implied over the model's, at the money; 1 is an assumption")
    skew: float = Field(default=-0.14, description="slope of sigma / level by x; Deribit BTC 2026-01-16")
    curvature: NonNegative = Field(default=0.3, description="of sigma / level by x^2; Deribit BTC 2026-01-16")
    widest: Positive = Field(default=1.8, description="flat beyond this |x|; 1.8 gives 2.2 times the level")
    shortest: Positive = Field(default=0.5 / 365, description="years; x grows no further as expiry comes nearer")
    spot_beta: float = Field(default=0.0, description="log level by log return since the start; 0 is an assumption")
    reversion: NonNegative = Field(default=0.0, description="1/year, of the variance; 0: one level for every tau")
    long_run: Positive = Field(default=0.6, description="volatility that `reversion` leads to; an assumption")
    lowest: Positive = Field(default=0.05, description="floor of every volatility")
    highest: Positive = Field(default=5.0, description="cap of every volatility")

    @model_validator(mode="after")
    def _sizes(self) -> Self:
        check_sizes(self, LARGEST)
        return self

    def level(self, log_price: Any, variance: Any, tau: Any) -> np.ndarray:
        """At the money volatility; `log_price` relative to the start, `variance` per year."""
        ahead = np.asarray(variance, float)
        if self.reversion > 0:
            kept = _average_decay(self.reversion * np.asarray(tau, float))
            ahead = self.long_run**2 + (ahead - self.long_run**2) * kept
        return self.scale * np.sqrt(ahead) * np.exp(self.spot_beta * np.asarray(log_price, float))

    def volatility(self, log_price: Any, variance: Any, strike: Any, tau: Any) -> np.ndarray:
        """Volatility of the option with this strike (relative to the price at the start); arguments broadcast."""
        tau = np.asarray(tau, float)
        x = (np.log(strike) - log_price) / np.sqrt(np.maximum(tau, self.shortest))
        x = np.clip(x, -self.widest, self.widest)
        smile = 1 + self.skew * x + self.curvature * x * x
        return np.clip(self.level(log_price, variance, tau) * smile, self.lowest, self.highest)


def _average_decay(y: np.ndarray) -> np.ndarray:
    """(1 - exp(-y)) / y."""
    return np.where(y > 0, -np.expm1(-y) / np.where(y > 0, y, 1.0), 1.0)
