import numpy as np
import pytest

from stresslab.calibrate import black

N = 20_000


@pytest.fixture(scope="module")
def options():
    """Random options up to 6 deviations from the money, seed 1: forward, strike, sigma, t, call."""
    rng = np.random.default_rng(1)
    sigma, t = np.exp(rng.uniform(np.log(0.02), np.log(4), N)), np.exp(rng.uniform(np.log(1e-4), np.log(5), N))
    forward = np.exp(rng.uniform(-5, 12, N))
    strike = forward * np.exp(rng.uniform(-6, 6, N) * sigma * np.sqrt(t))
    return forward, strike, sigma, t, rng.random(N) < 0.5


def exact(forward, strike, sigma, t, call):
    """Black's formula in 40 digits."""
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(40):
        f, k, s = (mpmath.mpf(float(x)) for x in (forward, strike, sigma))
        s *= mpmath.sqrt(mpmath.mpf(float(t)))
        d1 = mpmath.log(f / k) / s + s / 2
        sign = 1 if call else -1
        return float(sign * (f * mpmath.ncdf(sign * d1) - k * mpmath.ncdf(sign * (d1 - s))))


def test_prices_keep_their_digits(options):
    """Relative 1e-12 out of the money down to 1e-12 of the forward, by the formula in 40 digits."""
    forward, strike, sigma, t, call = options
    out = (forward < strike) == call
    for row in np.flatnonzero(out)[:300]:
        one = [x[row] for x in options]
        assert black.price(*one) == pytest.approx(exact(*one), rel=1e-11, abs=1e-300)


def test_parity(options):
    forward, strike, sigma, t, _ = options
    call, put = (black.price(forward, strike, sigma, t, side) for side in (True, False))
    np.testing.assert_allclose(call - put, forward - strike, rtol=1e-12, atol=1e-12 * np.maximum(forward, strike).max())


def test_implied_volatility_is_the_inverse(options):
    """Out of the money to 1e-9; in the money to what is left of the digits of the price after the intrinsic value."""
    forward, strike, sigma, t, call = options
    price = black.price(forward, strike, sigma, t, call)
    found = black.implied_volatility(price, forward, strike, t, call)
    out = (forward < strike) == call
    np.testing.assert_allclose(found[out], sigma[out], rtol=1e-9)
    known = 1e-14 * price / (black.vega(forward, strike, sigma, t) * sigma)  # relative error that rounding explains
    inside = ~out & (known < 0.01)
    assert inside.sum() > N / 4
    assert np.all(np.abs(found / sigma - 1)[inside] < 20 * known[inside] + 1e-9)


def test_vega_is_the_derivative(options):
    out = (options[0] < options[1]) == options[4]
    forward, strike, sigma, t, call = (x[out] for x in options)
    h = 1e-4 * sigma
    above, below = (black.price(forward, strike, sigma + side * h, t, call) for side in (1, -1))
    slope, scale = (above - below) / (2 * h), forward * np.sqrt(t)
    np.testing.assert_allclose(slope / scale, black.vega(forward, strike, sigma, t) / scale, atol=1e-6)


@pytest.mark.parametrize(
    ("price", "strike", "call"),
    [(9.9, 90.0, True), (0.0, 110.0, True), (-1.0, 110.0, True), (100.0, 110.0, True), (90.0, 90.0, False)],
)
def test_prices_outside_the_bounds_imply_nothing(price, strike, call):
    assert np.isnan(black.implied_volatility(price, 100.0, strike, 0.1, call))


def test_huge_and_tiny_volatilities():
    sigma = np.array([1e-3, 1e-2, 5.0, 10.0])
    price = black.price(100.0, 100.0, sigma, 1.0, True)
    np.testing.assert_allclose(black.implied_volatility(price, 100.0, 100.0, 1.0, True), sigma, rtol=1e-9)
