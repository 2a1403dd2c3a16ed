"""Funding as two chains compute it: dYdX v4 in integers and parts per million, Drift v2 from time-averaged prices.

    dYdX   largest 8 h rate = floor(factor * (IMF - MMF)), MMF = floor(IMF * fraction), all in ppm
           settlement = -(index now - index at the last settlement) * size, in ppm of quote quantums
    Drift  hourly, quote per base = clamp(mark TWAP - oracle TWAP + offset, +-oracle TWAP / k) / 24, k by contract tier

Sources: dydxprotocol/v4-chain protocol/x/perpetuals at 84d4664bae71 (2026-03-04); drift-labs/protocol-v2
programs/drift/src/math/funding.rs at 0ae3e3b1db78 (2026-04-01).
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from stresslab.errors import require
from stresslab.venues.inputs import FloatArray, finite, not_negative, positive

MILLION = 1_000_000
PERIODS_PER_DAY = 24.0
DRIFT_OFFSET = 1 / 5000  # of the oracle: what longs pay while the prices agree
DRIFT_DIVISORS = {"A": 33.0, "B": 33.0, "C": 20.0}  # the oracle's price over this; the other tiers have 10
DRIFT_OTHER_TIERS = 10.0


def funding_clamp_ppm(clamp_factor_ppm: Any, imf_ppm: Any, maintenance_fraction_ppm: Any) -> Any:
    """Largest absolute 8-hour rate in ppm: factor * (IMF - MMF), rounded down. Exact integers."""
    initial, fraction = _whole("imf_ppm", imf_ppm), _whole("maintenance_fraction_ppm", maintenance_fraction_ppm)
    room = initial - initial * fraction // MILLION
    return _whole("clamp_factor_ppm", clamp_factor_ppm) * room // MILLION


def funding_settlement(funding_index_now: Any, funding_index_at_last_settle: Any, size_quantums: Any) -> Any:
    """What a dYdX position receives since its last settlement, in ppm of quote quantums: exact integers of any size."""
    moved = _whole("funding_index_now", funding_index_now) - _whole(
        "funding_index_at_last_settle", funding_index_at_last_settle
    )
    return -moved * _whole("size_quantums", size_quantums)


def max_price_divergence(oracle_twap: ArrayLike, contract_tier: str) -> FloatArray:
    """Largest gap of Drift's averages that is paid for, quote currency: oracle / 33 (A, B), / 20 (C), / 10 (others)."""
    require(isinstance(contract_tier, str), 'must be a name such as "A"', key="contract_tier", got=contract_tier)
    return positive("oracle_twap", oracle_twap) / DRIFT_DIVISORS.get(contract_tier, DRIFT_OTHER_TIERS)


def drift_hourly_funding(
    mark_twap: ArrayLike,
    oracle_twap: ArrayLike,
    max_divergence: ArrayLike,
    offset: ArrayLike = DRIFT_OFFSET,
) -> FloatArray:
    """Quote currency that a long pays per base and hour.

    `max_divergence` is that of `max_price_divergence`; `offset` a fraction of the oracle. (Drift's own test of the
    clamp gives it a gap that has the offset already: offset 0.)
    """
    oracle, reach = positive("oracle_twap", oracle_twap), not_negative("max_divergence", max_divergence)
    gap = positive("mark_twap", mark_twap) - oracle + finite("offset", offset) * oracle
    return np.clip(gap, -reach, reach) / PERIODS_PER_DAY


def capped_to_pool(payment: ArrayLike, fee_pool: ArrayLike) -> FloatArray:
    """What Drift's pool pays the side that receives more than the other side pays: at most a third of its fees."""
    return np.minimum(not_negative("payment", payment), not_negative("fee_pool", fee_pool) / 3)


def _whole(key: str, value: Any) -> Any:
    """Python integers, which do not overflow; an array of them for an array."""
    try:
        given = np.asarray(value).astype(object)
    except ValueError:  # ragged sequences
        given = np.array(None)
    is_whole = all(isinstance(each, int) and not isinstance(each, bool) for each in given.flat)
    require(is_whole, "must be a whole number", key=key, got=value)
    return given[()]
