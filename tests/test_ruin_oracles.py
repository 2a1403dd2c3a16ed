"""Ruin probabilities of whole studies against answers from elsewhere: closed forms, a plain NumPy simulation,
references.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from helpers.closed_forms import DAY, touch_probability
from helpers.studies import small, write_rulebook

from stresslab.execution import run

RATES = {"LOW": 0.004, "MIDDLE": 0.005, "HIGH": 0.01}  # maintenance, one flat tier each
SIGMAS = {"s60": 0.6, "s80": 0.8}
LEVERAGES = [10.0, 20.0, 50.0, 125.0]
HORIZONS = {"8h": DAY / 3, "1D": DAY, "7D": 7 * DAY}
N = 2**18


@pytest.fixture(scope="module")
def flat(tmp_path_factory) -> xr.Dataset:
    """Two volatilities, three venues without fees, both sides, four leverages; 262,144 paths, seed 20260101."""
    folder = tmp_path_factory.mktemp("flat")
    for name, rate in RATES.items():
        tiers = ((1e9, rate, max(rate, 1 / 125)),)
        write_rulebook(folder / f"{name}.yaml", name=f"flat/{name}", tiers=tiers, taker=0.0, slippage_bps=0.0)
    changes = {
        "market": {"model": "s60", "horizons": list(HORIZONS)},
        "models": {name: {"kind": "gbm", "sigma": sigma} for name, sigma in SIGMAS.items()},
        "funding": None,
        "sweep": {
            "market.model": list(SIGMAS),
            "book.rulebook": [f"{name}.yaml" for name in RATES],
            "book.side": ["long", "short"],
            "book.leverage": LEVERAGES,
        },
        "sampling": {"paths": N, "block": 2**14},
        "outputs": {"events": ["liquidation"], "survival_points": 3},
    }
    return run(small(folder, changes))


def level(side: str, leverage: float, rate: float) -> float:
    """Of an isolated position without fees: equity <= rate * notional."""
    return (1 - 1 / leverage) / (1 - rate) if side == "long" else (1 + 1 / leverage) / (1 + rate)


def scores(flat: xr.Dataset, wrong: float = 1.0) -> np.ndarray:
    """(simulated - exact) / standard error of every cell that can be seen; `wrong` multiplies the maintenance rate."""
    found = []
    for model, sigma in SIGMAS.items():
        for name, rate in RATES.items():
            for side in ("long", "short"):
                for leverage in LEVERAGES:
                    at = {"model": model, "rulebook": f"flat/{name}", "side": side, "leverage": leverage}
                    cell = flat.sel(at)
                    if cell.status != "ok":
                        continue
                    for horizon, years in HORIZONS.items():
                        exact = touch_probability(level(side, leverage, wrong * rate), sigma, years)
                        if N * exact < 100:  # too few hits for a normal law
                            continue
                        error = np.sqrt(exact * (1 - exact) / N)
                        found.append((float(cell.ruin_probability.sel(horizon=horizon)) - exact) / error)
    return np.array(found)


def test_closed_form_of_every_cell(flat):
    """Over 100 cells, all on the same paths: no |z| above 4.5, the median below 1.5."""
    z = scores(flat)
    assert z.size > 100
    assert np.abs(z).max() < 4.5, z
    assert np.median(np.abs(z)) < 1.5


def test_two_percent_of_maintenance_are_seen(flat):
    assert np.abs(scores(flat, wrong=1.02)).max() > 6


def test_reference_cases(flat, shared):
    """The liquidation cases of the reference file: |m - ref| <= 4 se + tolerance, as its README asks."""
    cases = json.loads((shared / "reference" / "reference_values.json").read_text())
    cases = [case for case in cases if case["id"].startswith("gbm_liq_")]
    assert len(cases) == 4
    horizon_of = {"8 hours": "8h", "1 day": "1D", "7 days": "7D"}
    for case in cases:
        given = case["parameters"]
        model = next(name for name, sigma in SIGMAS.items() if sigma == given["sigma_annual"])
        venue = next(name for name, rate in RATES.items() if rate == given["maintenance_margin_rate"])
        at = {"model": model, "rulebook": f"flat/{venue}", "side": given["side"], "leverage": given["leverage"]}
        cell = flat.sel(at)
        by = cell.sel(horizon=horizon_of[given["T_label"]])
        slack = 4 * float(by.ruin_probability_se) + case["tolerance"] * case["value"]
        assert abs(float(by.ruin_probability) - case["value"]) <= slack, case["id"]
        assert float(cell.liquidation_price) == pytest.approx(given["liq_price_over_entry"] * 50_000)


def crowded(folder: Path, rate: float) -> xr.Dataset:
    """Ten times long over 30 days with 5 bp of funding every eight hours, sigma 0.6, 0.4 % maintenance."""
    changes = {
        "market": {"step": "8h", "horizons": ["30D"]},
        "models": {"gbm": {"kind": "gbm", "sigma": 0.6}},
        "funding": {"rate": rate},
        "book": {"side": "long"},
        "sweep": {"book.leverage": [10.0]},
        "sampling": {"paths": N, "block": 2**14},
        "outputs": {"events": ["liquidation"], "survival_points": 3},
    }
    return run(small(folder, changes, tiers=((1e9, 0.004, 0.008),), taker=0.0)).squeeze("leverage")


def simulated(rate: float, n: int, seed: int) -> float:
    """The same in NumPy, float64 and its own random numbers: paths of 90 bridged steps, the level moved by each
    payment.
    """
    rng = np.random.default_rng(seed)
    sigma, dt = 0.6, DAY / 3
    x, paid, ruined = np.zeros(n), np.zeros(n), np.zeros(n, bool)
    for _ in range(90):
        move = -(sigma**2) * dt / 2 + sigma * np.sqrt(dt) * rng.standard_normal(n)
        low = x + (move - np.sqrt(move**2 + 2 * sigma**2 * dt * rng.standard_exponential(n))) / 2
        ruined |= np.exp(low) <= (0.9 + paid) / 0.996
        x += move
        paid += rate * np.exp(x)
        ruined |= np.exp(x) <= (0.9 + paid) / 0.996
    return ruined.mean()


def test_funding_moves_the_trigger(tmp_path):
    """A trigger fixed at entry says 0.58; the truth is 0.68. n = 262,144 here and in NumPy (seed 5), se 0.0013
    each.
    """
    fixed = touch_probability(0.9 / 0.996, 0.6, 30 * DAY)
    assert fixed == pytest.approx(0.584, abs=0.001)
    error = np.sqrt(0.22 / N)
    without, with_funding, received = (crowded(tmp_path, rate) for rate in (0.0, 5e-4, -5e-4))
    assert abs(float(without.ruin_probability[0]) - fixed) < 4.5 * error
    truth = simulated(5e-4, N, seed=5)
    assert truth == pytest.approx(0.68, abs=0.01)
    assert abs(float(with_funding.ruin_probability[0]) - truth) < 4.5 * np.sqrt(2) * error
    assert float(received.ruin_probability[0]) < fixed - 0.08  # the wrong sign could not pass
    assert float(with_funding.probability_by_cause.sel(cause="funding").sum()) > 0
