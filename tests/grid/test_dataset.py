"""The dataset as others rely on it: its variables with their dimensions, and what must hold between them."""

import json

import numpy as np
import pytest
import xarray as xr
from helpers.studies import BLOCK, COLLATERAL, SPOT, TWO_MARKETS, small

from stresslab.execution import run

N = 2 * BLOCK
INNER: dict[tuple[str, ...], list[str]] = {
    ("horizon", "event"): ["probability", "lower", "upper", "standard_error", "hits", "time_median"],
    ("horizon",): [
        *("ruin_probability", "ruin_probability_se", "ruin_lower", "ruin_upper"),
        *("mean_pnl", "mean_fees", "mean_funding", "shortfall_mean"),
        *("mean_pnl_se", "mean_fees_se", "mean_funding_se", "shortfall_mean_se"),
    ],
    ("horizon", "event", "cause"): ["probability_by_cause"],
    ("horizon", "loss_level"): [
        f"{name}{suffix}"
        for name in ("value_at_risk", "expected_shortfall")
        for suffix in ("", "_se", "_fraction", "_fraction_se")
    ],
    ("survival_time",): ["survival", "survival_lower", "survival_upper"],
    ("horizon", "loss_bin"): ["loss_count"],
    (): ["status", "status_reason", "notional", "quantity", "liquidation_price", "bankruptcy_price"],
}
OF_MARKET = ["n_paths", "effective_sample_size", "stopped_by"]
INTEGERS = ("hits", "loss_count", "n_paths")
ATTRIBUTES = (
    "study",
    "study_name",
    "study_hash",
    "seed",
    "as_of",
    "swept",
    "ruin_event",
    "rulebook_hashes",
    "versions",
)
CELL = ("sigma", "side", "leverage")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    sweep = TWO_MARKETS["sweep"] | {"book.leverage": [5.0, 60.0, 12.0]}  # 60 times is not for sale
    return small(tmp_path_factory.mktemp("dataset"), {"sweep": sweep, "sampling": {"paths": N}})


@pytest.fixture(scope="module")
def ds(study) -> xr.Dataset:
    return run(study)


@pytest.fixture(scope="module")
def held(ds) -> xr.Dataset:
    return ds.sel(leverage=[5.0, 12.0])


def test_every_variable_has_its_dimensions(ds):
    expected = {name: (*CELL, *inner) for inner, names in INNER.items() for name in names}
    expected |= dict.fromkeys(OF_MARKET, ("sigma",))
    assert {name: ds[name].dims for name in ds.data_vars} == expected


def test_every_variable_says_what_it_is(ds):
    for name in ds.data_vars:
        assert set(ds[name].attrs) == {"units", "long_name"} and all(ds[name].attrs.values()), name
    for name in ("survival_time", "loss_lower", "loss_upper"):
        assert ds[name].attrs["units"]
    assert ds.survival_time.attrs["units"] == "days"
    assert ds.mean_pnl.attrs["units"] == ds.value_at_risk.attrs["units"] == "quote currency"


def test_types(ds):
    for name in ds.data_vars:
        kind = ds[name].dtype.kind
        assert kind == (
            "i" if name in INTEGERS else "O" if name in ("status", "status_reason", "stopped_by") else "f"
        ), name


def test_coordinates_are_the_swept_values(ds):
    assert list(ds.sigma.values) == [0.9, 1.2] and list(ds.leverage.values) == [5.0, 60.0, 12.0]
    assert list(ds.side.values) == ["long", "short"]
    assert list(ds.horizon.values) == ["1D", "3D"]
    assert list(ds.event.values) == ["liquidation", "bankruptcy", "loss_20", "loss_50", "loss_80"]
    assert list(ds.cause.values) == ["diffusion", "gap", "funding"]
    assert list(ds.loss_level.values) == [0.95, 0.99]
    np.testing.assert_allclose(ds.survival_time * 24, [0, 6, 12, 18, 24, 36, 48, 60, 72], rtol=1e-12)


def test_loss_bins_cover_the_line(ds):
    lower, upper = ds.loss_lower.values, ds.loss_upper.values
    assert lower[0] == -np.inf and lower[-1] == upper[-1] == 1.0  # open below; the atom of losing everything
    np.testing.assert_array_equal(lower[1:-1], upper[:-2])
    assert upper[-2] == 1.0


def test_attributes_hold_what_was_asked(ds, study):
    assert set(ATTRIBUTES) <= set(ds.attrs)
    assert all(isinstance(value, str | int | float) for value in ds.attrs.values())
    asked = json.loads(ds.attrs["study"])
    assert asked["market"]["spot"] == SPOT and asked["seed"] == ds.attrs["seed"] == 20260101
    assert asked["sweep"]["book.leverage"] == [5.0, 60.0, 12.0]
    assert ds.attrs["study_hash"] == study.hash and ds.attrs["study_name"] == "small"
    assert json.loads(ds.attrs["swept"]) == list(CELL)
    assert json.loads(ds.attrs["rulebook_hashes"]) == {"test/VENUE": study.rulebook().hash}
    assert ds.attrs["as_of"] == "2025-01-01T00:00:00Z" and ds.attrs["ruin_event"] == "liquidation"
    assert set(json.loads(ds.attrs["versions"])) >= {"stresslab", "jax", "jaxlib", "numpy"}


def test_a_refused_cell_says_why_and_holds_nothing(ds):
    refused = ds.sel(leverage=60.0)
    assert (refused.status == "not_allowed").all()
    assert all("allows a leverage above 0 and at most 50" in reason for reason in refused.status_reason.values.flat)
    for name in set(ds.data_vars) - {"status", "status_reason", *OF_MARKET}:
        values = refused[name].values
        assert (values == 0).all() if name in INTEGERS else np.isnan(values).all(), name


def test_allowed_cells_are_full(held):
    assert (held.status == "ok").all() and (held.status_reason == "").all()
    for name in held.data_vars:
        if held[name].dtype.kind == "f" and name != "time_median":
            assert np.isfinite(held[name]).all(), name
    assert (held.n_paths == N).all() and (held.effective_sample_size == N).all() and (held.stopped_by == "paths").all()


def test_probabilities_lie_in_their_intervals(held):
    assert (held.lower >= 0).all() and (held.lower <= held.probability).all()
    assert (held.probability <= held.upper).all() and (held.upper <= 1).all()
    np.testing.assert_allclose(held.probability, held.hits / N)
    p = held.probability
    np.testing.assert_allclose(held.standard_error, np.sqrt(p * (1 - p) / N))


def test_nothing_seen_is_not_impossible(held):
    none = held.hits == 0
    assert none.any()
    assert (held.upper.where(none) > 0).where(none, True).all()
    assert (held.lower.where(none, 0) == 0).all()
    assert np.isnan(held.time_median.where(none, np.nan)).all()
    assert (held.survival_lower[..., 1:] < 1).all()


def test_causes_sum_to_the_event(held):
    np.testing.assert_allclose(held.probability_by_cause.sum("cause"), held.probability, rtol=1e-12, atol=1e-15)


def test_events_only_become_more(held):
    """By the later horizon, and towards smaller losses; nobody is bankrupt who is not liquidated."""
    assert (held.hits.diff("horizon") >= 0).all()
    losses = held.hits.sel(event=["loss_80", "loss_50", "loss_20"])
    assert (losses.diff("event") >= 0).all()
    assert (held.hits.sel(event="bankruptcy") <= held.hits.sel(event="liquidation")).all()
    assert (held.shortfall_mean >= 0).all()
    assert (held.shortfall_mean.diff("horizon") >= 0).all() and (held.mean_fees.diff("horizon") >= 0).all()
    dearer = held.hits.sel(event="liquidation", leverage=12.0) >= held.hits.sel(event="liquidation", leverage=5.0)
    assert dearer.all()


def test_ruin_is_the_slice(held):
    ruin = held.sel(event="liquidation")
    for name in ("lower", "upper", "probability"):
        np.testing.assert_array_equal(held[f"ruin_{name}"], ruin[name])
    np.testing.assert_array_equal(held.ruin_probability_se, ruin.standard_error)


def test_survival_is_what_ruin_leaves(held):
    at_horizons = held.survival.sel(survival_time=[1.0, 3.0])
    np.testing.assert_allclose(1 - at_horizons.values, held.ruin_probability.values, atol=1e-12)
    np.testing.assert_allclose(1 - held.survival_lower.sel(survival_time=[1.0, 3.0]).values, held.ruin_upper.values)
    np.testing.assert_allclose(1 - held.survival_upper.sel(survival_time=[1.0, 3.0]).values, held.ruin_lower.values)
    assert (held.survival.sel(survival_time=0.0) == 1).all() and (held.survival.diff("survival_time") <= 0).all()
    assert (held.survival_lower <= held.survival).all() and (held.survival <= held.survival_upper).all()


def test_every_path_is_in_one_loss_bin(held):
    assert (held.loss_count.sum("loss_bin") == N).all()
    # liquidated paths of the tests' venue keep a residual: the atom holds only those that lost all
    assert (held.loss_count[..., -1] <= held.hits.sel(event="liquidation")).all()


def test_tails_are_in_order(held):
    value, shortfall = held.value_at_risk_fraction, held.expected_shortfall_fraction
    assert (value <= shortfall + 1e-9).all()
    assert (value.diff("loss_level") >= 0).all() and (shortfall.diff("loss_level") >= -1e-9).all()
    most = 1 + 12 * 0.0005  # all of the collateral, and an entry fee out of the wallet
    assert (shortfall <= most + 1e-6).all()
    np.testing.assert_allclose(held.value_at_risk, value * COLLATERAL)
    assert (held.value_at_risk_se >= 0).all() and (held.expected_shortfall_se >= 0).all()


def test_median_times_lie_before_their_horizon(held):
    ends = xr.DataArray([1.0, 3.0], dims="horizon")
    inside = (held.time_median > 0) & (held.time_median <= ends)
    assert inside.where(held.hits > 0, True).all()


def test_the_books_facts(held):
    leverage = xr.DataArray([5.0, 12.0], dims="leverage")
    np.testing.assert_allclose(held.notional, (leverage * COLLATERAL).broadcast_like(held.notional))
    np.testing.assert_allclose(held.quantity, held.notional / SPOT)
    long, short = held.sel(side="long"), held.sel(side="short")
    assert (long.bankruptcy_price < long.liquidation_price).all() and (long.liquidation_price < SPOT).all()
    assert (short.bankruptcy_price > short.liquidation_price).all() and (short.liquidation_price > SPOT).all()


ONE_BOOK = {"book": {"side": "long", "leverage": 12.0}}


def test_a_study_without_a_sweep_has_no_cell_dimensions(tmp_path, ds):
    models = {"gbm": {"kind": "gbm", "sigma": 1.2}}
    alone = run(small(tmp_path, ONE_BOOK | {"models": models, "sweep": None, "sampling": {"paths": N}}))
    for inner, names in INNER.items():
        for name in names:
            assert alone[name].dims == inner
    cell = ds.sel(sigma=1.2, side="long", leverage=12.0)
    for name in ("hits", "loss_count", "survival", "liquidation_price"):
        np.testing.assert_array_equal(alone[name], cell[name])
    np.testing.assert_allclose(alone.mean_pnl, cell.mean_pnl, rtol=1e-6)  # another ladder: float32 may round otherwise
    assert alone.n_paths.dims == ()


def test_market_dimensions_alone(tmp_path):
    """A sweep of the market only: the book has no dimension."""
    found = run(small(tmp_path, ONE_BOOK | {"sweep": {"models.gbm.sigma": [0.9, 1.2]}}))
    assert found.probability.dims == ("sigma", "horizon", "event") and found.n_paths.dims == ("sigma",)


def test_book_dimensions_alone(tmp_path):
    found = run(small(tmp_path, {"sweep": {"book.side": ["long", "short"], "book.leverage": [5.0, 12.0]}}))
    assert found.probability.dims == ("side", "leverage", "horizon", "event") and found.n_paths.dims == ()
