"""Pauses, stale marks, mark and last beside the index, defaults: engine and twin on random books, paths and storms."""

import pytest
from accounts.comparing import Difference, compare
from accounts.drawn_paths import N_STEPS
from accounts.test_twin import CLOSED_FORM, EXACT, ROOT, drawn
from helpers import told_venue
from helpers.account_twin.venue import Told
from helpers.told_venue import Storm

KINDS = ("linear", "hedge beside", "future and perpetual", pytest.param("inverse", marks=pytest.mark.slow))
N_BOOKS, N_PATHS = 16, 20
MISTAKES = {
    "liquidated in a pause": {"paused": False},
    "the mark goes on": {"stale": False},
    "tested at the index": {"mark": 1.0},
    "filled at the index": {"last": 1.0},
    "no default": {"fails": False},
    "another recovery": {"recovery": 0.36},
}


def stormy(kind: str, n_books: int = N_BOOKS, n_paths: int = N_PATHS) -> Difference:
    books, script = drawn(kind, n_books, n_paths)
    tolerance = CLOSED_FORM if kind in EXACT else ROOT
    return compare(books, script, tolerance, storm=told_venue.drawn(N_STEPS, n_paths, seed=17))


@pytest.mark.parametrize("kind", KINDS)
def test_engine_and_twin_agree_in_a_storm(kind):
    """320 pairs of each kind: every event, every party's money after every step."""
    found = stormy(kind)
    assert found.pairs_that_differ == [], found
    assert found.leak < 1e-12
    assert all(found.causes[cause] >= least for cause, least in (("diffusion", 5), ("halt", 2), ("none", 5))), found


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_engine_and_twin_agree_in_many_storms(kind):
    """2,000 pairs of each kind."""
    found = stormy(kind, 40, 50)
    assert found.pairs_that_differ == [], found
    assert found.leak < 1e-12


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_twin_with_a_mistake_differs(monkeypatch, mistake):
    """Of 320 pairs at least three."""
    told = Storm.told
    monkeypatch.setattr(
        Storm,
        "told",
        lambda storm, story, path: [
            event._replace(**MISTAKES[mistake]) if isinstance(event, Told) else event
            for event in told(storm, story, path)
        ],
    )
    assert len(stormy("linear").pairs_that_differ) >= 3
