import numpy as np
import pytest
from scipy import integrate
from scipy.stats import norm

from stresslab.calibrate.mixture import Jumps, cdf, log_density, log_probability_within, quantile
from stresslab.models import Merton
from stresslab.numerics import fourier_cdf

LAW = Jumps(sigma=0.5, intensity=200.0, mean=-0.01, std=0.03)
DAY = 1 / 365


def density(x):
    return float(np.exp(log_density(np.array([x]), LAW, DAY))[0])


def test_density_is_the_slope_of_the_distribution_function_and_sums_to_one():
    for x in (-0.2, -0.03, 0.0, 0.05):
        slope = (cdf(x + 1e-5, LAW, DAY) - cdf(x - 1e-5, LAW, DAY)) / 2e-5
        assert density(x) == pytest.approx(slope, rel=1e-6)
    assert integrate.quad(density, -1, 1, points=[0], epsabs=1e-12)[0] == pytest.approx(1, abs=1e-10)
    assert integrate.quad(lambda x: np.exp(x) * density(x), -1, 1, points=[0])[0] == pytest.approx(
        1, abs=1e-9
    )  # martingale


@pytest.mark.parametrize("x", [-0.15, -0.05, 0.0, 0.08])
def test_law_is_that_of_the_model(x):
    """The characteristic function of stresslab.models.Merton, inverted: an independent formula for the same law."""
    model = Merton(sigma=0.5, jump_intensity=200.0, jump_mean=-0.01, jump_std=0.03)
    truth = fourier_cdf(lambda u: model.characteristic_function(u, DAY), x)
    assert cdf(x, LAW, DAY) == pytest.approx(truth, abs=1e-8)
    assert abs(cdf(x, LAW._replace(intensity=202.0), DAY) - truth) > 1e-5  # the twin: 1 % more jumps


def test_within_keeps_its_digits():
    bound = 0.1
    assert log_probability_within(bound, LAW, DAY) == pytest.approx(
        np.log(cdf(bound, LAW, DAY) - cdf(-bound, LAW, DAY))
    )
    calm = Jumps(sigma=0.5, intensity=0.0, mean=0.0, std=0.01)
    deviation, drift = 0.5 * np.sqrt(DAY), -0.125 * DAY
    tails = norm.sf((0.25 - drift) / deviation) + norm.cdf((-0.25 - drift) / deviation)
    assert log_probability_within(0.25, calm, DAY) == pytest.approx(-tails, rel=1e-10)  # about 1e-21: lost in 1 - cdf


def test_quantile_inverts_the_distribution_function():
    for probability in (0.001, 0.5, 0.99):
        assert cdf(quantile(probability, LAW, DAY), LAW, DAY) == pytest.approx(probability, rel=1e-6)
