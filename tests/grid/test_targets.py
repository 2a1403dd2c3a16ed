"""When there are enough paths: looked at when the count has doubled, in each market cell for itself."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from helpers.studies import BLOCK, TWO_MARKETS, small

from stresslab.execution import run

START, MOST = 2, 24  # blocks


def sampled(folder: Path, target: dict[str, Any] | None, paths: int = START, **changes: Any) -> xr.Dataset:
    sampling: dict[str, Any] = {"paths": paths * BLOCK}
    if target is not None:
        sampling["target"] = {"event": "liquidation", "max_paths": MOST * BLOCK} | target
    return run(small(folder, TWO_MARKETS | {"sampling": sampling} | changes))


def half_width(ds: xr.Dataset, horizon: str | None, relative: bool) -> xr.DataArray:
    """The largest of all books of a market cell, over the horizons that are asked of."""
    event = ds.sel(event="liquidation")
    error = (event.upper - event.lower) / 2
    if relative:
        error = error / event.probability
    asked = error if horizon is None else error.sel(horizon=[horizon])
    return asked.max(["side", "leverage", "horizon"])


@pytest.mark.parametrize(
    "target, relative",
    [
        ({"absolute": 0.012}, False),
        ({"absolute": 0.009, "horizon": "1D"}, False),
        ({"relative": 0.3, "horizon": "3D"}, True),
        ({"relative": 0.9}, True),  # of the rarest event: 100 hits decide
    ],
)
def test_it_stops_at_the_first_doubling_that_is_enough(tmp_path, target, relative):
    ds = sampled(tmp_path, target)
    horizon = target.get("horizon")
    widths = half_width(ds, horizon, relative)
    hits = ds.hits.sel(event="liquidation")
    asked = (hits if horizon is None else hits.sel(horizon=[horizon])).min(["side", "leverage", "horizon"])
    goal = target.get("absolute", target.get("relative"))
    for sigma in ds.sigma.values:
        blocks = int(ds.n_paths.sel(sigma=sigma)) // BLOCK
        met = widths.sel(sigma=sigma) <= goal and (not relative or asked.sel(sigma=sigma) >= 100)
        assert blocks in (2, 4, 8, 16, 24)
        assert ds.stopped_by.sel(sigma=sigma) == ("target" if met else "max_paths")
        assert met or blocks == MOST
        if blocks > START:
            before = sampled(tmp_path, None, paths=blocks // 2 if blocks < MOST else 16)
            short_of = half_width(before, horizon, relative).sel(sigma=sigma) > goal
            fewer = before.hits.sel(event="liquidation", sigma=sigma, horizon=horizon or ["1D", "3D"]).min() < 100
            assert short_of or (relative and fewer)


def test_market_cells_stop_for_themselves(tmp_path):
    """The livelier market has more hits, and needs fewer paths for the same relative error."""
    n_paths = sampled(tmp_path, {"relative": 0.2, "horizon": "3D"}).n_paths
    assert int(n_paths.sel(sigma=1.2)) < int(n_paths.sel(sigma=0.9)) <= MOST * BLOCK


def test_a_run_with_a_target_is_the_run_with_that_many_paths(tmp_path):
    """Where it stops does not change what it has seen."""
    ds = sampled(tmp_path, {"absolute": 0.012})
    for sigma in ds.sigma.values:
        fixed = sampled(tmp_path, None, paths=int(ds.n_paths.sel(sigma=sigma)) // BLOCK)
        for name in ("hits", "mean_pnl", "loss_count", "expected_shortfall_se", "survival_upper"):
            np.testing.assert_array_equal(ds[name].sel(sigma=sigma), fixed[name].sel(sigma=sigma))


def test_what_is_not_met_is_said(tmp_path):
    """Nobody is bankrupt at 5 times within a day: 0 of 24,576 is no relative error, and the bound stays above 0."""
    ds = sampled(tmp_path, {"event": "bankruptcy", "relative": 0.9, "horizon": "1D"})
    assert (ds.hits.sel(event="bankruptcy", horizon="1D") == 0).all()
    assert (ds.status == "target_not_met").all() and (ds.stopped_by == "max_paths").all()
    assert (ds.n_paths == MOST * BLOCK).all()
    assert set(ds.status_reason.values.flat) == {"the target half-width was not reached with 24576 paths"}
    upper = ds.upper.sel(event="bankruptcy", horizon="1D")
    np.testing.assert_allclose(upper, 1 - 0.025 ** (1 / (MOST * BLOCK)), rtol=1e-9)
    assert np.isfinite(ds.mean_pnl).all()  # the numbers are there all the same


def test_books_that_meet_it_are_ok_beside_those_that_do_not(tmp_path):
    """One market cell goes on for its worst book; each book says how it stands itself."""
    ds = sampled(tmp_path, {"relative": 0.1, "horizon": "3D"})
    error = (ds.upper - ds.lower).sel(event="liquidation", horizon="3D") / 2
    np.testing.assert_array_equal(ds.status == "ok", error <= 0.1 * ds.ruin_probability.sel(horizon="3D"))
    assert {"ok", "target_not_met"} == set(ds.status.values.flat)


def test_an_absolute_target_can_be_met_without_a_hit(tmp_path):
    ds = sampled(tmp_path, {"event": "bankruptcy", "absolute": 0.01})
    assert (ds.stopped_by == "target").all() and (ds.n_paths == START * BLOCK).all()


def test_antithetic_pairs_count_as_one_draw(tmp_path):
    """The target is judged on intervals of pairs."""
    sampling = {"paths": START * BLOCK, "antithetic": True}
    target = {"event": "liquidation", "absolute": 0.012, "max_paths": MOST * BLOCK}
    ds = run(small(tmp_path, TWO_MARKETS | {"sampling": sampling | {"target": target}}))
    assert (half_width(ds, None, relative=False) <= 0.012).all()
    np.testing.assert_array_equal(ds.effective_sample_size, ds.n_paths / 2)
