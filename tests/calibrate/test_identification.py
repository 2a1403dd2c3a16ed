import numpy as np
import pytest
from scipy.optimize import minimize, rosen

from stresslab.calibrate import identification
from stresslab.calibrate.identification import best_of
from stresslab.errors import InputError


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


def test_a_search_that_ran_out_of_steps_is_refused():
    """Of a narrow valley (Rosenbrock): one step does not reach the bottom, and as many as it likes do."""
    start = [-1.2, 1.0]
    ended = [minimize(rosen, start, method="L-BFGS-B", options={"maxiter": steps}) for steps in (1, 500)]
    assert best_of(ended).x == pytest.approx([1.0, 1.0], abs=1e-3)
    with pytest.raises(InputError, match="fit = .*the optimiser has not converged.*Give a longer history"):
        best_of(ended[:1])
