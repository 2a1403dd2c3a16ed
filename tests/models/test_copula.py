"""Copulas: closed forms against the reference values, the device's polynomials against scipy."""

import json

import jax.numpy as jnp
import numpy as np
import pytest
from helpers.statistics import assert_proportion, assert_rejected
from scipy import stats
from scipy.special import ndtr, ndtri, ndtri_exp

from stresslab.models import copula


@pytest.fixture(scope="module")
def cases(shared):
    every = json.loads((shared / "reference" / "reference_values.json").read_text())
    return {case["id"]: case for case in every if case["model"] == "t copula"}


@pytest.mark.parametrize("name", ["tcopula_rho0.7_nu3_u0.001", "tcopula_rho0.7_nu30_u0.01", "tcopula_rho0_nu3_u0.01"])
def test_reference(cases, name):
    case = cases[name]
    given, value = case["parameters"], case["value"]
    rho, nu, u = given["rho"], given["nu"], given["u"]
    found = {
        "C_uu": copula.student_probability(u, u, rho, nu),
        "tail_dependence": copula.tail_dependence(rho, nu),
        "kendall_tau": copula.kendall_tau(rho),
        "gaussian_copula_C_uu": copula.gaussian_probability(u, u, rho),
    }
    for name, expected in value.items():
        assert abs(found[name] - expected) <= case["tolerance"] * abs(expected) + 1e-15, name
    assert abs(copula.student_probability(u, u, rho, nu * 1.01) - value["C_uu"]) > 1e-4 * value["C_uu"]


def test_every_case_is_tested(cases):
    assert len(cases) == 3


def test_limits():
    """Many degrees of freedom are Gaussian; C(1, v) = v; tail dependence is the limit that it is called."""
    assert copula.student_probability(0.05, 0.1, 0.4, 1e6) == pytest.approx(
        copula.gaussian_probability(0.05, 0.1, 0.4), rel=1e-5
    )
    assert copula.gaussian_probability(1 - 1e-15, 0.3, 0.7) == pytest.approx(0.3, rel=1e-9)
    near = copula.student_probability(1e-9, 1e-9, 0.5, 3.0) / 1e-9
    assert near == pytest.approx(copula.tail_dependence(0.5, 3.0), rel=2e-3)


def exact_normal(student, nu):
    """Phi^-1(t_nu(T)) by scipy, from the small side."""
    return np.sign(student) * -ndtri_exp(stats.t.logsf(np.abs(student), nu))


@pytest.mark.parametrize("nu", [1.0, 2.0, 2.5, 3.0, 4.0, 7.0, 30.0, 1000.0])
def test_margins_to_six_deviations(nu):
    """Every draw of the chi-square variable and of the normal: within 1e-5 of the exact value."""
    mixing, normals = copula.mixing(nu), np.linspace(-6.2, 6.2, 1001).astype(np.float32)
    for draw in (-6.2, -4.0, -1.0, 0.0, 1.0, 4.0, 6.2):
        share = stats.chi2.ppf(ndtr(draw), nu) / nu
        exact = exact_normal(normals / np.sqrt(share), nu)
        found = np.asarray(copula.student_to_normal(mixing, jnp.asarray(normals), jnp.full(1001, draw, jnp.float32)))
        inside = np.abs(exact) < 6
        np.testing.assert_allclose(found[inside], exact[inside], atol=1e-5 if nu > 1 else 4e-5)
        assert np.all(np.diff(found) >= -1e-6), "monotone"
        assert np.all(np.isfinite(found))


@pytest.mark.parametrize("nu", [2.0, 4.0])
def test_a_wrong_number_of_degrees_shows(nu):
    normals = np.linspace(-5, 5, 101).astype(np.float32)
    found = copula.student_to_normal(copula.mixing(nu), jnp.asarray(normals), jnp.full(101, -2.0, jnp.float32))
    share = stats.chi2.ppf(ndtr(-2.0), nu * 1.02) / (nu * 1.02)
    assert np.abs(np.asarray(found) - exact_normal(normals / np.sqrt(share), nu * 1.02)).max() > 1e-3


@pytest.mark.parametrize("u, rho, nu", [(0.001, 0.7, 3.0), (0.01, 0.0, 3.0)])
def test_draws_have_the_copula(u, rho, nu):
    """2^21 draws, NumPy's generator with seed 2: both below their u-quantile as often as C(u, u) says."""
    n, rng = 2**21, np.random.default_rng(2)
    one, own, draw = rng.standard_normal((3, n), np.float32)
    both = [one, np.float32(rho) * one + np.float32(np.sqrt(1 - rho**2)) * own]
    first, second = (np.asarray(copula.student_to_normal(copula.mixing(nu), w, draw)) for w in both)
    hits = int(((first < ndtri(u)) & (second < ndtri(u))).sum())
    expected = copula.student_probability(u, u, rho, nu)
    assert_proportion(hits, n, expected)
    assert_rejected(assert_proportion, hits, n, copula.gaussian_probability(u, u, rho))
    assert_rejected(assert_proportion, hits, n, 1.25 * expected)
    assert_proportion(int((second < ndtri(u)).sum()), n, u)
