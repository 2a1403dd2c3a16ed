"""Files that others read: what is in them, and that a failure leaves nothing."""

import csv
import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from stresslab.errors import InputError, RunError
from stresslab.store import export, open_store
from stresslab.store.export import FORMATS
from stresslab.store.table import tidy

SUFFIXES = ["nc", "zarr", "csv", "parquet", "json"]


@pytest.mark.parametrize("suffix, opened", [("nc", xr.load_dataset), ("zarr", lambda path: xr.open_zarr(path).load())])
def test_whole_datasets(tmp_path, dataset, suffix, opened):
    path = tmp_path / f"out.{suffix}"
    export(dataset, path)
    back = opened(path)
    xr.testing.assert_identical(back, dataset)
    for name, variable in dataset.variables.items():
        if variable.dtype.kind != "U":
            assert back[name].dtype == variable.dtype
            assert back[name].values.tobytes() == variable.values.tobytes()
    assert back.sel(horizon="7D", model="heston")["n_paths"] == 131072


def test_zarr_is_version_3(tmp_path, dataset):
    export(dataset, tmp_path / "out.zarr")
    metadata = json.loads((tmp_path / "out.zarr" / "hits" / "zarr.json").read_text())
    assert metadata["zarr_format"] == 3
    assert metadata["dimension_names"] == ["model", "leverage", "horizon", "event"]


def test_csv_round_trips(tmp_path, dataset):
    export(dataset, tmp_path / "out.csv")
    text = (tmp_path / "out.csv").read_text()
    assert text.startswith("model,leverage,horizon,event,probability,") and "\r" not in text
    table = tidy(dataset)
    rows = list(csv.DictReader(text.splitlines()))
    assert len(rows) == len(table)
    for name, column in table.items():
        written = [row[name] for row in rows]
        if column.dtype == np.float64:
            assert np.array_equal([float(value or "nan") for value in written], column, equal_nan=True)
        else:
            assert written == [str(value) for value in column]


def test_parquet_round_trips(tmp_path, dataset):
    export(dataset, tmp_path / "out.parquet")
    back = pd.read_parquet(tmp_path / "out.parquet")
    pd.testing.assert_frame_equal(back, tidy(dataset), check_exact=True, check_dtype=False)
    assert back["hits"].dtype == np.int64
    assert back.attrs == dataset.attrs


def test_json_is_strict(tmp_path, dataset):
    dataset["mean_pnl"][0, 0] = [np.inf, -np.inf]
    export(dataset, tmp_path / "out.json")
    document = json.loads((tmp_path / "out.json").read_text(), parse_constant=lambda name: pytest.fail(name))
    assert document["attrs"] == dataset.attrs
    assert document["columns"]["mean_pnl"] == {"units": "USDT", "long_name": "PnL"}
    table = tidy(dataset)
    assert len(document["records"]) == len(table)
    assert [row["mean_pnl"] for row in document["records"][:4]] == ["Infinity", "Infinity", "-Infinity", "-Infinity"]
    assert document["records"][-1]["probability"] is None
    assert document["records"][5]["probability"] == table["probability"][5]
    assert document["records"][0]["converged"] is True


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_dataset_from_the_store_exports_quietly(tmp_path, dataset, provenance, suffix):
    store = open_store(tmp_path / "store")
    store.begin("key").finish(dataset.isel(model=0, leverage=0, drop=True).assign_attrs(swept="[]"), provenance)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        export(store.read(), tmp_path / f"out.{suffix}")
    assert said == []


@pytest.mark.parametrize("name", ["out.xlsx", "out", "out.nc.gz", ".csv"])
def test_unknown_suffixes(tmp_path, dataset, name):
    with pytest.raises(InputError, match="the suffix is one of .nc, .zarr, .csv, .parquet, .json"):
        export(dataset, tmp_path / name)


def test_capital_suffixes(tmp_path, dataset):
    export(dataset, tmp_path / "OUT.CSV")
    assert len(pd.read_csv(tmp_path / "OUT.CSV")) == 24


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_existing_target(tmp_path, dataset, suffix):
    target = tmp_path / f"out.{suffix}"
    for make in (lambda: target.write_text("old"), lambda: (target.unlink(), target.mkdir(), (target / "x").touch())):
        make()
        with pytest.raises(InputError, match="this exists already"):
            export(dataset, target)
    export(dataset, target, overwrite=True)
    export(dataset, target, overwrite=True)
    assert [child.name for child in tmp_path.iterdir()] == [target.name]
    assert target.is_dir() == (suffix == "zarr") and not (target / "x").exists()


def test_a_folder_that_is_not_there(tmp_path, dataset):
    with pytest.raises(InputError, match="there is no such folder"):
        export(dataset, tmp_path / "none" / "out.csv")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("error, seen", [(OSError(28, "full"), RunError), (KeyboardInterrupt(), KeyboardInterrupt)])
def test_a_failure_leaves_nothing(tmp_path, dataset, monkeypatch, suffix, error, seen):
    target = tmp_path / f"out.{suffix}"
    target.write_text("old")

    def fail(_):
        raise error

    monkeypatch.setattr("stresslab.files.writing.os.fsync", fail)
    with pytest.raises(seen):
        export(dataset, target, overwrite=True)
    assert [child.name for child in tmp_path.iterdir()] == [target.name]
    assert target.read_text() == "old"


def test_a_failure_to_rename_keeps_the_old_folder(tmp_path, dataset, monkeypatch):
    target = tmp_path / "out.zarr"
    target.mkdir()
    (target / "old").touch()
    rename = Path.rename

    def lose(path, to):
        if path.name.endswith(".part"):
            raise OSError(2, "No such file or directory")
        return rename(path, to)

    monkeypatch.setattr(Path, "rename", lose)
    with pytest.raises(RunError, match="could not write: No such file"):
        export(dataset, target, overwrite=True)
    assert (target / "old").exists() and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_link_and_a_device(tmp_path, dataset, suffix):
    (tmp_path / f"link.{suffix}").symlink_to(f"far.{suffix}")
    export(dataset, tmp_path / f"link.{suffix}")
    assert (tmp_path / f"link.{suffix}").is_symlink() and (tmp_path / f"far.{suffix}").exists()
    (tmp_path / f"null.{suffix}").symlink_to("/dev/null")
    if suffix == "zarr":
        with pytest.raises(InputError, match="is a pipe or a device"):
            export(dataset, tmp_path / "null.zarr")
    else:
        export(dataset, tmp_path / f"null.{suffix}")  # a device is written to, not replaced: nothing to overwrite
    assert (tmp_path / f"null.{suffix}").is_char_device()


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_name_that_is_too_long(tmp_path, dataset, suffix):
    with pytest.raises(InputError, match="File name too long"):
        export(dataset, tmp_path / ("n" * 255 + suffix))
