"""Fixtures shared by all tests; strict JAX promotion, slow tests on request, no test that fails for want of time."""

from pathlib import Path

import jax
import pytest
from hypothesis import HealthCheck, settings

from stresslab import device

device.prepare()  # before any test's first array: it says so when it comes too late, and warnings are errors here
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")
settings.register_profile("stresslab", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("stresslab")

SHARED = Path(__file__).resolve().parents[1] / ".." / "shared"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the slow tests too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--slow") or "slow" in (config.getoption("-m") or ""):
        return
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="slow: run with --slow"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference values, venue facts and market data; absent from a user's clone."""
    if not SHARED.is_dir():
        pytest.skip("needs ../shared (reference values and market data), which this clone does not have")
    return SHARED.resolve()
