"""Where equity meets the requirement: the prices between which an account is safe, in closed form.

In the coordinate x in which PnL is linear (x = P for linear and quanto contracts, 1 / P for inverse ones)

    E(x) = intercept + slope x          R(x) = max_i (square_i x^2 + rate_i x - amount_i)

so E - R is concave, and the safe x are one interval: the intersection of those of every line i. `square` is above 0
only where the rate itself grows with the notional (Deribit's inverse contracts). Everything is elementwise; the lines i
are the last axis of `rate`, `amount` and `square`. Checked against bisection in tests/venues/test_trigger.py.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stresslab.venues.inputs import FloatArray
from stresslab.venues.margin_kernel import line_crossing


class Safe(NamedTuple):
    """An open interval of x; low >= high where no x is safe."""

    low: FloatArray  # at least 0
    high: FloatArray  # infinite where nothing bounds it


class FlatTiers(NamedTuple):
    """Rates on the whole position, for sizes in (floor, cap]: arrays of shape (tier,), fees included in the rate."""

    floor: FloatArray
    cap: FloatArray
    rate: FloatArray


def safe_interval(
    slope: FloatArray, intercept: FloatArray, rate: FloatArray, amount: FloatArray, square: FloatArray
) -> Safe:
    """The x above 0 at which equity is above every line of the requirement.

    Each line leaves -square_i x^2 + m x + k > 0 with m = slope - rate_i and k = intercept + amount_i. The root that
    would cancel is taken from the product of the two, so that square = 0 is its own limit.
    """
    top, bottom = line_crossing(slope[..., None], intercept[..., None], rate, amount)
    m, k, a = np.broadcast_arrays(bottom, -top, square)
    discriminant = m * m + 4 * a * k
    spread = np.abs(m) + np.sqrt(np.maximum(discriminant, 0.0))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        near, far = 2 * k / spread, spread / (2 * a)  # far is infinite where a is 0, or next to it
    low = np.where(m >= 0, -near, -far)
    high = np.where(m >= 0, far, near)
    low, high = np.where(spread > 0, low, -np.inf), np.where(spread > 0, high, np.inf)  # no x in it: m = a = 0
    never = (discriminant < 0) | ((spread == 0) & (k <= 0))
    low, high = np.where(never, np.inf, low), np.where(never, -np.inf, high)
    return Safe(np.maximum(low.max(axis=-1), 0.0), high.min(axis=-1))


def adverse_end(falling: NDArray[np.bool_], safe: Safe) -> FloatArray:
    """The end that is met when x moves against the position: the low one where `falling` x hurts, else the high one.

    0 where falling x never hurts enough. Where no x is safe: infinite for falling, 0 for rising, so that the trigger
    "x at or beyond it" holds everywhere.
    """
    empty = safe.low >= safe.high
    end = np.where(falling, np.where(empty, np.inf, safe.low), np.where(empty, 0.0, safe.high))
    return np.maximum(end, 0.0)


def first_on_the_way(
    falling: NDArray[np.bool_], unit: FloatArray, start: FloatArray, intercept: FloatArray, tiers: FlatTiers
) -> FloatArray:
    """The first x that triggers as the notional moves from `start` against the position, through FLAT tiers.

    The requirement N rate_i jumps at the caps, so E - R has several zeros, and a rising notional may trigger exactly at
    a cap. E = intercept + sign N with N = unit x meets N rate_i at N_i = -intercept / (sign - rate_i).

        rising   from the start's tier up: the first i with N_i <= cap_i gives max(N_i, floor_i)
        falling  from the start's tier down: the first i with N_i > floor_i gives N_i, which is not above cap_i

    and N_i itself in the tier of the start.
    """
    falling, unit, start, intercept = np.broadcast_arrays(falling, unit, start, intercept)
    sign = np.where(falling, 1.0, -1.0)
    crossing = -intercept[..., None] / (sign[..., None] - tiers.rate)
    number = np.searchsorted(tiers.cap, start, side="left")[..., None]
    tier = np.arange(tiers.cap.size)
    up = (tier >= number) & (crossing <= tiers.cap)
    down = (tier <= number) & (crossing > tiers.floor)
    first = np.where(falling, tier.size - 1 - down[..., ::-1].argmax(axis=-1), up.argmax(axis=-1))[..., None]
    last = np.broadcast_to(tier.size - 1, first.shape)  # nothing is hit below the last cap: it goes on above it
    first = np.where(falling[..., None] | up.any(axis=-1, keepdims=True), first, last)
    hit = np.take_along_axis(crossing, first, axis=-1)
    at_cap = ~falling[..., None] & (first != number)
    notional = np.where(at_cap, np.maximum(hit, tiers.floor[first]), hit)[..., 0]
    safe = falling & ~down.any(axis=-1)
    return np.where(safe, 0.0, np.maximum(notional, 0.0)) / unit
