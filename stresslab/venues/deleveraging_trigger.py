"""When deleveraging starts and stops, and how much of a loss it takes.

    fund empty      nothing left, or less than the loss                                Binance, BitMEX
    drawdown        on at 30 % below the 8 h peak, off below 25 %, on while the fund is empty     Bybit, OKX (no stop)
    equity          an account is worth less than nothing                              Hyperliquid, dYdX
    pool            traders' open profit above 85 % of the pool, until 77 %            GMX v2

Bybit's drawdown is (PnL of the symbol - its 8 h maximum) / 8 h maximum of the pool; its help page of 2025-11-05 says
100 % where the API docs of 2026-07-24 say 30 %: a parameter. Sources: bybit-exchange/docs v5 market adl-alert; OKX
help on ADL (mirror); BitMEX support 18589621443357; gmx-io/gmx-synthetics config/markets.ts at a5c0c8835182.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stresslab.venues.inputs import (
    FloatArray,
    finite,
    flags,
    not_negative,
    positive,
    refuse_where,
    series,
    shapes_in_words,
)


def fund_empty(fund: ArrayLike, loss: ArrayLike = 0.0) -> NDArray[np.bool_]:
    """Whether nothing is left in the fund, or less than the loss that it should cover."""
    left = finite("fund", fund)
    return (left <= 0) | (left < not_negative("loss", loss))


@shapes_in_words
def recent_peak(values: ArrayLike, times: ArrayLike, now: ArrayLike, window: ArrayLike) -> FloatArray:
    """Highest value (samples on the last axis) in [now - window, now]; times in one unit."""
    samples, when = series("values", finite("values", values)), finite("times", times)
    last = finite("now", now)[..., None]
    inside = (when <= last) & (when >= last - positive("window", window)[..., None])
    refuse_where(~inside.any(axis=-1), last[..., 0], "no sample is in the window before it", "now")
    return np.where(inside, samples, -np.inf).max(axis=-1)


def fund_drawdown(fund: ArrayLike, peak: ArrayLike) -> FloatArray:
    """How far the fund is below its peak, as a fraction of the peak (OKX)."""
    return 1 - finite("fund", fund) / positive("peak", peak)


def pnl_drawdown(pnl: ArrayLike, peak_pnl: ArrayLike, peak_pool: ArrayLike) -> FloatArray:
    """How far the symbol's PnL is below its own peak, as a fraction of the pool's peak (Bybit); 0.3 is its -30 %."""
    return (finite("peak_pnl", peak_pnl) - finite("pnl", pnl)) / positive("peak_pool", peak_pool)


def pool_pnl_factor(pending_pnl: ArrayLike, pool: ArrayLike) -> FloatArray:
    """Traders' open profit as a fraction of the pool that owes it (GMX)."""
    return finite("pending_pnl", pending_pnl) / positive("pool", pool)


def deleveraging_on(
    measure: ArrayLike, was_on: Any, start: ArrayLike, stop: ArrayLike, fund: ArrayLike | None = None
) -> NDArray[np.bool_]:
    """Whether it is on now: from `measure` >= start until it is below `stop`; always while `fund` is 0 or less.

    `measure` is a drawdown or a pool's factor; `was_on` the answer before.
    """
    level, low = finite("measure", measure), finite("stop", stop)
    high = finite("start", start)
    refuse_where(low > high, low, "must not be above start", "stop")
    on = (level >= high) | (flags("was_on", was_on) & (level >= low))
    return on if fund is None else on | (finite("fund", fund) <= 0)


def excess_beyond(measure: ArrayLike, threshold: ArrayLike, scale: ArrayLike) -> FloatArray:
    """The part beyond the threshold, in money: what deleveraging has to take.

    Bybit: of `pnl_drawdown` beyond 0.3, times the pool's peak. GMX: of `pool_pnl_factor` beyond 0.77, times the pool.
    """
    return np.maximum(finite("measure", measure) - finite("threshold", threshold), 0.0) * positive("scale", scale)


def equity_negative(equity: ArrayLike) -> NDArray[np.bool_]:
    """Whether the account (or the isolated position) is worth less than nothing."""
    return finite("equity", equity) < 0
