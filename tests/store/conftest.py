"""Fixtures of the store tests."""

import pytest
import xarray as xr
from store.sample import make_dataset, make_provenance


@pytest.fixture
def dataset() -> xr.Dataset:
    return make_dataset()


@pytest.fixture
def provenance() -> dict:
    return make_provenance()
