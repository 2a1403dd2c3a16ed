"""Books under shocks: the static ladder and the general engine see the same gaps, on the same paths."""

import numpy as np
import pytest
from helpers.engine import per_path
from helpers.studies import small

from stresslab.books.outcome import CAUSES, GAP
from stresslab.grid.plan import make_plan

AT = {"within": "1D"}
CRASHES = {
    "given": [{"kind": "gap", "at": "6h", "fraction": -0.06}, {"kind": "volatility", "at": "6h", "factor": 2.0}],
    "drawn": [{"kind": "gap", "at": AT, "fraction": -0.06}, {"kind": "volatility", "at": AT, "factor": 2.0}],
}


def outcomes(tmp_path, crash, evaluation):
    sweep = {"book.side": ["long", "short"], "book.leverage": [6.0, 12.0, 25.5]}
    changes = {"shocks": CRASHES, "market": {"shock": crash}, "sweep": sweep}
    return per_path(make_plan(small(tmp_path, changes), evaluation).ladders[0], 2048)


@pytest.mark.parametrize("crash", ["given", "drawn"])
def test_static_ladder_and_general_engine_agree(tmp_path, crash):
    static, general = (outcomes(tmp_path, crash, evaluation) for evaluation in ("static", "general"))
    differ = static.liquidation != general.liquidation
    assert differ.mean() < 1e-3, "rounding on the edge"
    np.testing.assert_allclose(np.where(differ, 0, static.pnl), np.where(differ, 0, general.pnl), atol=2e-5)
    assert static.gaps_lost.sum() == 0


def test_a_gap_fills_behind_the_trigger(tmp_path):
    """25.5 times long: 6 % down at once is behind the bankruptcy price, so that equity falls below zero."""
    found = outcomes(tmp_path, "given", "static")
    codes = found.liquidation[2]
    by_gap = (codes >= 0) & (codes % len(CAUSES) == GAP)
    assert by_gap.mean() > 0.5
    assert (found.bankruptcy[2][by_gap] >= 0).mean() > 0.8
    assert found.shortfall[-1, 2][by_gap].mean() > 0.01
