"""Price bands: the highest price that a buy and the lowest that a sell may have.

    around      [reference (1 - down), reference (1 + up)]                                 Binance 5 %, Deribit 1.5 %
    index       high = min(max(idx, idx (1 + Y) + premium), idx (1 + Z)), low mirrored     OKX
    opening     [idx (1 - X), idx (1 + X)]                                                 OKX, the first ten minutes
    mark        high = min(mark (1 + Y), max(idx, mark (1 + X) + a max(0, premium)))       Bybit since 2026-05-26
    session     steps from the last settlement: a pause at each, hard at the last          CME 2017: 7, 13, 20 %

Premium is a mean of mid - index (OKX: 2 min, 600 samples) or of mid - mark (Bybit: 30 s, 30 samples), quote currency.
What is beyond is rejected (OKX, Deribit), expires (Binance) or pauses trading (CME). Sources: Binance announcement
7bc0d0e0625a46e2995181ef8408d765; okx.com/help-center/6974388462605; bybit-exchange.github.io, docs v5 account
set-price-limit (read in a stored copy); insights.deribit.com trading-bandwidths-limits, a width "at time of writing";
CME launch terms of 2017.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stresslab.errors import require
from stresslab.venues.inputs import FloatArray, direction, finite, not_negative, positive


class Band(NamedTuple):
    """Quote currency; both ends allowed."""

    low: FloatArray
    high: FloatArray


def around(reference: ArrayLike, up: ArrayLike = 0.05, down: ArrayLike | None = None) -> Band:
    """Around the mark, as fractions; `down` is `up` if not given."""
    centre, above = positive("reference", reference), not_negative("up", up)
    below = above if down is None else not_negative("down", down)
    return Band(centre * (1 - below), centre * (1 + above))


def index_band(index: ArrayLike, premium: ArrayLike, y: ArrayLike, z: ArrayLike) -> Band:
    """OKX after the first ten minutes. BTC, ETH 2022: y 2 %, z 5 %; swaps of 2020: y 1 %, z 2 %."""
    idx, gap = positive("index", index), finite("premium", premium)
    soft, hard = not_negative("y", y), not_negative("z", z)
    high = np.minimum(np.maximum(idx, idx * (1 + soft) + gap), idx * (1 + hard))
    low = np.maximum(np.minimum(idx, idx * (1 - soft) + gap), idx * (1 - hard))
    return Band(low, high)


def mark_band(
    mark: ArrayLike, index: ArrayLike, premium: ArrayLike, x: ArrayLike, y: ArrayLike, a: float = 1.0
) -> Band:
    """Bybit: BTCUSDT x 1 %, y 2 %, `a` 1 unless the venue changes it. With premium 0: the formula of 2025-01-02."""
    ref, idx, gap = positive("mark", mark), positive("index", index), finite("premium", premium)
    soft, hard, weight = not_negative("x", x), not_negative("y", y), not_negative("a", a)
    high = np.minimum(ref * (1 + hard), np.maximum(idx, ref * (1 + soft) + weight * np.maximum(gap, 0.0)))
    low = np.maximum(ref * (1 - hard), np.minimum(idx, ref * (1 - soft) + weight * np.minimum(gap, 0.0)))
    return Band(low, high)


def accepts(side: Any, price: ArrayLike, band: Band | None) -> NDArray[np.bool_]:
    """Whether a limit order may rest: a buy ("long") not above the band, a sell ("short") not below it.

    A band of None, the answer of a rulebook without one, bounds nothing.
    """
    at, (low, high) = finite("price", price), _bounds(band)
    return np.where(direction(side) > 0, at <= high, at >= low)


def worst_fill(side: Any, price: ArrayLike, band: Band | None) -> FloatArray:
    """The price bounded by the band: how far a market order may fill (Binance's take bound: 5 % of the mark)."""
    at, (low, high) = finite("price", price), _bounds(band)
    return np.where(direction(side) > 0, np.minimum(at, high), np.maximum(at, low))[()]


def stop_may_trigger(last: ArrayLike, mark: ArrayLike, protection: ArrayLike = 0.05) -> NDArray[np.bool_]:
    """Whether a stop on the last price triggers: not while last is further than that from the mark (Binance)."""
    reference = positive("mark", mark)
    return np.abs(positive("last", last) - reference) <= not_negative("protection", protection) * reference


def session_level(price: ArrayLike, settlement: ArrayLike, limits: ArrayLike = (0.07, 0.13, 0.2)) -> NDArray[np.int64]:
    """How many of the limits a move from the settlement has reached; a pause of two minutes at each but the last."""
    steps = positive("limits", limits)
    require(steps.ndim == 1 and bool(np.all(np.diff(steps) > 0)), "must rise", key="limits", got=limits)
    moved = np.abs(positive("price", price) / positive("settlement", settlement) - 1)
    reached = moved[..., None] >= steps * (1 - 1e-12)  # a price exactly on a limit has reached it
    return reached.sum(axis=-1).astype(np.int64)


def session_band(settlement: ArrayLike, limits: ArrayLike = (0.07, 0.13, 0.2)) -> Band:
    """Prices beyond the hard limit, the last one, are not traded that day."""
    return around(settlement, positive("limits", limits)[..., -1])


def _bounds(band: Band | None) -> Band:
    require(band is None or isinstance(band, Band), "must be a Band, or None", key="band", got=band)
    return Band(np.array(-np.inf), np.array(np.inf)) if band is None else band
