"""docs/venues.md is executed: its imports, and every call in its tables against the value printed beside it."""

import inspect

import numpy as np
import pytest
from helpers.venues_page import PAGE, ROWS, imported


@pytest.fixture(scope="module")
def names():
    return imported()


@pytest.mark.parametrize("call, printed", ROWS, ids=[call for call, _ in ROWS])
def test_the_call_gives_what_is_printed(names, call, printed):
    got, wanted = eval(call, dict(names)), eval(printed)
    np.testing.assert_allclose(np.asarray(got, dtype=np.float64), np.asarray(wanted, dtype=np.float64), rtol=1e-8)


def test_no_public_function_of_the_rules_is_left_out(names):
    """Every function of the modules that the page imports; `margin` and `rounding` have inner ones too."""
    modules = [found for found in names.values() if inspect.ismodule(found)]
    assert len(modules) > 15
    for module in modules:
        if module.__name__.endswith((".margin", ".rounding")):
            continue
        for name, found in vars(module).items():
            if inspect.isfunction(found) and found.__module__ == module.__name__ and not name.startswith("_"):
                short = module.__name__.rsplit(".", 1)[1]
                assert f"{short}.{name}" in PAGE, f"{short}.{name}"


def test_the_table_is_a_table():
    assert len(ROWS) > 90
