"""Funding rates from premiums: impact prices, averages, interest and damper, caps, Deribit's dead band.

    premium P = (max(0, bid - index) - max(0, index - ask)) / index             at impact prices
    rate      = (mean P + clamp(I - mean P, +-damp)) N / 8, then clamp(+-cap)    I per 8 h, N hours of an interval
    Deribit   = max(band, P) + min(-band, P), per 8 h, accrued continuously      band 0.025 %

Rates are fractions, a positive one is paid by longs. Sources: Binance FAQ 360033525031 and its change of 2025-09-18;
Bybit API docs v5 instrument (weights, caps); Hyperliquid docs, funding; Deribit support 31424939178397; dYdX v4 docs.
"""

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from stresslab.venues.inputs import FloatArray, choice, finite, not_negative, positive, refuse_where, series

QUOTED_HOURS = 8.0  # premium and interest are quoted per 8 hours everywhere
DEAD_BAND = 0.00025  # Deribit
IMPACT_MARGIN = 500.0  # USDC of initial margin: dYdX

CapKind = Literal["none", "absolute", "times_mmr", "times_imr_minus_mmr", "fraction_of_oracle"]


def premium(impact_bid: ArrayLike, impact_ask: ArrayLike, index: ArrayLike) -> FloatArray:
    """How far the impact prices are outside the index, fraction of the index; 0 while the index is between them.

    Hyperliquid's index is its oracle, sampled every 5 s at 20,000 USDC; dYdX's depth is `impact_notional`.
    """
    reference = positive("index", index)
    above = np.maximum(positive("impact_bid", impact_bid) - reference, 0)
    below = np.maximum(reference - positive("impact_ask", impact_ask), 0)
    return (above - below) / reference


def impact_notional(imf: ArrayLike, margin: ArrayLike = IMPACT_MARGIN) -> FloatArray:
    """Depth at which dYdX takes impact prices, quote currency: what 500 USDC of initial margin hold."""
    return positive("margin", margin) / positive("imf", imf)


def mean_premium(premiums: ArrayLike, weights: Literal["equal", "linear"] = "equal") -> FloatArray:
    """Mean over the interval's samples (last axis); linear weights 1..n rise to the payment (Bybit: n = 480)."""
    samples = series("premiums", finite("premiums", premiums))
    choice("weights", weights, ("equal", "linear"))
    if weights == "equal":
        return samples.mean(axis=-1)
    weight = np.arange(1, samples.shape[-1] + 1)
    return (samples * weight).sum(axis=-1) / weight.sum()


def funding_rate(
    premium: ArrayLike,
    interest: ArrayLike = 0.0001,
    damp: ArrayLike = 0.0005,
    interval_hours: ArrayLike = 8.0,
    cap: ArrayLike | None = None,
) -> FloatArray:
    """Rate of one payment from the mean premium; interest per 8 h, `cap` on the payment's own rate.

    Binance, Bybit and BitMEX pay every 8 h (Binance divides by 8/N for N hours since 2025-09-18), Hyperliquid every
    hour with a cap of 4 %. `damp` of 0.05 % makes the rate the interest while the premium is near it.
    """
    mean, width = finite("premium", premium), not_negative("damp", damp)
    damped = mean + np.clip(finite("interest", interest) - mean, -width, width)
    return clamp(damped * positive("interval_hours", interval_hours) / QUOTED_HOURS, cap)


def clamp(rate: ArrayLike, cap: ArrayLike | None) -> FloatArray:
    """The rate within +-cap; unchanged for None."""
    asked = finite("rate", rate)
    if cap is None:
        return asked
    most = not_negative("cap", cap)
    return np.clip(asked, -most, most)


def rate_cap(kind: CapKind, value: float = 0.0, *, imr: ArrayLike = 0.0, mmr: ArrayLike = 0.0) -> FloatArray | None:
    """The largest absolute rate: `value` itself, or times MMR, or times (IMR - MMR); None where there is no cap.

    absolute: Bybit BTCUSDT 0.375 %, Hyperliquid 4 % per hour. times_mmr: Binance, once 1, later 0.75; per symbol now,
    not verified. times_imr_minus_mmr: dYdX, 6, per 8 h. fraction_of_oracle: Drift, of the oracle's price per day, which
    is a fraction of the notional just so.
    """
    choice("kind", kind, get_args(CapKind))
    if kind == "none":
        return None
    factor, initial, maintenance = not_negative("value", value), not_negative("imr", imr), not_negative("mmr", mmr)
    if kind == "times_mmr":
        return factor * maintenance
    if kind == "times_imr_minus_mmr":
        refuse_where(initial < maintenance, initial, "must not be below mmr", "imr")
        return factor * (initial - maintenance)
    return factor


def dydx_hourly_rate(premiums: ArrayLike, interest: ArrayLike = 0.0, cap_8h: ArrayLike | None = None) -> FloatArray:
    """dYdX: the mean of the hour's one-minute premiums / 8 + the interest per hour, the 8-hour rate within its cap."""
    rate_8h = mean_premium(premiums) + QUOTED_HOURS * finite("interest", interest)
    return clamp(rate_8h, cap_8h) / QUOTED_HOURS


def dead_band_rate(premium: ArrayLike, band: ArrayLike = DEAD_BAND, cap: ArrayLike | None = None) -> FloatArray:
    """Deribit's rate per 8 h: what the premium has beyond the band, 0 inside it.

    The cap belongs to the instrument; its figures were not verified.
    """
    rate, width = finite("premium", premium), not_negative("band", band)
    return clamp(np.maximum(width, rate) + np.minimum(-width, rate), cap)


def accrued_rate(rate: ArrayLike, elapsed: ArrayLike, interval: ArrayLike) -> FloatArray:
    """The part of an interval's rate that has accrued: Deribit per 8 h, Kraken within the hour. Same time unit."""
    return finite("rate", rate) * not_negative("elapsed", elapsed) / positive("interval", interval)
