"""Bits in, bits out."""

import numpy as np
import pytest
import xarray as xr
import zarr

from stresslab.store.encode import json_values, pack, read_dataset, unpack, write_dataset

NAN_WITH_PAYLOAD = np.array([0x7FF8_0000_0000_BEEF, 0xFFF0_0000_0000_0001], dtype=np.uint64).view(np.float64)

ARRAYS = {
    "float64": np.array([[1.5, -0.0], [np.nan, np.inf]]),
    "payload": NAN_WITH_PAYLOAD,
    "zeros": np.zeros(5),
    "negative zeros": np.full(5, -0.0),
    "float32": np.float32([1e-45, 3e38]),
    "float16": np.float16([[0.1]]),
    "complex": np.array([1 - 2j]),
    "int64": np.array([-(2**63), 2**63 - 1]),
    "uint64": np.array([2**64 - 1], dtype=np.uint64),
    "int8": np.int8([-128]),
    "bool": np.array([True, False]),
    "0-d": np.array(3.25),
    "0-d int": np.array(7, dtype=np.int32),
    "empty": np.zeros((0, 3), dtype=np.float32),
    "big-endian": np.array([1, 2], dtype=">i4"),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "strided": np.arange(10)[::3],
    "3-d": np.arange(24).reshape(2, 3, 4),
}


def same_bits(left: np.ndarray, right: np.ndarray) -> bool:
    return left.dtype == right.dtype and left.shape == right.shape and left.tobytes() == right.tobytes()


def test_parts_come_back_bit_for_bit():
    packed = pack({"a/1": ARRAYS, "no arrays": {}, "b": {"float64": np.array(2.0), "a/b": np.array([1])}})
    back = unpack(packed, 0)
    assert list(back) == list(ARRAYS)
    assert all(same_bits(back[name], value) for name, value in ARRAYS.items())
    assert unpack(packed, 1) == {}
    assert unpack(packed, 2) == {"float64": np.array(2.0), "a/b": np.array([1])}
    assert all(isinstance(value, np.ndarray) for value in back.values())


@pytest.mark.parametrize(
    "value", [np.array(["text"]), np.array([None]), np.array(["2026-01-01"], dtype="datetime64[D]")]
)
def test_only_numbers_are_packed(value):
    with pytest.raises(TypeError, match="only numbers and booleans"):
        pack({"a": {"x": value}})


@pytest.mark.parametrize("name", ARRAYS)
def test_a_variable_comes_back_bit_for_bit(name):
    value = ARRAYS[name]
    dims = [f"d{axis}" for axis in range(value.ndim)]
    dataset = xr.Dataset({"x": (dims, value, {"units": "1"})})
    group = zarr.create_group({})
    back = read_dataset(group, write_dataset(group, dataset))
    assert same_bits(back["x"].values, value)
    assert back["x"].dims == tuple(dims)


@pytest.mark.parametrize(
    "text", [np.array(["1D", "30D", ""]), np.array("ok"), np.array(["é", "日本"], dtype="U9"), np.array([], dtype="U3")]
)
def test_strings_keep_their_width(text):
    dataset = xr.Dataset({"x": ([f"d{axis}" for axis in range(text.ndim)], text)})
    group = zarr.create_group({})
    assert same_bits(read_dataset(group, write_dataset(group, dataset))["x"].values, text)


def test_a_dataset_comes_back_identical_and_in_order(dataset):
    group = zarr.create_group({})
    back = read_dataset(group, write_dataset(group, dataset))
    xr.testing.assert_identical(back, dataset)
    assert list(back.variables) == list(dataset.variables)
    assert list(back.attrs) == list(dataset.attrs)
    assert all(same_bits(back[name].values, dataset[name].values) for name in dataset.variables)


def test_strings_of_any_make_are_strings():
    group = zarr.create_group({})
    back = read_dataset(group, write_dataset(group, xr.Dataset({"x": ("d", np.array(["a", "bc"], dtype=object))})))
    assert back["x"].dtype == "U2"


def test_what_cannot_be_kept_is_refused():
    times = xr.Dataset({"when": ("t", np.array(["2026-01-01"], dtype="datetime64[ns]"))})
    with pytest.raises(TypeError, match="'when' has dtype datetime64"):
        write_dataset(zarr.create_group({}), times)


def test_attributes_are_json():
    values = json_values({"a": np.float64(0.1), "b": np.int64(7), "c": [1, {"d": None}], "e": True})
    assert values == {"a": 0.1, "b": 7, "c": [1, {"d": None}], "e": True}
    assert type(values["a"]) is float and type(values["b"]) is int
    with pytest.raises(TypeError, match="is not a string"):
        json_values({"a": np.arange(3)})
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_values({"a": float("nan")})
