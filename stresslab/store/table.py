"""A run's dataset as one tidy table: a row per cell, horizon and event.

Columns: the swept dimensions, `horizon` and `event` first; then every variable. What does not depend on the event (a
horizon's PnL), or not on the horizon either (a cell's status, notional, number of paths), is repeated. Causes and loss
levels are spread into columns: `probability_by_cause_gap`, `value_at_risk_0.95`. Left out, because they are curves with
an axis of their own: `survival`, its interval, and `loss_count`; they are in the .nc and .zarr exports.
"""

import json
from collections.abc import Iterator

import pandas as pd
import xarray as xr

SPREAD = ("cause", "loss_level")
CURVES = {"survival_time", "loss_bin"}
LAST = ("horizon", "event")


def tidy(dataset: xr.Dataset) -> pd.DataFrame:
    """The table described above; for any other dataset a row per point of all its dimensions."""
    columns = {
        name: column
        for variable in dataset.data_vars.values()
        if not CURVES & set(variable.dims)
        for name, column in _spread(str(variable.name), variable)
    }
    used = {dim for column in columns.values() for dim in column.dims}
    swept = json.loads(dataset.attrs.get("swept", "[]"))
    order = [dim for dim in dict.fromkeys([*swept, *dataset.sizes]) if dim in used and dim not in LAST]
    order += [dim for dim in LAST if dim in used]
    if not order:
        return pd.DataFrame([{name: column.item() for name, column in columns.items()}])
    table = xr.Dataset(columns).reset_coords(drop=True).to_dataframe(dim_order=order).reset_index()
    return table[[*order, *columns]]


def units(dataset: xr.Dataset, table: pd.DataFrame) -> dict[str, dict[str, str]]:
    """For each column, the units and the long name of the variable that it comes from."""
    names = sorted(map(str, dataset.variables), key=len, reverse=True)
    described = {}
    for column in table.columns:
        source = next((name for name in names if column == name or column.startswith(f"{name}_")), None)
        attrs = dataset[source].attrs if source else {}  # a dimension without coordinates has none
        described[column] = {key: str(attrs[key]) for key in ("units", "long_name") if key in attrs}
    return described


def _spread(name: str, variable: xr.DataArray) -> Iterator[tuple[str, xr.DataArray]]:
    dim = next((dim for dim in SPREAD if dim in variable.dims), None)
    if dim is None:
        yield name, variable
        return
    for label in variable[dim].values:
        yield from _spread(f"{name}_{label}", variable.sel({dim: label}, drop=True))
