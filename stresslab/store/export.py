"""A dataset in a file that others read: .nc, .zarr, .csv, .parquet or .json by suffix.

`.nc` (NetCDF-4) and `.zarr` (Zarr v3) hold the whole dataset. `.csv` and `.parquet` hold the table that
`stresslab.store.table` describes; `.json` holds its rows as `records`, the units of its columns as `columns` and the
attributes of the dataset as `attrs`, with null for NaN and the strings "Infinity" and "-Infinity".
"""

import io
import json
import math
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import xarray as xr
import zarr
from zarr.core.buffer import Buffer
from zarr.errors import ZarrUserWarning
from zarr.storage import MemoryStore

from stresslab.errors import InputError
from stresslab.files.targets import is_stream, require_writable
from stresslab.files.writing import write, write_folder
from stresslab.store.encode import json_values, write_dataset
from stresslab.store.table import tidy, units


def export(dataset: xr.Dataset, path: str | os.PathLike[str], overwrite: bool = False) -> None:
    """Write `dataset` to `path` in the format of its suffix. A failure leaves no new file, and an old one as it was."""
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in FORMATS:
        raise InputError(f"the suffix is one of {', '.join(FORMATS)}", key="export", got=str(target))
    require_writable(target, "export", "folder" if suffix == ".zarr" and is_stream(target) else "either")
    if target.exists() and not is_stream(target) and not overwrite:
        raise InputError("this exists already", file=str(target), hint="Name another file, or ask to overwrite it")
    if not target.parent.is_dir():
        raise InputError("there is no such folder", key="export", got=str(target.parent))
    content = FORMATS[suffix](dataset)
    if isinstance(content, dict):
        write_folder(target, content)
    else:
        write(target, content)


def netcdf(dataset: xr.Dataset) -> bytes:
    """NetCDF-4, made in memory: HDF5 ends the process by a signal when its disk is full."""
    content = io.BytesIO()
    dataset.to_netcdf(content, engine="h5netcdf")
    return content.getvalue()


def zarr_files(dataset: xr.Dataset) -> dict[str, bytes]:
    """The files of a Zarr v3 group, by their paths in its folder."""
    files: dict[str, Buffer] = {}
    group = zarr.open_group(MemoryStore(files), mode="w", zarr_format=3)
    write_dataset(group, dataset)
    with warnings.catch_warnings():
        # Zarr v3 does not specify consolidated metadata yet, and xarray warns about stores without it.
        warnings.simplefilter("ignore", ZarrUserWarning)
        zarr.consolidate_metadata(group.store)
    return {name: buffer.to_bytes() for name, buffer in files.items()}


def csv(dataset: xr.Dataset) -> str:
    """The table, lines ended by a line feed."""
    return tidy(dataset).to_csv(index=False, lineterminator="\n")


def parquet(dataset: xr.Dataset) -> bytes:
    """The table, with the attributes of the dataset in the metadata."""
    table = tidy(dataset)
    table.attrs = json_values(dataset.attrs)  # pandas keeps them in the file
    return table.to_parquet(index=False)


def json_text(dataset: xr.Dataset) -> str:
    """The table as strict JSON."""
    table = tidy(dataset)
    records = [{name: _json_value(value) for name, value in row.items()} for row in table.to_dict("records")]
    document = {"attrs": json_values(dataset.attrs), "columns": units(dataset, table), "records": records}
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _json_value(value: Any) -> Any:
    if not isinstance(value, float) or math.isfinite(value):
        return value
    return None if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")


FORMATS: dict[str, Callable[[xr.Dataset], str | bytes | dict[str, bytes]]] = {
    ".nc": netcdf,
    ".zarr": zarr_files,
    ".csv": csv,
    ".parquet": parquet,
    ".json": json_text,
}
