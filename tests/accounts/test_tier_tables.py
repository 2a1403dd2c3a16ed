"""Long tables of tiers are searched, short ones compared row by row: the answers are the same."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from accounts.test_stages import OKX
from helpers.forced_close import close

from stresslab.accounts import requirement
from stresslab.accounts.form import LegNumbers
from stresslab.accounts.stages.reduce_tiers import ReduceTiers
from stresslab.accounts.tier_tables import UNROLLED, is_long, largest, row_of, tier_at

BOOKS, PATHS = 3, 500


def table(rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rising rates, caps, and the amounts that make them marginal; each book has a scale of its own."""
    rng = np.random.default_rng(rows)
    cap = np.cumsum(rng.uniform(0.5, 2.0, (BOOKS, rows)), axis=1).astype(np.float32)
    mmr = np.cumsum(rng.uniform(0.001, 0.004, (BOOKS, rows)), axis=1).astype(np.float32)
    steps = np.diff(mmr, axis=1) * cap[:, :-1]
    cum = np.concatenate([np.zeros((BOOKS, 1)), np.cumsum(steps, axis=1)], axis=1).astype(np.float32)
    return mmr, cum, cap


def measures(cap: np.ndarray) -> np.ndarray:
    """From below the first cap to above the last, and the caps themselves: those belong to the tier that they end."""
    spread = np.random.default_rng(1).uniform(0, 1.2 * cap[:, -1:], (BOOKS, PATHS))
    return np.concatenate([spread.astype(np.float32), cap], axis=1)


@pytest.mark.parametrize("rows", [1, 2, 7, UNROLLED, UNROLLED + 1, 64, 65, 198])
def test_the_tier_is_that_of_a_search_on_the_host(rows: int) -> None:
    mmr, _, cap = table(rows)
    asked = measures(cap)
    found = np.asarray(tier_at(jnp.asarray(cap[:, :-1]), jnp.asarray(asked)))
    for book in range(BOOKS):
        np.testing.assert_array_equal(found[book], np.searchsorted(cap[book, :-1], asked[book], side="left"))
    if is_long(cap):
        wanted = np.take_along_axis(mmr, found, axis=1)
        np.testing.assert_array_equal(np.asarray(row_of(jnp.asarray(mmr), jnp.asarray(found))), wanted)


@pytest.mark.parametrize("shape", ["flat", "marginal"])
def test_a_requirement_of_many_tiers_is_that_of_few(shape: str) -> None:
    """The first 20 tiers of 198 decide below their last cap, whichever way they are looked up; to rounding."""
    mmr, cum, cap = table(198)
    asked = np.minimum(measures(cap[:, :20]), cap[:, 19:20])
    found = []
    for rows in (20, 198):
        numbers = LegNumbers(None, None, mmr[:, :rows], cum[:, :rows], cap[:, :rows], None, None, None)
        found.append(np.asarray(requirement._of_rates(shape, numbers, jnp.asarray(asked), jnp.asarray(asked))))
    np.testing.assert_allclose(*found, rtol=3e-7)


@pytest.mark.parametrize("rows", [5, UNROLLED + 1, 198])
def test_the_largest_line_is_that_of_the_host(rows: int) -> None:
    mmr, cum, cap = table(rows)
    asked = measures(cap)
    found = largest(lambda rate, amount: rate * asked - amount, jnp.asarray(mmr), jnp.asarray(cum))
    lines = mmr[:, :, None] * asked[:, None, :] - cum[:, :, None]
    np.testing.assert_allclose(np.asarray(found), lines.max(axis=1), rtol=3e-7)


@pytest.mark.parametrize("stage", [ReduceTiers(), ReduceTiers(tiers=1, from_tier=2, covers_first=False)])
@pytest.mark.parametrize("balance", [2.5, 1.9, 1.5, 1.2, 1.05, 0.9])
def test_down_the_tiers_of_a_long_table(stage: ReduceTiers, balance: float) -> None:
    """10 contracts at 0.9 in tier 10: cut to the same size by the loop over 198 tiers as by the rounds over 12."""
    left = []
    for rows in (12, 198):
        mmr = tuple(0.01 * (row + 1) for row in range(rows))
        cap = (*(1.0 * (row + 1) - 0.5 for row in range(rows - 1)), 1e30)
        left.append(close(dataclasses.replace(OKX, balance=balance, mmr=mmr, cap=cap, stages=(stage,)), 0.9))
    assert left[0] == left[1]


def test_the_cases_of_a_long_table_differ() -> None:
    """The balances of the test before end at sizes of their own, and one is closed whole."""
    mmr = tuple(0.01 * (row + 1) for row in range(198))
    cap = (*(1.0 * (row + 1) - 0.5 for row in range(197)), 1e30)
    account = dataclasses.replace(OKX, mmr=mmr, cap=cap, stages=(ReduceTiers(1, 2, False),))
    sizes = {round(float(close(dataclasses.replace(account, balance=one), 0.9).size), 3) for one in (1.9, 1.2, 0.9)}
    assert len(sizes) == 3 and 0.0 in sizes
