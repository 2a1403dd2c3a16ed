import numpy as np
import pytest
from scipy.optimize import minimize, rosen

from stresslab.calibrate import identification
from stresslab.calibrate.identification import NOT_CONVERGED, best_of, not_converged


def test_collinear_columns_are_named():
    """Two columns that agree to a hundredth have a condition index of about 200; to a tenth, of 20: not named."""
    rng = np.random.default_rng(1)
    first, second, other = rng.standard_normal((3, 500))
    for part, named in ((0.01, True), (0.1, False)):
        jacobian = np.column_stack([first, 1e6 * (first + part * second), other])
        found = identification.collinear(jacobian, ("kappa", "theta", "rho"), "the chain")
        assert bool(found) == named
        assert not named or found[0].startswith("the chain cannot identify kappa and theta apart: condition index")


def test_a_parameter_without_effect_is_named():
    jacobian = np.column_stack([np.arange(1.0, 9.0), np.zeros(8)])
    assert identification.collinear(jacobian, ("rho", "xi"), "the chain") == ["the chain cannot identify xi: singular"]


def test_words():
    assert identification.undetermined({"a": -1.0, "b": 2.0}, {"a": 1.5, "b": 1.0}) == [
        "a is not determined: -1 with standard error 1.5"
    ]
    assert identification.on_bound(("a",), {"a": 100.0}) == [
        "a sits on its bound 100: it is held there and has no standard error"
    ]


@pytest.mark.parametrize("method", ["L-BFGS-B", "Nelder-Mead"])
def test_a_search_that_ran_out_of_steps_is_a_doubt(method):
    """Of a narrow valley (Rosenbrock): one step does not reach the bottom, and as many as it likes do."""
    ended = [minimize(rosen, [-1.2, 1.0], method=method, options={"maxiter": steps}) for steps in (1, 500)]
    whole, short = best_of(ended), best_of(ended[:1])
    assert whole.point == pytest.approx([1.0, 1.0], abs=1e-3)
    assert not_converged(whole) == []
    assert not_converged(whole, short) == [NOT_CONVERGED]


def test_a_line_search_that_ends_on_rounding_has_converged():
    """A cost with noise of 1e-9 has no descent at its bottom: L-BFGS-B calls that abnormal."""

    def rough(x):
        return float(x @ x + 1e-9 * np.sin(1e12 * x[0])), 2 * x + 1e-2

    ended = minimize(rough, [0.3], jac=True, method="L-BFGS-B", options={"ftol": 0, "gtol": 1e-12})
    assert not ended.success
    assert best_of([ended]).converged
