"""Studies of books of any form, from YAML to the dataset."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from helpers.studies import BLOCK, small, small_dict

from stresslab.config import study_from_dict
from stresslab.config.schema import Study
from stresslab.execution import run, run_plan
from stresslab.general import Shape
from stresslab.grid.plan import make_plan
from stresslab.grid.serial import Serial

N = 2 * BLOCK
MONEY = 2e-6  # relative to the notional: float32 sums in another order
SWEEP = {"book.side": ["long", "short"], "book.leverage": [5.0, 12.0]}
CROSS = {"modes": ["isolated", "cross"]}


def test_a_plain_book_is_the_same_by_both_engines(tmp_path: Path) -> None:
    """All counts equal, money to the rounding of float32; only the general engine tells of the fund."""
    study = small(tmp_path, {"sweep": SWEEP})
    plain, general = (run_plan(make_plan(study, evaluation), Serial()) for evaluation in (None, "general"))
    assert plain.hits.sel(event="liquidation", horizon="3D").min() > 30
    for name, found in plain.data_vars.items():
        if found.dtype != np.float64 or found.dims == ():
            close = np.mean(found.values == general[name].values) > 0.999  # of loss_count: two bins that meet
        else:
            scale = np.nanmax(np.abs(plain.notional.values)) if "currency" in found.units else 1.0
            close = np.allclose(found.values, general[name].values, rtol=0, atol=MONEY * scale, equal_nan=True)
        assert close, name
    assert set(general.data_vars) - set(plain.data_vars) == {"mean_insurance", "mean_insurance_se"}


def test_a_stop_before_the_trigger_spares_the_liquidation(tmp_path: Path) -> None:
    """GBM has no gaps: a stop 3 % away comes first, at 5 and 12 times; one that is 60 % away is never met.

    The cells without a stop are plain books beside them, on the same paths.
    """
    sets = {"near": [{"kind": "stop_loss", "distance": 0.03}], "far": [{"kind": "stop_loss", "distance": 0.6}]}
    sweep = {"book.policies": ["none", "near", "far"], "book.leverage": [5.0, 12.0]}
    changes = {"book": {"side": "long"}, "policies": sets, "sweep": sweep, "sampling": {"paths": N}, "funding": None}
    plan = make_plan(small(tmp_path, changes))
    assert sorted(isinstance(ladder.shape, Shape) for ladder in plan.ladders) == [False, True]
    ds = run_plan(plan, Serial())
    hits = ds.hits.sel(event="liquidation", horizon="3D")
    assert (hits.sel(policies="near") == 0).all() and (hits.sel(policies="none") > 50).all()
    assert (hits.sel(policies="far") == hits.sel(policies="none")).all()
    # 5 times 3 % and two fees of 0.05 % and slippage of 0.1 %
    lost = ds.value_at_risk_fraction.sel(horizon="3D", loss_level=0.99)
    assert lost.sel(policies="near", leverage=5.0) == pytest.approx(0.16, abs=0.002)
    told = ds.mean_insurance.notnull().all(dim=("leverage", "horizon"))
    assert told.values.tolist() == [False, True, True]


JOINT = {
    "btc": {"kind": "gbm", "sigma": 0.9},
    "eth": {"kind": "gbm", "sigma": 0.9},
    "pair": {"kind": "joint", "assets": {"BTC": "btc", "ETH": "eth"}, "correlation": 0.98},
}
HEDGED = {
    "margin_mode": "cross",
    "collateral": 10_000.0,
    "stand_in": True,  # one made-up rulebook, of BTC, for both
    "positions": [{"side": "long", "leverage": 4.0}, {"side": "short", "asset": "ETH", "leverage": 4.0}],
}


def hedged(folder: Path, changes: dict[str, Any]) -> Study:
    market = {"model": "pair", "spots": {"ETH": 2_500.0}}
    whole = {"market": market, "models": JOINT, "book": None, "sampling": {"paths": N}} | changes
    data = small_dict(folder, whole, **CROSS)
    data["book"] = {"rulebook": "venue.yaml"} | HEDGED
    return study_from_dict(data, base=folder)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> xr.Dataset:
    """A hedge on two assets that move together, and on two that move apart, under a venue that may fail."""
    venue = {"default": {"per_year": 40.0, "recovery": 0.25}}
    sweep = {"models.pair.correlation": [-0.9, 0.98]}
    events = {"events": ["liquidation", "bankruptcy", "venue_default", "adl"]}
    study = hedged(
        tmp_path_factory.mktemp("pair"), {"venue": venue, "sweep": sweep, "outputs": events, "funding": None}
    )
    return run(study)


def test_a_hedge_is_as_good_as_its_correlation(pair: xr.Dataset) -> None:
    """Each leg alone would be liquidated at 4 times; together they are only where they move apart.

    The spread of two assets at 0.9 has a volatility of 0.9 sqrt(2 (1 - rho)): 0.18 a year, 1.6 % in 3 days, against a
    cushion of 23 % at 4 times; at a correlation of -0.9 it is 1.75, 16 %.
    """
    hits = pair.hits.sel(event="liquidation", horizon="3D")
    assert hits.sel(correlation=0.98) == 0 and hits.sel(correlation=-0.9) > 100
    assert np.isnan(pair.liquidation_price).all()
    assert pair.notional.values == pytest.approx(80_000.0)


def test_a_venue_fails_as_often_as_its_hazard_says(pair: xr.Dataset) -> None:
    """P = 1 - exp(-40 t) at a constant rate, t = 1 and 3 days: 0.104 and 0.280; n = 2048, seed 20260101, standard
    errors 0.007 and 0.010. Twin: of 30 a year, 0.219, the second is refused.
    """
    found = pair.probability.sel(event="venue_default", correlation=0.98).values
    wanted = 1 - np.exp(-40 * np.array([1, 3]) / 365)
    error = np.sqrt(wanted * (1 - wanted) / N)
    assert (np.abs(found - wanted) < 4 * error).all()
    assert abs(found[1] - (1 - np.exp(-30 * 3 / 365))) > 4 * error[1]
    assert (pair.hits.sel(event="adl") == 0).all()


def test_what_a_failure_leaves_is_the_recovery(pair: xr.Dataset) -> None:
    """Wealth after a failure is a quarter of a hedged book's: the loss of 75 % has its atom there."""
    found = pair.sel(correlation=0.98, horizon="3D")
    lost = found.value_at_risk_fraction.sel(loss_level=0.95)
    assert lost == pytest.approx(0.75, abs=0.05)
    assert found.probability_by_cause.sel(event="venue_default", cause="venue_default") == found.probability.sel(
        event="venue_default"
    )
    assert list(pair.cause.values) == ["diffusion", "gap", "funding", "venue_default"]


def test_a_collateral_that_loses_its_peg_is_the_cause(tmp_path: Path) -> None:
    """A long of 100,000 needs 700 (1 % less 300, tier 2). It has 600 in cash, its fee of 50 paid, and 9,500 of a stable
    coin; when the coin falls by 99 % after a day, 90.25 of that count: 690.25 stand against 700.

    An effect of 0 says that BTC itself is not struck; without the shock nothing happens: BTC hardly moves.
    """
    market = {"model": "pegged", "spots": {"USDE": 1.0}, "shock": "none", "spot": 100.0}
    models = {
        "btc": {"kind": "gbm", "sigma": 0.005},
        "usde": {"kind": "gbm", "sigma": 0.005},
        "pegged": {"kind": "joint", "assets": {"BTC": "btc", "USDE": "usde"}, "correlation": 0.0},
    }
    gap = {"kind": "gap", "at": "1D"}
    shocks = {"depeg": [gap | {"asset": "USDE", "fraction": -0.99}, gap | {"asset": "BTC", "fraction": 0.0}]}
    changes = {"market": market, "models": models, "shocks": shocks, "sweep": {"market.shock": ["none", "depeg"]}}
    data = small_dict(tmp_path, changes | {"funding": None, "sampling": {"paths": BLOCK}}, **CROSS)
    data["book"] = {
        "rulebook": "venue.yaml",
        "margin_mode": "cross",
        "collateral": 650.0,
        "positions": [{"side": "long", "notional": 100_000.0}],
        "collaterals": [{"asset": "USDE", "amount": 9_500.0, "haircut": 0.05}],
    }
    ds = run(study_from_dict(data, base=tmp_path)).sel(horizon="3D", event="liquidation")
    assert ds.hits.sel(shock="none") == 0
    assert ds.hits.sel(shock="depeg") > 100
    by_cause = ds.probability_by_cause.sel(shock="depeg")
    assert by_cause.sel(cause="collateral") == ds.probability.sel(shock="depeg")


def test_money_of_a_coin_margined_book_is_in_coin(tmp_path: Path) -> None:
    """The units of every sum of money say so; a price stays in quote currency."""
    inverse = {"contract": {"kind": "inverse", "face": 1.0, "settle": "BTC"}, "tier_unit": "coin"}
    study = small(tmp_path, {"book": {"collateral": 0.5}, "sweep": SWEEP, "sampling": {"paths": BLOCK}}, **inverse)
    ds = run_plan(make_plan(study), Serial())
    assert (ds.mean_pnl.units, ds.value_at_risk.units, ds.liquidation_price.units) == ("BTC", "BTC", "quote currency")
    assert "Money in BTC" in ds.attrs["conventions"]
    assert ds.value_at_risk.max() < 0.6
