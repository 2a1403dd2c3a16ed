"""Random books on random written-down paths against the naive twin, in float64: every event, every party's money.

Money is compared after every step, in parts of what a book holds at spot (1000). The tolerance covers the engine's
root finding (three rounds of regula falsi; 14 halvings at a cliff; two secants for several assets).
"""

import numpy as np
import pytest
from accounts.comparing import Difference, compare
from accounts.drawn_books import KINDS
from accounts.drawn_paths import wild

N_BOOKS, N_PATHS = 16, 6
CLOSED_FORM, ROOT = 1e-12, 1e-5
EXACT = {"linear", "inverse", "quanto, flat by size", "affine", "hedge beside"}
# what restores a margin leaves it exactly at the requirement, and equity at 0: rounding says whether there is one more
ON_EDGE = {"in rounds": 0.02, "cover the shortage": 0.02, "cover the shortage, two assets": 0.02}


def drawn(kind: str, n_books: int = N_BOOKS, n_paths: int = N_PATHS) -> tuple:
    """Seeds are the kind's place in the list."""
    seed = list(KINDS).index(kind)
    rng = np.random.default_rng(100 + seed)
    books = [KINDS[kind](rng) for _ in range(n_books)]
    return books, wild(n_paths, seed, len(books[0].spots), corners=not books[0].policies)


# a few seconds each to compile
LONG = ("cover the shortage", "cover the shortage, two assets", "in rounds", "mixed with collateral", "inverse future")
SOME = [pytest.param(kind, marks=pytest.mark.slow) if kind in LONG else kind for kind in KINDS]


@pytest.mark.parametrize("kind", SOME)
def test_engine_and_twin_agree(kind):
    """96 pairs of each kind."""
    found = compare(*drawn(kind), CLOSED_FORM if kind in EXACT else ROOT)
    assert len(found.pairs_that_differ) <= ON_EDGE.get(kind, 0) * found.pairs, found
    assert found.leak < 1e-12  # of what a book holds: cash is kept
    assert seen_enough(found), found.causes


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_engine_and_twin_agree_on_many_more(kind):
    """3000 pairs of each kind."""
    found = compare(*drawn(kind, 100, 30), CLOSED_FORM if kind in EXACT else ROOT)
    assert len(found.pairs_that_differ) <= ON_EDGE.get(kind, 0) * found.pairs, found
    assert found.leak < 1e-12


def seen_enough(found: Difference) -> bool:
    """Liquidations by diffusions and by gaps, and books that lived."""
    return found.causes["diffusion"] >= 3 and found.causes["gap"] >= 1 and found.causes["none"] >= 10
