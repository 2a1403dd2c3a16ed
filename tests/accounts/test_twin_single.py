"""The same random books through the whole compiled loop, in float32 as a study runs: events at the same time for the
same cause, money to single precision at both horizons.
"""

import copy

import numpy as np
import pytest
from accounts.comparing import decoded
from accounts.drawn_books import KINDS
from accounts.drawn_paths import N_STEPS, wild
from helpers.account_engine import events, form_of, numbers_of
from helpers.account_script_model import walk

SINGLE = 1e-5  # of what a book holds
N_BOOKS, N_PATHS = 12, 8
SOME = ["linear", "inverse", "coin-backed", "two assets netted", "hedge beside"]


@pytest.mark.parametrize("kind", SOME)
def test_the_compiled_loop_and_the_twin_agree(kind):
    """96 pairs of each kind."""
    seed = list(KINDS).index(kind)
    rng = np.random.default_rng(200 + seed)
    books = [KINDS[kind](rng) for _ in range(N_BOOKS)]
    script = wild(N_PATHS, seed, len(books[0].spots), corners=False)
    walked = walk(form_of(books[0]), numbers_of(books), script, books[0].spots, books[0].loss_levels)
    liquidated = 0
    for path in range(N_PATHS):
        story = events(script, path)
        for row, opened in enumerate(books):
            lived = copy.deepcopy(opened).follow(story)
            assert found_codes(walked, row, path, lived.loss_levels) == lived.codes
            liquidated += "liquidation" in lived.codes
            for horizon, step in enumerate((N_STEPS // 2, N_STEPS)):
                money = walked.money
                parts = money.pnl, money.fees, money.funding, money.shortfall
                got = np.array([part[horizon, row, path] for part in parts])
                wanted = np.array(lived.marks[step - 1][:4]) / lived.scale
                assert np.abs(got - wanted).max() * lived.scale / 1000 < SINGLE
    assert liquidated >= 15


def found_codes(walked, row, path, levels) -> dict:
    codes = walked.codes
    found = {"liquidation": codes.liquidation, "bankruptcy": codes.bankruptcy}
    found |= zip(levels, codes.loss, strict=True)
    return {name: event for name, code in found.items() if (event := decoded(code[row, path]))}
