"""The tidy table: its rows, its columns, its units."""

import numpy as np
import pytest
import xarray as xr

from stresslab.store.table import tidy, units

COLUMNS = [
    *("model", "leverage", "horizon", "event"),
    *("probability", "hits", "time_median", "mean_pnl"),
    *("probability_by_cause_diffusion", "probability_by_cause_gap", "probability_by_cause_funding"),
    *("value_at_risk_0.95", "value_at_risk_0.99"),
    *("status", "n_paths", "converged"),
]


def test_a_row_per_cell_horizon_and_event(dataset):
    table = tidy(dataset)
    assert list(table.columns) == COLUMNS
    assert len(table) == 2 * 3 * 2 * 2
    assert not table.duplicated(["model", "leverage", "horizon", "event"]).any()
    first = table.iloc[0]
    assert (first["model"], first["leverage"], first["horizon"], first["event"]) == ("gbm", 3, "1D", "liquidation")
    assert table.iloc[1]["event"] == "bankruptcy"


def test_every_value_is_in_its_row(dataset):
    for _, row in tidy(dataset).iterrows():
        cell = {"model": row["model"], "leverage": row["leverage"]}
        at = cell | {"horizon": row["horizon"], "event": row["event"]}
        np.testing.assert_equal(row["probability"], dataset["probability"].sel(at).item())
        assert row["hits"] == dataset["hits"].sel(at).item()
        assert row["mean_pnl"] == dataset["mean_pnl"].sel(cell | {"horizon": row["horizon"]}).item()
        assert row["probability_by_cause_gap"] == dataset["probability_by_cause"].sel(at | {"cause": "gap"}).item()
        risk = dataset["value_at_risk"].sel(cell | {"horizon": row["horizon"], "loss_level": 0.99})
        assert row["value_at_risk_0.99"] == risk.item()
        assert row["status"] == dataset["status"].sel(cell).item()
        assert row["n_paths"] == dataset["n_paths"].sel(model=row["model"]).item()


def test_counts_stay_whole_numbers(dataset):
    table = tidy(dataset)
    assert table["hits"].dtype == np.int64 and table["n_paths"].dtype == np.int64 and table["converged"].dtype == bool


def test_the_order_of_the_sweep_holds(dataset):
    turned = (
        dataset[["n_paths", *dataset.data_vars]]
        .transpose("event", "horizon", ...)
        .assign_attrs(swept='["leverage", "model"]')
    )
    assert list(tidy(turned).columns[:4]) == ["leverage", "model", "horizon", "event"]
    assert tidy(turned)["leverage"].is_monotonic_increasing


def test_without_a_sweep(dataset):
    alone = dataset.isel(model=1, leverage=0, drop=True).assign_attrs(swept="[]")
    table = tidy(alone)
    assert list(table.columns) == COLUMNS[2:]
    assert len(table) == 4 and set(table["status"]) == {"ok"}


def test_other_datasets_have_their_dimensions_as_rows():
    paths = xr.Dataset({"price": (("path", "time"), np.arange(6.0).reshape(2, 3))}, coords={"time": [0.0, 0.5, 1.0]})
    assert tidy(paths).values.tolist()[-1] == [1, 1.0, 5.0]
    assert units(paths, tidy(paths)) == {"path": {}, "time": {}, "price": {}}
    assert tidy(xr.Dataset({"x": 1.5, "n": 2})).to_dict("records") == [{"x": 1.5, "n": 2}]


@pytest.mark.parametrize("column, unit", [("hits", "1"), ("value_at_risk_0.95", "USDT"), ("time_median", "days")])
def test_units_of_the_columns(dataset, column, unit):
    described = units(dataset, tidy(dataset))
    assert list(described) == COLUMNS
    assert described[column]["units"] == unit
    assert described["model"] == {}
