"""Fractionally integrated GARCH: shocks to the variance die like a power of time, not exponentially.

    dx = mu bar - h/2 + sqrt(h) z over a bar,        e = sqrt(h) z
    h = omega / (1 - beta) + sum over lags i of lambda_i e_(t-i)^2,        lambda_1 = phi - beta + d
    lambda_i = beta lambda_(i-1) + delta_i - phi delta_(i-1),        delta_i = (i - 1 - d) / i delta_(i-1),  delta_1 = d

Time in years, h and omega in squared decimal log returns per bar. As in the arch package the memory ends at 1,000 lags.
Scheme: exact at the ends of bars but for this memory, which is lifted to a sum of exponentials: lambda_i = sum over j
of c_j r_j^(i-1), with the last squared noise (r = 0) and twelve memories from 0.3 to 300 bars, by least squares of the
weights and of what is left of them beyond each lag; their sum is exact. The weights are off by 1 to 2 % of their sum
where d is 0.2 to 0.6 (`lift_error`), mostly where the cut at 1,000 lags is rounded off; the variance of a path by 0.2
to 0.6 % on average over 800 bars, by 3 % at most. There is no unconditional variance: without the cut the lambda_i sum
to 1.
Baillie, Bollerslev and Mikkelsen (1996), "Fractionally integrated generalized autoregressive conditional
heteroskedasticity", equation 12.
"""

from functools import lru_cache
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from jax import Array
from pydantic import Field
from scipy.signal import lfilter

from stresslab.errors import InputError, require
from stresslab.models.bar import BarModel
from stresslab.models.base import Listed, NonNegative, Positive

LAGS = 1000
RATES = np.concatenate([[0.0], np.exp(-1 / np.geomspace(0.3, 300, 12))])
POWERS = RATES[None] ** np.arange(3 * LAGS)[:, None]  # (lag, memory)
TAIL_WEIGHT, SUM_WEIGHT = 30.0, 1e4
KEPT = 64  # sets of parameters whose coefficients are kept


class Recursion(NamedTuple):
    """omega / (1 - beta), the coefficients c_j and the rates r_j."""

    base: Any
    weights: tuple[Any, ...]
    rates: tuple[Any, ...]

    def after(self, h: Array, e: Array, past: Any) -> tuple[Array, Any]:
        moved = tuple(rate * one + e * e for rate, one in zip(self.rates, past, strict=True))
        return self.base + sum(weight * one for weight, one in zip(self.weights, moved, strict=True)), moved


class FIGARCH(BarModel):
    """FIGARCH(1, d, 1) with normal, Student-t or skewed-t innovations."""

    kind: Literal["figarch"] = "figarch"
    omega: Positive = Field(description="constant of the variance, squared log return per bar")
    phi: Annotated[float, Field(ge=0, lt=1)] = Field(description="weight of the last squared noise")
    d: Annotated[float, Field(ge=0, le=1)] = Field(description="order of fractional integration")
    beta: Annotated[float, Field(ge=0, lt=1)] = Field(description="weight of the last variance")
    factors: Annotated[tuple[NonNegative, ...], Listed] | None = Field(
        None, description="tonight's sums of past squared noise, one for each memory; none: as if h0 had always been"
    )

    def check_stationary(self) -> None:
        rule = "weights of past squared noise would be negative: phi must not exceed (1 - d) / 2, nor beta d + phi"
        slack = 1e-4  # parameters in a file are rounded
        good = self.phi <= (1 - self.d) / 2 + slack and self.beta <= self.d + self.phi + slack
        require(good, rule, key="phi", got=(self.phi, self.d, self.beta))
        if self.factors is not None:
            rule = f"there are {len(RATES)} factors"
            require(len(self.factors) == len(RATES), rule, key="factors", got=len(self.factors))
        elif self.h0 is not None:
            rule = f"h0 must exceed omega / (1 - beta) = {self.base:.4g}"
            require(self.h0 > self.base, rule, key="h0", got=self.h0)
        else:
            raise InputError("FIGARCH has no unconditional variance", key="h0", hint="Give h0, or factors")

    @property
    def base(self) -> float:
        """What h is without any noise."""
        return self.omega / (1 - self.beta)

    def lag_weights(self, lags: int = LAGS) -> np.ndarray:
        """lambda_1 ... of the model."""
        return lag_weights(self.phi, self.d, self.beta, lags)

    def lift(self) -> np.ndarray:
        """The coefficients c_j."""
        return lift(self.phi, self.d, self.beta)

    def lift_error(self) -> float:
        """Sum of the absolute errors of the lifted weights, over the sum of the weights."""
        wanted = _cut(self.phi, self.d, self.beta)
        return float(np.abs(POWERS @ self.lift() - wanted).sum() / wanted.sum())

    def past(self) -> tuple[float, ...]:
        if self.factors is not None:
            return self.factors
        assert self.h0 is not None
        ages = 1 / (1 - RATES)  # sums of a constant squared noise
        return tuple((self.h0 - self.base) / float(self.lift() @ ages) * ages)

    @property
    def first_variance(self) -> float:
        return self.base + float(self.lift() @ np.array(self.past()))

    def recursion(self) -> Recursion:
        weights, rates = (tuple(map(np.float32, values)) for values in (self.lift(), RATES))
        return Recursion(np.float32(self.base), weights, rates)

    def unconditional_variance(self) -> float:
        raise InputError("FIGARCH has no unconditional variance", key="h0", hint="Give h0, or factors")

    def forecast_variance(self, bars: int) -> np.ndarray:
        """E[h] of the next `bars` bars."""
        weights, past, found = self.lift(), np.array(self.past()), []
        for _ in range(bars):
            found.append(self.base + float(weights @ past))
            past = RATES * past + found[-1]
        return np.array(found)


@lru_cache(maxsize=KEPT)
def lift(phi: float, d: float, beta: float) -> np.ndarray:
    """The coefficients c_j. An error in what is left of the weights moves the level, one in a weight one bar."""
    wanted, scale = _cut(phi, d, beta), TAIL_WEIGHT / np.sqrt(np.arange(1, len(POWERS) + 1))
    weight = 1 / np.sqrt(np.maximum(np.abs(wanted), max(np.abs(wanted[LAGS - 1]), 1e-12)))
    left, wanted_left = POWERS[::-1].cumsum(axis=0)[::-1], wanted[::-1].cumsum()[::-1]
    rows = [POWERS * weight[:, None], left * scale[:, None], SUM_WEIGHT * left[:1]]
    values = [wanted * weight, wanted_left * scale, SUM_WEIGHT * wanted_left[:1]]
    return np.linalg.lstsq(np.concatenate(rows), np.concatenate(values), rcond=None)[0]


def _cut(phi: float, d: float, beta: float) -> np.ndarray:
    """Weights up to lag 1000, and 0 beyond it."""
    return np.concatenate([lag_weights(phi, d, beta, LAGS), np.zeros(len(POWERS) - LAGS)])


def lag_weights(phi: float, d: float, beta: float, lags: int) -> np.ndarray:
    """lambda_1 ... lambda_lags."""
    number = np.arange(1, lags)
    delta = d * np.cumprod(np.concatenate([[1.0], (number - d) / (number + 1)]))
    steps = np.concatenate([[phi - beta + d], delta[1:] - phi * delta[:-1]])
    return lfilter([1.0], [1.0, -beta], steps)
