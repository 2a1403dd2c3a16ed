"""A dataset in a file that others read: .nc, .zarr, .csv, .parquet or .json by suffix.

`.nc` (NetCDF-4) and `.zarr` (Zarr v3) hold the whole dataset. `.csv` and `.parquet` hold the table that
`stresslab.store.table` describes; `.json` holds its rows as `records`, the units of its columns as `columns` and the
attributes of the dataset as `attrs`, with null for NaN and the strings "Infinity" and "-Infinity".
"""

import json
import math
import os
import shutil
import warnings
from pathlib import Path
from typing import Any

import xarray as xr
import zarr
from zarr.errors import ZarrUserWarning

from stresslab.errors import InputError, RunError
from stresslab.store.encode import json_values, write_dataset
from stresslab.store.table import tidy, units


def export(dataset: xr.Dataset, path: str | os.PathLike[str], overwrite: bool = False) -> None:
    """Write `dataset` to `path` in the format of its suffix. A failure leaves no new file, and an old one as it was."""
    target = Path(path)
    write = WRITERS.get(target.suffix.lower())
    if write is None:
        raise InputError(f"the suffix is one of {', '.join(WRITERS)}", key="export", got=str(target))
    if target.exists() and not overwrite:
        raise InputError("this exists already", file=str(target), hint="Name another file, or ask to overwrite it")
    if not target.parent.is_dir():
        raise InputError("there is no such folder", key="export", got=str(target.parent))
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        write(dataset, unfinished)
        _move(unfinished, target)
    except OSError as error:
        raise RunError(f"{target}: could not write: {error.strerror or error}") from error
    finally:
        _remove(unfinished)


def _move(source: Path, target: Path) -> None:
    """Rename over whatever is there; a folder cannot be renamed over, so it steps aside first."""
    if not target.is_dir():
        os.replace(source, target)
        return
    aside = target.rename(source.with_suffix(".old"))
    try:
        source.rename(target)
    except OSError:
        aside.rename(target)
        raise
    _remove(aside)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _netcdf(dataset: xr.Dataset, path: Path) -> None:
    dataset.to_netcdf(path, engine="h5netcdf")


def _zarr(dataset: xr.Dataset, path: Path) -> None:
    group = zarr.open_group(path, mode="w", zarr_format=3)
    write_dataset(group, dataset)
    with warnings.catch_warnings():
        # Zarr v3 does not specify consolidated metadata yet, and xarray warns about stores without it.
        warnings.simplefilter("ignore", ZarrUserWarning)
        zarr.consolidate_metadata(group.store)


def _csv(dataset: xr.Dataset, path: Path) -> None:
    tidy(dataset).to_csv(path, index=False, lineterminator="\n")


def _parquet(dataset: xr.Dataset, path: Path) -> None:
    table = tidy(dataset)
    table.attrs = json_values(dataset.attrs)  # pandas keeps them in the file
    table.to_parquet(path, index=False)


def _json(dataset: xr.Dataset, path: Path) -> None:
    table = tidy(dataset)
    records = [{name: _json_value(value) for name, value in row.items()} for row in table.to_dict("records")]
    document = {"attrs": json_values(dataset.attrs), "columns": units(dataset, table), "records": records}
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def _json_value(value: Any) -> Any:
    if not isinstance(value, float) or math.isfinite(value):
        return value
    return None if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")


WRITERS = {".nc": _netcdf, ".zarr": _zarr, ".csv": _csv, ".parquet": _parquet, ".json": _json}
