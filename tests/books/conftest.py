"""One launch of all hand-made and random scripts serves the tests of this folder."""

import pytest
from books import scene as stage


@pytest.fixture(scope="session")
def scene(tmp_path_factory) -> stage.Scene:
    return stage.build(tmp_path_factory.mktemp("cases"))
