"""Black-76 in closed form: against the calibration's price, finite differences in high precision, QuantLib."""

from itertools import product
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from stresslab.calibrate import black as by_erfcx
from stresslab.options import black

EVERY = product((0.8, 1.0, 1.3), (0.7, 1.0, 1.25), (0.2, 0.9), (0.01, 0.5), (True, False))
FORWARD, STRIKE, SIGMA, TAU, CALL = (np.array(one) for one in zip(*EVERY, strict=True))


def moved(**by: float) -> Any:
    """Greeks at arguments moved by so much."""
    forward, sigma, tau = FORWARD + by.get("forward", 0), SIGMA + by.get("sigma", 0), TAU + by.get("tau", 0)
    return black.greeks(forward, STRIKE, sigma, tau, CALL)


def test_value_is_that_of_the_calibration() -> None:
    """The calibration's form goes by erfcx; the two agree to float64 rounding of the forward."""
    mine = black.value(FORWARD, STRIKE, SIGMA, TAU, CALL)
    np.testing.assert_allclose(mine, by_erfcx.price(FORWARD, STRIKE, SIGMA, TAU, CALL), atol=1e-15)
    assert np.abs(mine - by_erfcx.price(FORWARD, STRIKE, SIGMA * 1.001, TAU, CALL)).max() > 1e-5


@pytest.mark.parametrize(
    ("name", "of", "by", "sign"),
    [
        ("delta", "value", "forward", 1),
        ("gamma", "delta", "forward", 1),
        ("vega", "value", "sigma", 1),
        ("theta", "value", "tau", -1),
        ("vanna", "delta", "sigma", 1),
        ("volga", "vega", "sigma", 1),
        ("charm", "delta", "tau", -1),
    ],
)
def test_derivatives_are_finite_differences(name: str, of: str, by: str, sign: int) -> None:
    """Central differences with steps of 1e-4 (of tau 1e-5): their own error is below 3e-3 of the largest value."""
    step = 1e-5 if by == "tau" else 1e-4
    slope = sign * (getattr(moved(**{by: step}), of) - getattr(moved(**{by: -step}), of)) / (2 * step)
    exact = getattr(moved(), name)
    np.testing.assert_allclose(exact, slope, atol=3e-4 * np.abs(exact).max())
    assert np.abs(1.01 * exact - slope).max() > 3e-3 * np.abs(exact).max()


def test_settled_in_coin_derivatives_are_those_of_the_quotient() -> None:
    """Against finite differences of V / F, each by the same step as above."""

    def coin(**by: float) -> Any:
        return black.in_coin(moved(**by), FORWARD + by.get("forward", 0))

    found, step = coin(), 1e-4
    np.testing.assert_allclose(found.value, moved().value / FORWARD, rtol=1e-14)
    for name, of, by, sign, width in (
        ("delta", "value", "forward", 1, step),
        ("gamma", "delta", "forward", 1, step),
        ("vega", "value", "sigma", 1, step),
        ("vanna", "delta", "sigma", 1, step),
        ("volga", "vega", "sigma", 1, step),
        ("theta", "value", "tau", -1, 1e-5),
        ("charm", "delta", "tau", -1, 1e-5),
    ):
        slope = sign * (getattr(coin(**{by: width}), of) - getattr(coin(**{by: -width}), of)) / (2 * width)
        exact = getattr(found, name)
        np.testing.assert_allclose(exact, slope, atol=3e-4 * np.abs(exact).max(), err_msg=name)


def test_calls_less_puts_are_the_forward_less_the_strike() -> None:
    call, put = (black.greeks(FORWARD, STRIKE, SIGMA, TAU, np.full(CALL.shape, one)) for one in (True, False))
    np.testing.assert_allclose(call.value - put.value, FORWARD - STRIKE, atol=1e-15)
    np.testing.assert_allclose(call.delta - put.delta, 1.0, atol=1e-15)
    for name in ("gamma", "vega", "theta", "vanna", "volga", "charm"):
        np.testing.assert_array_equal(getattr(call, name), getattr(put, name))


@pytest.mark.parametrize("sigma", [0.05, 1.0, 4.0])
def test_float32_is_safe_at_short_times_and_far_strikes(sigma: float) -> None:
    """From a second to a year, strikes from a tenth to ten times: finite, and within 3 float32 ulps of the larger of
    forward and strike.
    """
    tau, strike = np.meshgrid([0.0, 3e-8, 1e-5, 1e-3, 0.1, 1.0], [0.1, 0.5, 0.999, 1.0, 1.001, 2.0, 10.0])
    for call in (True, False):
        single = (
            jnp.asarray(one, jnp.float32) for one in (np.ones_like(strike), strike, np.full_like(strike, sigma), tau)
        )
        found = black.greeks(*single, jnp.full(strike.shape, call))
        exact = black.greeks(
            np.ones_like(strike), np.float64(np.float32(strike)), sigma, np.float64(np.float32(tau)), call
        )
        for name in black.Greeks._fields:
            own = np.asarray(getattr(found, name))
            assert own.dtype == np.float32 and np.isfinite(own).all(), name
        error = np.abs(found.value - exact.value) / np.maximum(1.0, strike)
        assert error.max() < 3 * 2**-23
        assert np.abs(found.delta - exact.delta).max() < 2e-5 / min(1.0, np.sqrt(sigma))
    assert (black.value(1.0, strike, sigma * 1.1, tau, True) - exact.value).max() > 3 * 2**-23


def test_at_expiry_the_payoff_is_left() -> None:
    strike = np.array([0.9, 1.1])
    found = black.greeks(1.0, strike, 0.8, 0.0, np.array([True, True]))
    np.testing.assert_allclose(found.value, [0.1, 0.0], atol=1e-16)
    np.testing.assert_array_equal(found.delta, [1.0, 0.0])
    for name in ("gamma", "vega", "theta", "vanna", "volga", "charm"):
        np.testing.assert_array_equal(getattr(found, name), [0.0, 0.0])


def test_values_and_derivatives_are_quantlibs() -> None:
    """QuantLib's BlackCalculator, to 1e-12 of value, delta, gamma, vega and theta by time."""
    ql = pytest.importorskip("QuantLib", reason="needs QuantLib")
    found = black.greeks(FORWARD, STRIKE, SIGMA, TAU, CALL)
    for n in range(len(FORWARD)):
        payoff = ql.PlainVanillaPayoff(ql.Option.Call if CALL[n] else ql.Option.Put, float(STRIKE[n]))
        deviation = float(SIGMA[n] * np.sqrt(TAU[n]))
        theirs = ql.BlackCalculator(payoff, float(FORWARD[n]), deviation)
        forward, tau = float(FORWARD[n]), float(TAU[n])
        numbers = theirs.value(), theirs.deltaForward(), theirs.gammaForward(), theirs.vega(tau)
        np.testing.assert_allclose([found.value[n], found.delta[n], found.gamma[n], found.vega[n]], numbers, atol=1e-12)
        assert found.theta[n] == pytest.approx(theirs.theta(forward, tau), abs=1e-11)
