"""The general engine on books that the static ladder can do: the same codes and the same money."""

from pathlib import Path

import numpy as np
import pytest
import yaml

import stresslab as sl
from stresslab.condense import MONEY
from stresslab.grid.block import run_blocks
from stresslab.grid.plan import make_plan

PATHS = 2048
GBM = {"kind": "gbm", "sigma": 0.8}
MERTON = {"kind": "merton", "sigma": 0.8, "jump_intensity": 20.0, "jump_mean": -0.02, "jump_std": 0.05}
STUDY = {
    "study": "general-against-static",
    "as_of": "2025-01-01T00:00:00Z",
    "seed": 5,
    "market": {"asset": "BTC", "spot": 100.0, "model": "model", "step": "1h", "horizons": ["1D", "7D"]},
    "funding": {"kind": "constant", "rate": 3e-4, "interval": "8h"},
    "book": {"rulebook": "binance_usdm/BTCUSDT", "side": "long", "collateral": 100_000, "leverage": 10},
    "sweep": {"book.side": ["long", "short"], "book.leverage": [5, 20, 50]},
    "sampling": {"paths": PATHS, "block": PATHS},
    "outputs": {"events": ["liquidation", "bankruptcy", "loss_50"], "loss_levels": [0.95]},
}


def summary(study, evaluation):
    (ladder,) = make_plan(study, evaluation=evaluation).ladders
    found = run_blocks(ladder, 0, 1, PATHS)
    order = np.argsort(ladder.cells)
    return found["event_count"][order], found["sums"][..., order, :]


@pytest.mark.parametrize("model", [GBM, MERTON], ids=["gbm", "merton"])
def test_the_general_engine_is_the_static_ladder_on_plain_books(tmp_path: Path, model):
    """4 x 2,048 paths, same words: at most one event in ten thousand may fall on the other side of a rounding."""
    (tmp_path / "study.yaml").write_text(yaml.safe_dump({**STUDY, "models": {"model": model}}))
    study = sl.load_study(tmp_path / "study.yaml")
    (static, money), (general, money_general) = (summary(study, name) for name in ("static", "general"))
    assert static[:, 0].sum() > PATHS  # there is something to compare
    assert np.abs(static - general).sum() <= 1e-4 * static.sum()
    assert money_general[:, : len(MONEY)] == pytest.approx(money, abs=2e-6 * PATHS)  # the fund's is one more
