"""Random books on random written-down paths against the naive twin, in float64: every event, every party's money.

Money is compared after every step, in parts of what a book holds at spot (1000). The tolerance covers the engine's
root finding (three rounds of regula falsi; 14 halvings at a cliff; two secants for several assets).
"""

import numpy as np
import pytest
from accounts.comparing import Difference, compare
from accounts.drawn_books import KINDS
from accounts.drawn_paths import wild

N_BOOKS, N_PATHS = 24, 6
CLOSED_FORM, ROOT = 1e-12, 1e-5
EXACT = {"linear", "inverse", "quanto, flat by size", "affine", "hedge beside"}


def drawn(kind: str, n_books: int = N_BOOKS, n_paths: int = N_PATHS) -> tuple:
    """Seeds are the kind's place in the list."""
    seed = list(KINDS).index(kind)
    rng = np.random.default_rng(100 + seed)
    books = [KINDS[kind](rng) for _ in range(n_books)]
    return books, wild(n_paths, seed, len(books[0].spots))


@pytest.mark.parametrize("kind", KINDS)
def test_engine_and_twin_agree(kind):
    """144 pairs of each kind."""
    tolerance = CLOSED_FORM if kind in EXACT else ROOT
    found = compare(*drawn(kind), tolerance)
    assert found.pairs_that_differ == [], found
    assert found.leak < 1e-12  # of what a book holds: cash is kept
    assert seen_enough(found), found.causes


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_engine_and_twin_agree_on_many_more(kind):
    """3000 pairs of each kind."""
    tolerance = CLOSED_FORM if kind in EXACT else ROOT
    found = compare(*drawn(kind, 100, 30), tolerance)
    assert found.pairs_that_differ == [], found
    assert found.leak < 1e-12


def seen_enough(found: Difference) -> bool:
    """Liquidations by diffusions and by gaps, and books that lived."""
    return found.causes["diffusion"] >= 10 and found.causes["gap"] >= 3 and found.causes["none"] >= 10
