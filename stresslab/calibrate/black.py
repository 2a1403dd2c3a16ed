"""Black (1976): undiscounted European prices on a forward, their vega and the implied volatility.

    call = F N(d1) - K N(d2),        d1,2 = log(F/K) / s +- s / 2,        s = sigma sqrt(t)

Out of the money, with x = -|log(F/K)|, h = x / s and q = s / 2, both options are

    sqrt(F K) / 2 exp(-(h^2 + q^2) / 2) (erfcx(-(h + q) / sqrt 2) - erfcx(-(h - q) / sqrt 2))

which keeps its digits where the price is small; in the money the intrinsic value is added. Volatilities per square
root of a year, t in years. Jaeckel (2015), "Let's be rational", equation 2.1 and section 3.
"""

import numpy as np
from scipy.special import erfcx

Real = float | np.ndarray
Flags = bool | np.ndarray

LOW, HIGH = 1e-8, 30.0  # deviations s = sigma sqrt(t) between which the implied one is looked for
ITERATIONS, PRECISION = 100, 1e-14  # bisection alone needs 60 for 1e-14 of the logarithm of s
ROUNDING = 1e-14  # a price nearer to its upper bound, relatively, says nothing of the volatility


def price(forward: Real, strike: Real, sigma: Real, t: Real, call: Flags) -> np.ndarray:
    """Prices of calls and puts (`call` says which); all arguments broadcast."""
    out = np.sqrt(forward * strike) * _out_of_the_money(_distance(forward, strike), sigma * np.sqrt(t))
    return out + intrinsic(forward, strike, call)


def vega(forward: Real, strike: Real, sigma: Real, t: Real) -> np.ndarray:
    """Derivative of the price by the volatility, the same for call and put."""
    return np.sqrt(t * forward * strike) * _slope(_distance(forward, strike), sigma * np.sqrt(t))


def intrinsic(forward: Real, strike: Real, call: Flags) -> np.ndarray:
    """The value at zero volatility: the lower bound of the price. The upper one is the forward (call), or strike."""
    return np.maximum(np.where(call, forward - strike, strike - forward), 0.0)


def implied_volatility(price: Real, forward: Real, strike: Real, t: Real, call: Flags) -> np.ndarray:
    """The volatility that gives the price; NaN where there is none."""
    price, forward, strike, t, call = np.broadcast_arrays(price, forward, strike, t, call)
    x = _distance(forward, strike)
    target = (price - intrinsic(forward, strike, call)) / np.sqrt(forward * strike)
    valid = (target > _out_of_the_money(x, np.full(x.shape, LOW))) & (target < np.exp(x / 2) * (1 - ROUNDING))
    deviation = np.full(target.shape, np.nan)
    deviation[valid] = _deviation(target[valid], x[valid])
    return deviation / np.sqrt(t)


def _deviation(target: np.ndarray, x: np.ndarray) -> np.ndarray:
    """By Newton on the logarithm of the price (below the inflexion at s^2 = -2 x), or of what it lacks to its upper
    bound (above), each by log s; a step that leaves the bracket is replaced by bisection.
    """
    most, inflexion = np.exp(x / 2), np.clip(np.sqrt(-2 * x), LOW, HIGH)
    below = target < _out_of_the_money(x, inflexion)
    low, high = np.full(x.shape, np.log(LOW)), np.full(x.shape, np.log(HIGH))
    start = np.maximum(np.log(np.maximum(inflexion, target)), low)
    for _ in range(ITERATIONS):
        value, slope = _out_of_the_money(x, np.exp(start)), _slope(x, np.exp(start))
        low, high = np.where(value <= target, start, low), np.where(value >= target, start, high)
        with np.errstate(all="ignore"):  # a price or slope of 0: the step is not finite, and bisection steps in
            near = np.log(value / target) * value / slope
            far = np.log((most - target) / (most - value)) * (most - value) / slope
            guess = start - np.where(below, near, far) * np.exp(-start)
        inside = (guess > low) & (guess < high)
        moved = np.where(inside, guess, (low + high) / 2)
        if np.all((np.abs(moved - start) < PRECISION) | (high - low < PRECISION)):
            break
        start = moved
    return np.exp(moved)


def _distance(forward: Real, strike: Real) -> np.ndarray:
    return -np.abs(np.log(forward / strike))


def _out_of_the_money(x: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """Price over sqrt(F K) of the option out of the money."""
    h, q = x / deviation, deviation / 2
    tails = erfcx(-(h + q) / np.sqrt(2)) - erfcx(-(h - q) / np.sqrt(2))
    return np.exp(-(h * h + q * q) / 2) / 2 * tails


def _slope(x: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """Derivative of `_out_of_the_money` by the deviation."""
    h, q = x / deviation, deviation / 2
    return np.exp(-(h * h + q * q) / 2) / np.sqrt(2 * np.pi)
