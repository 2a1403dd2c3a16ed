"""Datasets as Zarr groups and partial results as bytes, so that both come back bit for bit.

A dataset is written as Zarr v3 arrays with dimension names and plain attributes, without the masks and scales of the CF
conventions: `xarray.open_zarr` reads it as it is. Strings become the standard variable-length `string`; the type that
numpy has for them is not specified in Zarr v3. Their widths are kept apart, in the layout that `write_dataset` returns.
"""

import io
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
import zarr
from zarr.codecs import ZstdCodec
from zarr.dtype import VariableLengthUTF8

from stresslab.store import digest

COMPRESSOR = ZstdCodec(level=3, checksum=True)  # a damaged chunk is an error, never another number
NUMERIC = "biufc"  # numpy's kinds: bool, signed, unsigned, float, complex

Arrays = dict[str, np.ndarray]
LABELS = "coordinates"  # the attribute by which xarray tells coordinates that are not dimensions
Layout = list[list[Any]]  # per variable: name, dtype, whether it is a coordinate


def write_dataset(group: zarr.Group, dataset: xr.Dataset) -> Layout:
    """Write `dataset` into an empty group; the layout that `read_dataset` needs to restore order and dtypes."""
    layout: Layout = []
    for name, variable in dataset.variables.items():
        values = _plain(str(name), variable.values)
        dtype: Any = VariableLengthUTF8() if values.dtype.kind == "U" else values.dtype
        array = group.create_array(
            str(name),
            shape=values.shape,
            dtype=dtype,
            chunks=tuple(max(1, size) for size in values.shape),  # these arrays are small: one chunk each
            compressors=COMPRESSOR,
            dimension_names=[str(dim) for dim in variable.dims],
            attributes=json_values(variable.attrs),
        )
        array[...] = values
        layout.append([str(name), values.dtype.str, name in dataset.coords])
    attrs = json_values(dataset.attrs)
    labels = [name for name, _, is_coordinate in layout if is_coordinate and name not in dataset.dims]
    if labels:
        attrs[LABELS] = " ".join(labels)
    group.attrs.update(attrs)
    return layout


def read_dataset(group: zarr.Group, layout: Layout) -> xr.Dataset:
    """The dataset that `write_dataset` wrote, in memory, variables in their order and with their dtypes."""
    variables: dict[str, xr.Variable] = {}
    coords: dict[str, xr.Variable] = {}
    for name, dtype, is_coordinate in layout:
        array = array_of(group, name)
        values = np.asarray(array[...]).astype(dtype, copy=False)
        (coords if is_coordinate else variables)[name] = xr.Variable(_dims(array), values, dict(array.attrs))
    return xr.Dataset(variables, coords=coords, attrs=_attrs(group))


def array_of(group: zarr.Group, name: str) -> zarr.Array:
    """An array in one chunk. The check prevents a damaged shape from allocating terabytes."""
    array = group[name]
    if not isinstance(array, zarr.Array) or array.chunks != tuple(max(1, size) for size in array.shape):
        raise ValueError(f"{name} is not an array of one chunk")
    return array


def stored_digest(group: zarr.Group, layout: Layout) -> str:
    """The digest of the outline of a stored dataset, before its arrays are read."""
    rows = []
    for name, dtype, is_coordinate in layout:
        array = array_of(group, name)
        rows.append([name, dtype, is_coordinate, list(_dims(array)), list(array.shape), dict(array.attrs)])
    return digest.of_outline(rows, _attrs(group))


def outline_digest(dataset: xr.Dataset) -> str:
    """The value of `stored_digest` for `dataset` once it is stored."""
    rows = []
    for name, variable in dataset.variables.items():
        values = _plain(str(name), variable.values)
        dims, attrs = [str(dim) for dim in variable.dims], json_values(variable.attrs)
        rows.append([str(name), values.dtype.str, name in dataset.coords, dims, list(values.shape), attrs])
    return digest.of_outline(rows, json_values(dataset.attrs))


def values_digest(dataset: xr.Dataset) -> str:
    """The digest of the values of all variables."""
    return digest.of_arrays({str(name): _plain(str(name), v.values) for name, v in dataset.variables.items()})


def _dims(array: zarr.Array) -> tuple[str, ...]:
    return tuple(array.metadata.dimension_names or ())  # type: ignore


def _attrs(group: zarr.Group) -> dict[str, Any]:
    return {name: value for name, value in group.attrs.items() if name != LABELS}


def _plain(name: str, values: np.ndarray) -> np.ndarray:
    """Numbers as they are, strings as numpy's fixed-length ones; nothing else can be kept exactly."""
    if values.dtype.kind in "OT" and all(isinstance(value, str) for value in values.flat):
        values = values.astype(str)
    if values.dtype.kind not in NUMERIC + "U":
        raise TypeError(f"variable {name!r} has dtype {values.dtype}: only numbers, booleans and strings can be stored")
    return values


def json_values(attrs: Mapping[Any, Any]) -> dict[str, Any]:
    """The attributes as JSON values that come back equal: numpy's scalars as Python's, no NaN or infinity."""
    text = json.dumps(dict(attrs), default=_scalar, allow_nan=False)
    values: dict[str, Any] = json.loads(text)
    return values


def _scalar(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"attribute value {value!r} is not a string, a number, or a list or dict of them")


def pack(parts: Mapping[str, Arrays]) -> np.ndarray:
    """Several parts as one array of bytes (an .npz file, whose entries keep dtype, byte order, shape and bits)."""
    entries = {f"{number}/{name}": value for number, part in enumerate(parts.values()) for name, value in part.items()}
    for name, value in entries.items():
        if np.asarray(value).dtype.kind not in NUMERIC:
            raise TypeError(f"partial result {name!r} has dtype {np.asarray(value).dtype}: only numbers and booleans")
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **entries)
    return np.frombuffer(buffer.getvalue(), dtype=np.uint8)


def unpack(packed: np.ndarray, number: int) -> Arrays:
    """Part `number` of what `pack` packed."""
    with np.load(io.BytesIO(packed.tobytes()), allow_pickle=False) as file:
        entries = (entry.split("/", 1) for entry in file.files)
        return {name: file[f"{owner}/{name}"] for owner, name in entries if owner == str(number)}
