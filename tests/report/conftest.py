"""The nightly study as a dataset, made once."""

import pytest
from report import synthetic


@pytest.fixture(scope="package")
def nightly():
    return synthetic.nightly(n_paths=4096)
