"""Black (1976): European options on a forward, their value and derivatives in closed form, undiscounted.

    call = F N(d1) - K N(d2),  put = K N(-d2) - F N(-d1),  d1,2 = log(F/K) / s +- s / 2,  s = sigma sqrt(tau)

Volatilities per square root of a year, tau in years. Every derivative holds sigma fixed for the option (the smile does
not move with the price): delta by F, vega by sigma (per 1.00), theta and charm by calendar time (per year). At tau = 0
the value is the payoff, delta is its slope and everything else is 0.

Safe in float32: the value is the intrinsic one plus that of the option out of the money, whose two terms are both small
where it is small; nothing is divided by s before it is bounded below. NumPy arrays give NumPy (float64), JAX arrays
give JAX. An option settled in coin is worth V / F coins (`in_coin`). Haug (2007), The Complete Guide to Option Pricing
Formulas, chapter 2.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr as jax_ndtr
from scipy.special import ndtr as numpy_ndtr

SMALLEST = 1e-12  # of s: below it the option is at its payoff
FARTHEST = 40.0  # deviations: N and its density are 0 or 1 beyond, in both precisions
ROOT_TWO_PI = float(np.sqrt(2 * np.pi))


class Greeks(NamedTuple):
    """Value and derivatives of an option, or of a book of them."""

    value: Any
    delta: Any
    gamma: Any
    vega: Any
    theta: Any
    vanna: Any
    volga: Any
    charm: Any


def value(forward: Any, strike: Any, sigma: Any, tau: Any, call: Any) -> Any:
    """Price in the currency of the forward; all arguments broadcast, `call` is True for a call."""
    xp, ndtr = _maths(forward, strike, sigma, tau)
    x, s = _distance(xp, forward, strike), _deviation(xp, sigma, tau)
    up = -xp.abs(x)  # the option out of the money: that on the other side of the strike
    larger, smaller = xp.maximum(forward, strike), xp.minimum(forward, strike)
    d_first, d_second = _bounded(xp, up / s + s / 2), _bounded(xp, up / s - s / 2)
    out_of_the_money = xp.maximum(smaller * ndtr(d_first) - larger * ndtr(d_second), 0.0)
    return intrinsic(forward, strike, call) + out_of_the_money


def intrinsic(forward: Any, strike: Any, call: Any) -> Any:
    """The payoff at expiry."""
    xp, _ = _maths(forward, strike)
    return xp.maximum(xp.where(call, forward - strike, strike - forward), 0.0)


def greeks(forward: Any, strike: Any, sigma: Any, tau: Any, call: Any) -> Greeks:
    """Value and derivatives in the currency of the forward."""
    xp, ndtr = _maths(forward, strike, sigma, tau)
    s = _deviation(xp, sigma, tau)
    ratio = _distance(xp, forward, strike) / s
    d1, d2 = _bounded(xp, ratio + s / 2), _bounded(xp, ratio - s / 2)
    expired = sigma * xp.sqrt(tau) <= SMALLEST
    density = xp.where(expired, 0.0, xp.exp(-d1 * d1 / 2) / ROOT_TWO_PI)
    root, sigma, tau = (xp.where(expired, 1.0, one) for one in (xp.sqrt(tau), sigma, tau))
    vega = forward * density * root
    return Greeks(
        value=value(forward, strike, sigma, xp.where(expired, 0.0, tau), call),
        delta=ndtr(d1) - xp.where(call, 0.0, 1.0),
        gamma=density / (forward * sigma * root),
        vega=vega,
        theta=-vega * sigma / (2 * tau),
        vanna=-density * d2 / sigma,
        volga=vega * d1 * d2 / sigma,
        charm=density * d2 / (2 * tau),
    )


def in_coin(quote: Greeks, forward: Any) -> Greeks:
    """The same of the option settled in coin, V / F coins: derivatives of that quotient."""
    value, vega, theta = quote.value / forward, quote.vega / forward, quote.theta / forward
    delta = (quote.delta - value) / forward
    return Greeks(
        value=value,
        delta=delta,
        gamma=(quote.gamma - 2 * delta) / forward,
        vega=vega,
        theta=theta,
        vanna=(quote.vanna - vega) / forward,
        volga=quote.volga / forward,
        charm=(quote.charm - theta) / forward,
    )


def _maths(*given: Any) -> tuple[Any, Any]:
    """NumPy's functions, or JAX's where any argument is of JAX."""
    if any(isinstance(one, jax.Array) for one in given):
        return jnp, jax_ndtr
    return np, numpy_ndtr


def _distance(xp: Any, forward: Any, strike: Any) -> Any:
    return xp.log(forward / strike)


def _deviation(xp: Any, sigma: Any, tau: Any) -> Any:
    return xp.maximum(sigma * xp.sqrt(tau), SMALLEST)


def _bounded(xp: Any, d: Any) -> Any:
    return xp.clip(d, -FARTHEST, FARTHEST)
