"""Residual diagnostics: against statsmodels where it is there, sizes under the null, and the words."""

import numpy as np
import pytest

from stresslab.calibrate.diagnostics import LAGS, autocorrelations, diagnose, ljung_box

N = 5000


def clustered(rng, n=N):
    """GARCH(1, 1) noise, not standardised."""
    z, h, found = rng.standard_normal(n), 1.0, np.empty(n)
    for place in range(n):
        found[place] = np.sqrt(h) * z[place]
        h = 0.05 + 0.15 * found[place] ** 2 + 0.8 * h
    return found


def test_ljung_box_is_that_of_statsmodels():
    stattools = pytest.importorskip("statsmodels.stats.diagnostic")
    z = clustered(np.random.default_rng(1))
    for values in (z, z * z):
        expected = float(stattools.acorr_ljungbox(values, lags=[LAGS])["lb_pvalue"].iloc[0])
        assert ljung_box(autocorrelations(values), len(values)) == pytest.approx(expected, rel=1e-8, abs=1e-300)


def test_autocorrelations_are_the_naive_sum():
    x = np.random.default_rng(2).standard_normal(100)
    about = x - x.mean()
    naive = [sum(about[t] * about[t - k] for t in range(k, 100)) / sum(about**2) for k in (1, 5)]
    np.testing.assert_allclose(autocorrelations(x)[[0, 4]], naive, rtol=1e-12)
    assert (autocorrelations(np.ones(50)) == 0).all()


def test_independent_normals_are_rejected_as_often_as_they_should_be():
    """400 samples of 2,000, seed 3: p-values below 0.05 in 5 % of them, standard error 1.1 %."""
    rng = np.random.default_rng(3)
    found = [diagnose(rng.standard_normal(2000)) for _ in range(400)]
    for name in ("ljung_box_p", "ljung_box_squares_p", "jarque_bera_p", "kolmogorov_smirnov_p"):
        share = np.mean([getattr(one, name) < 0.05 for one in found])
        assert abs(share - 0.05) < 3.5 * 0.011, name


def test_what_is_wrong_is_found_and_said():
    rng = np.random.default_rng(4)
    z = rng.standard_normal(N)
    plain = " ".join(diagnose(z).words())
    assert "are not autocorrelated (" in plain and "no clustering of volatility is left" in plain
    assert "tails are those of the model" in plain and "distribution agrees" in plain
    moving = z[1:] + 0.3 * z[:-1]
    assert "residuals are autocorrelated, up to +0.2" in diagnose(moving / moving.std()).words()[0]
    said = diagnose(clustered(rng)).words()
    assert said[1].startswith("clustering of volatility is left over") and "p < 1e-6" in said[1]
    assert "tails are fatter than the model's" in said[2]
    assert "tails are thinner" in diagnose(rng.uniform(-1.7, 1.7, N)).words()[2]
    assert "does not agree" in diagnose(1.3 * z).words()[3] and "deviation 1.289" in diagnose(1.3 * z).words()[3]


def test_too_few_or_constant_residuals_have_no_diagnostics():
    assert diagnose(np.arange(10.0)) is None and diagnose(np.zeros(100)) is None
    holes = np.random.default_rng(5).standard_normal(100)
    holes[::7] = np.nan
    assert diagnose(holes).residuals == 85
