"""Innovations of a bar: tables against exact quantiles, laws against densities, and the same law for any steps."""

from functools import cache

import jax
import numpy as np
import pytest
from arch.univariate import SkewStudent
from helpers.statistics import assert_mean, assert_rejected, assert_variance
from scipy import integrate, stats
from scipy.special import ndtr

from stresslab.models import GARCH
from stresslab.models.innovations import (
    REACH,
    density,
    downside,
    innovation,
    kurtosis,
    look_up,
    mean_size,
    skewed_quantile,
)
from stresslab.paths import simulate

N = 1 << 16
H = 4e-4
SHAPES = {"normal": {}, "student_t": {"nu": 4.5}, "skewed_t": {"nu": 4.5, "skew": -0.3}}


def bar_model(law, **changes):
    """One bar of an hour with the variance H, whatever came before."""
    return GARCH(omega=H, alpha=0.0, beta=0.0, bar="1h", innovation=law, mean="zero_log", **{**SHAPES[law], **changes})


@cache
def returns(model, step, seed=1):
    """Standardised returns of one bar, n = 2^16, float64."""
    price = simulate(model, n_paths=N, horizon="1h", step=step, seed=seed).price.values
    return np.log(price[:, -1].astype(float)) / np.sqrt(H)


class TestTables:
    scores = np.random.default_rng(1).uniform(-6.2, 6.2, 20_000).astype(np.float32)

    def found(self, law, nu, skew=None):
        return np.asarray(jax.jit(look_up)(innovation(law, nu, skew).table, self.scores), float)

    @pytest.mark.parametrize("nu", [2.1, 3.0, 5.5, 40.0])
    def test_mixing(self, nu):
        """sqrt((nu - 2) / chi2) at the normal score: relative error below 2e-5, at 2^-33 of the tail too."""
        upper = self.scores.astype(float)
        chi2 = np.where(upper > 0, stats.chi2.ppf(ndtr(-np.abs(upper)), nu), stats.chi2.isf(ndtr(-np.abs(upper)), nu))
        exact = np.sqrt((nu - 2) / chi2)
        assert np.max(np.abs(self.found("student_t", nu) / exact - 1)) < 2e-5
        assert np.max(np.abs(self.found("student_t", nu * 1.001) / exact - 1)) > 2e-5  # the twin

    @pytest.mark.parametrize("nu, skew", [(2.1, 0.0), (3.0, -0.5), (5.5, 0.2), (40.0, -0.1)])
    def test_skewed(self, nu, skew):
        """Hansen's quantile: error below 2e-5 of its size, 2e-6 around 0."""
        exact = skewed_quantile(self.scores.astype(float), nu, skew)
        assert np.max(np.abs(self.found("skewed_t", nu, skew) - exact) / (np.abs(exact) + 0.1)) < 2e-5

    def test_skewed_quantile_is_that_of_arch(self):
        score = np.linspace(-4, 4, 81)
        theirs = SkewStudent().ppf(ndtr(score), [4.5, -0.3])
        np.testing.assert_allclose(skewed_quantile(score, 4.5, -0.3), theirs, rtol=1e-9, atol=1e-9)

    def test_reach(self):
        """No normal score lies beyond the table: the largest is 6.2."""
        assert REACH > 6.3


@pytest.mark.parametrize("law", SHAPES)
def test_moments_of_the_density(law):
    """Mass 1, mean 0, variance 1; and what is derived from it."""
    shape = (law, SHAPES[law].get("nu"), SHAPES[law].get("skew"))

    def moment(weight, upper=np.inf):
        parts = ((-np.inf, 0), (0, upper)) if upper > 0 else ((-np.inf, 0),)
        return sum(integrate.quad(lambda z: weight(z) * density(z, *shape), *part, limit=400)[0] for part in parts)

    assert moment(lambda z: 1) == pytest.approx(1, abs=1e-8)
    assert moment(lambda z: z) == pytest.approx(0, abs=1e-8)
    assert moment(lambda z: z * z) == pytest.approx(1, abs=1e-6)
    assert downside(*shape) == pytest.approx(moment(lambda z: z * z, 0), abs=1e-6)
    assert mean_size(*shape) == pytest.approx(moment(np.abs), abs=1e-8)
    assert kurtosis(*shape) == pytest.approx(moment(lambda z: z**4), rel=1e-3)


def exact_cdf(law):
    if law == "normal":
        return stats.norm.cdf
    if law == "student_t":
        return lambda z: stats.t.cdf(z * np.sqrt(4.5 / 2.5), 4.5)
    return lambda z: SkewStudent().cdf(np.asarray(z), [4.5, -0.3])


@pytest.mark.parametrize("law", SHAPES)
@pytest.mark.parametrize("step", ["1h", "15min", "150s"])
def test_law_of_a_bar_for_any_steps(law, step):
    """1, 4 and 24 steps a bar, n = 2^16: Kolmogorov-Smirnov distances of 0.0039 and less are chance."""
    z = returns(bar_model(law), step)
    assert stats.kstest(z, exact_cdf(law)).pvalue > 1e-4
    assert_mean(z, 0)
    assert stats.kstest(z * 1.06, exact_cdf(law)).pvalue < 1e-3  # 6 % more volatility


def test_variance_of_a_bar():
    """Normal: 1, standard error 0.0055; with 4 % more variance refused."""
    z = returns(bar_model("normal"), "15min")
    assert_variance(z, 1)
    assert_rejected(assert_variance, z * 1.02, 1)


@pytest.mark.parametrize("law", SHAPES)
def test_antithetic_partners_mirror(law):
    """The same draw with the other sign (skewed: the mirrored probability), at the end of a bar of four steps."""
    model = bar_model(law)
    price = simulate(model, n_paths=512, horizon="1h", step="15min", seed=3, antithetic=True).price.values
    z = np.log(price[:, -1].astype(float)) / np.sqrt(H)
    one, other = z[0::2], z[1::2]
    if law == "skewed_t":
        cdf = exact_cdf(law)
        np.testing.assert_allclose(cdf(one) + cdf(other), 1, atol=2e-4)
    else:
        np.testing.assert_allclose(one, -other, atol=2e-4)


@pytest.mark.parametrize(
    "law, shape, message",
    [
        ("normal", {"nu": 4.0}, "normal innovations have no nu"),
        ("student_t", {"nu": None}, "student_t innovations need nu"),
        ("student_t", {"nu": 2.0}, "greater than 2"),
        ("student_t", {"skew": 0.1}, "student_t innovations have no skew"),
        ("skewed_t", {"skew": None}, "skewed_t innovations need skew"),
        ("skewed_t", {"skew": 1.0}, "less than 1"),
    ],
)
def test_shapes_that_do_not_fit_the_law(law, shape, message):
    with pytest.raises(ValueError, match=message):
        bar_model(law, **shape)
