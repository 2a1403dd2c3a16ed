"""The fractional kernel, its sum of exponentials and the moments of one step: float64, against other formulas."""

import numpy as np
import pytest
from scipy import integrate
from scipy.special import erfcx, gamma

from stresslab.models import kernel_lift

HOUR = 1 / 8760
TIMES = np.geomspace(1e-6, 5, 40)


@pytest.mark.parametrize("rate", [0.3, 1.0, 10.0, 100.0])
def test_mittag_leffler_where_it_has_another_name(rate):
    """E_{1/2}(-z) = exp(z^2) erfc(z), E_1(-z) = exp(-z)."""
    nearly_half = 0.5 + 1e-9
    np.testing.assert_allclose(
        kernel_lift.relaxation(TIMES, nearly_half, rate), erfcx(rate * np.sqrt(TIMES)), rtol=1e-7
    )
    np.testing.assert_allclose(kernel_lift.kernel(TIMES, 1.0, rate), np.exp(-rate * TIMES), rtol=1e-11)


@pytest.mark.parametrize("rate", [0.0, 0.5, 20.0])
@pytest.mark.parametrize("a", [0.55, 0.6, 0.8, 0.99])
def test_the_kernel_is_the_fall_of_the_relaxation(a, rate):
    """1 - lambda int_0^t K = E_a(-lambda t^a), K integrated numerically in t^a."""
    for t in (1e-3, 0.1, 2.0):
        whole, _ = integrate.quad(
            lambda y: float(kernel_lift.kernel(y ** (1 / a), a, rate)) * y ** (1 / a - 1) / a, 0, t**a, epsrel=1e-11
        )
        assert 1 - rate * whole == pytest.approx(float(kernel_lift.relaxation(t, a, rate)), abs=1e-8)
        if rate == 0:
            assert whole == pytest.approx(t**a / gamma(a + 1), rel=1e-9)


@pytest.mark.parametrize("rate", [0.0, 1.0, 10.0])
@pytest.mark.parametrize("hours, worst", [(1 / 60, 0.03), (0.25, 0.012), (4, 0.004)])
@pytest.mark.parametrize("hurst", [0.05, 0.1, 0.3])
def test_error_of_the_lift(hurst, hours, worst, rate):
    """The largest error between an eighth of a step and three years: 3 % at a minute, 0.4 % at 4 hours."""
    first = kernel_lift.YOUNGEST * hours * HOUR
    found = kernel_lift.lift(hurst + 0.5, rate, first, kernel_lift.LAST)
    assert found.error < worst
    lags = np.geomspace(first, kernel_lift.LAST, 1000)
    exact = kernel_lift.kernel(lags, hurst + 0.5, rate)
    errors = np.exp(-np.outer(lags, found.rates)) @ found.weights - exact
    assert np.abs(errors / kernel_lift.kernel(lags, hurst + 0.5, 0.0)).max() < 1.1 * found.error + 1e-4
    # it alternates: in the integral of the kernel it cancels, but where lambda cuts its tail off
    assert abs(np.sum(errors * lags)) < (0.004 if rate < 10 else 0.03) * np.sum(exact * lags)


def test_the_error_falls_with_the_number_of_factors():
    """H = 0.07, from an hour to three years: a third each time that two factors are added."""
    errors = [kernel_lift.lift(0.57, 0.0, HOUR, 3.0, factors).error for factors in (4, 6, 8, 10, 12)]
    assert all(after < before / 2 for before, after in zip(errors, errors[1:], strict=False))
    assert errors[0] > 0.08
    assert errors[3] < 0.004


def test_what_is_left_of_the_first_variance():
    for rate in (0.0, 1.0, 10.0):
        weights, rates = kernel_lift.relaxation_lift(0.6, rate, HOUR, 3.0)
        times = np.geomspace(HOUR, 3.0, 500)
        np.testing.assert_allclose(
            np.exp(-np.outer(times, rates)) @ weights, kernel_lift.relaxation(times, 0.6, rate), atol=2e-5
        )


@pytest.mark.parametrize("rate", [0.0, 5.0])
@pytest.mark.parametrize("a", [0.55, 0.6, 0.9])
def test_moments_of_a_step(a, rate):
    """Against integrals of the kernel; all in y = t^(2a-1), which takes the singularity of its square away."""
    dt, rates = 4 * HOUR, np.array([0.5, 300.0, 9000.0])
    step = kernel_lift.of_step(a, rate, dt, rates)
    power = 2 * a - 1

    def of(f):
        whole, _ = integrate.quad(
            lambda y: f(y ** (1 / power)) * y ** (1 / power - 1) / power, 0, dt**power, epsabs=0, epsrel=1e-9, limit=400
        )
        return whole

    def kernel(t):
        return float(kernel_lift.kernel(t, a, rate)) if t > 0 else 0.0

    level, square = of(kernel), of(lambda t: kernel(t) ** 2)
    assert step.level == pytest.approx(level, rel=1e-5)
    assert step.square == pytest.approx(square, rel=1e-5)
    assert step.area == pytest.approx(of(lambda t: (dt - t) * kernel(t)), rel=1e-5)
    assert step.rest == pytest.approx(square - level**2 / dt, rel=1e-4)
    on_increment = np.array([of(lambda t, x=x: np.exp(-x * t)) for x in rates]) / dt
    with_own = np.array([of(lambda t, x=x: np.exp(-x * t) * kernel(t)) for x in rates])
    np.testing.assert_allclose(step.on_increment, on_increment, rtol=1e-6)
    np.testing.assert_allclose(step.on_rest, (with_own - on_increment * level) / step.rest, rtol=2e-3, atol=1e-7)
