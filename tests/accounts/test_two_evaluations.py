"""Plain books by the static ladder and the general engine: the same events and the same money."""

import numpy as np
import pytest
from helpers.studies import small, write_rulebook

from stresslab.books.outcome import CAUSES
from stresslab.grid.block import run_blocks
from stresslab.grid.plan import make_plan

PATHS = 2048
TIERS = ((60_000, 0.005, 0.01), (150_000, 0.01, 0.02), (1e12, 0.025, 0.05))
VENUES = {
    "kept": {"residual": "customer", "entry_charged_to": "wallet", "slippage_bps": 0.0},
    "taken": {"residual": "insurance", "entry_charged_to": "margin", "slippage_bps": 30.0},
}


def totals(study, evaluation):
    """Hits of every event and sums of money, by cell."""
    events, sums = {}, {}
    for ladder in make_plan(study, evaluation=evaluation).ladders:
        found = run_blocks(ladder, 0, 1, PATHS)
        for place, cell in enumerate(ladder.cells):
            events[cell] = found["event_count"][place]
            sums[cell] = found["sums"][..., place, :]
    return np.stack([events[cell] for cell in sorted(events)]), np.stack([sums[cell] for cell in sorted(sums)])


@pytest.mark.parametrize("model", ["calm", pytest.param("jumps", marks=pytest.mark.slow)])
def test_two_evaluations_of_one_study(tmp_path, model):
    """Two venues with marginal tiers around the position, both sides, three leverages, funding; 2,048 paths."""
    for name, rules in VENUES.items():
        write_rulebook(
            tmp_path / f"{name}.yaml", name=f"made_up/{name.upper()}", tiers=TIERS, liquidation_fee=0.004, **rules
        )
    changes = {
        "market": {"model": "model", "horizons": ["8h", "2D"]},
        "models": {
            "model": {"kind": "gbm", "sigma": 0.9}
            if model == "calm"
            else {"kind": "merton", "sigma": 0.7, "jump_intensity": 150.0, "jump_mean": -0.01, "jump_std": 0.04}
        },
        "funding": {"rate": 5e-4},
        "book": {"collateral": 10_000},
        "sweep": {
            "book.rulebook": [f"{name}.yaml" for name in VENUES],
            "book.side": ["long", "short"],
            "book.leverage": [4.0, 12.0, 19.0],
        },
        "sampling": {"paths": PATHS, "block": PATHS},
        "outputs": {"events": ["liquidation", "bankruptcy", "loss_50"], "survival_points": 4},
    }
    study = small(tmp_path, changes)
    static, (events, money) = (totals(study, name) for name in ("static", "general"))
    assert static[0].sum() > PATHS
    assert np.abs(events - static[0]).sum() <= 2e-4 * static[0].sum()
    assert money[:, :, :4] == pytest.approx(static[1], abs=5e-6 * PATHS)  # the general engine adds the fund


def test_two_evaluations_of_payments_inside_a_step(tmp_path):
    """Random rates and a spike at a drawn time, three payments in a step of 12 h; both sides, 2,048 paths."""
    reverting = {"kind": "mean_reverting", "rate": 1e-3, "mean": 5e-4, "speed": 300.0, "volatility": 0.05}
    changes = {
        "market": {"step": "12h", "shock": "spike"},
        "funding": {**reverting, "correlation": 0.5, "interval": "4h"},
        "shocks": {"spike": [{"kind": "funding", "at": {"within": "2D"}, "rate": 4e-3, "half_life": "8h"}]},
        "sweep": {"book.side": ["long", "short"], "book.leverage": [4.0, 12.0, 19.0]},
        "sampling": {"paths": PATHS, "block": PATHS},
        "outputs": {"events": ["liquidation", "bankruptcy", "loss_50"], "survival_points": 4},
    }
    study = small(tmp_path, changes)
    static, (events, money) = (totals(study, name) for name in ("static", "general"))
    assert static[0].sum() > PATHS
    by_funding = static[0][:, 0, :, CAUSES.index("funding")].sum()
    assert by_funding > 20, "some are liquidated by a payment"
    assert np.abs(events - static[0]).sum() <= 1e-3 * static[0].sum()
    assert money[:, :, :4] == pytest.approx(static[1], abs=2e-5 * PATHS)
