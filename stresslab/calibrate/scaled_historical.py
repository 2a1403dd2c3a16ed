"""Scaled historical bars: a heterogeneous autoregression of log variance by least squares.

    log(sum of q over the next block) = constant + sum over k of weights[k] log m_k + error

q is the variance of a bar by its range, m_k its average with half-life k. Half-lives (3 hours to 30 days, those of at
least a bar) and the block of a day are fixed in advance: they were chosen on hourly BTC and ETH of 2019 and 2020 and
daily BTC of 2016 to 2020, and are not fitted. The errors overlap by a day and are clustered: standard errors from
influence functions summed over blocks of 60 days. Corsi (2009); Corsi and Reno (2012), "Discrete-time volatility
forecasting with persistent leverage effect and the link with continuous-time volatility modeling", for logarithms.
"""

from typing import Any

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata

from stresslab.calibrate.blocks import block_covariance
from stresslab.calibrate.fit import Fit, make_fit
from stresslab.calibrate.histories import history_of
from stresslab.calibrate.prices import DAY_SECONDS, Returns
from stresslab.errors import require
from stresslab.models.history import History
from stresslab.models.scaled_historical import FLOOR, HALF_LIVES, ScaledHistorical, averages
from stresslab.units import format_duration, parse_duration

LEAST_BLOCKS = 120  # of a day each
_STILL = 1e-12  # variance of a day in which the price stands still, by its order

METHOD = (
    "Bars of {bar} drawn in blocks of {block}, scaled by a forecast of their variance: least squares of the log "
    "variance of the next {block} on logarithms of averages of the bars' variance ({estimate}), R^2 {r2:.2f}. "
    "Half-lives and block are fixed in advance. Standard errors from sums over blocks of 60 days."
)


def fit(returns: Returns) -> Fit:
    """Weights of the forecast with their standard errors; the history goes into the model as it is."""
    history = history_of(returns)
    block = format_duration(max(DAY_SECONDS, history.seconds))
    half_lives = tuple(text for text in HALF_LIVES if parse_duration(text) >= history.seconds)
    bars = history.without_gaps()
    span = parse_duration(block) // bars.seconds
    n_blocks = len(bars.rows) // span
    require(n_blocks >= LEAST_BLOCKS, f"at least {LEAST_BLOCKS} days are needed", key="returns", got=n_blocks)
    q = bars.variances()
    require(bool(np.mean(q > 0) > 0.5), "the price stands still in most bars", key="returns")
    known = averages(q, half_lives, bars.seconds)
    coefficients, covariance, r2 = regression(q, known, span, returns.stamps)
    parameters: dict[str, Any] = {"constant": coefficients[0], "weights": tuple(coefficients[1:])}
    errors = dict(zip(_names(len(half_lives)), np.sqrt(np.diag(covariance)), strict=True))
    parameters |= {"half_lives": half_lives, "averages": _floored(known[-1]), "block": block, "history": history}
    model = ScaledHistorical(**parameters)
    before = np.concatenate([known[:1], known[:-1]])
    volatility = np.sqrt(model.forecasts(before) * model.centre()[1])
    standardised = bars.close / volatility
    estimate = "Parkinson's, from high and low" if bars.has_range else "squared returns: high and low are not known"
    return make_fit(
        "scaled_historical",
        returns,
        parameters,
        errors,
        METHOD.format(bar=format_duration(bars.seconds), block=block, estimate=estimate, r2=r2),
        covariance=covariance,
        residuals=ndtri((rankdata(standardised) - 0.5) / len(standardised)),
        volatility=volatility,
        state=("averages",),
    )


def regression(q: np.ndarray, known: np.ndarray, span: int, stamps: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Least squares: coefficients (constant first), their covariance, and R^2."""
    total = np.concatenate([[0.0], np.cumsum(q)])
    ahead = total[1 + span :] - total[1:-span]  # of the bars after each bar
    target = np.log(np.maximum(ahead, _STILL))
    n = len(target)
    design = np.column_stack([np.ones(n), np.log(np.maximum(known[:n], _STILL))])
    found = np.linalg.lstsq(design, target, rcond=None)[0]
    errors = target - design @ found
    influence = (design * errors[:, None]) @ np.linalg.pinv(design.T @ design / n)
    return found, block_covariance(influence, stamps[:n]), float(1 - errors.var() / target.var())


def filter_state(model: ScaledHistorical, returns: Returns) -> dict[str, Any]:
    """The averages at the end of the returns, the history and the weights given."""
    own = model.history.seconds
    rule = f"bars must have the length of the model's, {format_duration(own)}"
    require(returns.seconds == own, rule, key="bar", got=format_duration(returns.seconds))
    q = _comparable(history_of(returns), model.history).without_gaps().variances()
    return {"averages": _floored(averages(q, model.half_lives, own)[-1])}


def _comparable(new: History, own: History) -> History:
    """Variances by the same estimate as the model's."""
    require(new.has_range or not own.has_range, "the model was fitted with high and low: give them", key="prices")
    return new if new.has_range == own.has_range else History.of(new.close, new.seconds, new.stamps)


def _floored(values: np.ndarray) -> tuple[float, ...]:
    return tuple(float(value) for value in np.maximum(values, FLOOR))


def _names(n: int) -> list[str]:
    return ["constant", *(f"weights.{place}" for place in range(n))]
