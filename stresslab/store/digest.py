"""Digests of stored runs, which detect damage when a run is read.

Icechunk's snapshots and manifests carry no checksums: one wrong bit may read as another number, or as the fill value. A
run's digests stand in the metadata of its commit. They are of canonical bytes: names in order, JSON with sorted keys,
arrays as C-ordered bytes with dtype, dimensions and shape.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

Outline = list[list[Any]]  # per variable, by name: name, dtype, whether a coordinate, dimensions, shape, attributes


def of_json(value: Any) -> str:
    """The digest of a JSON value; the order of keys does not count."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, allow_nan=False).encode()).hexdigest()


def of_outline(outline: Outline, attrs: Mapping[str, Any]) -> str:
    """The digest of a dataset's outline: names, dtypes, shapes and attributes, without the values."""
    return of_json([sorted(outline, key=lambda row: str(row[0])), dict(attrs)])


def of_arrays(arrays: Mapping[str, np.ndarray]) -> str:
    """The digest of the values; dtypes and shapes are in the outline."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(of_bytes(name.encode(), arrays[name].tobytes()).encode())
    return digest.hexdigest()


def of_bytes(*parts: bytes) -> str:
    """The digest of several byte strings, including their lengths."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()


def sealed(record: Mapping[str, Any], **digests: Any) -> dict[str, Any]:
    """The digests of a run, with a digest of them and the record."""
    return digests | {"seal": of_json([dict(record), digests])}


def is_intact(record: Mapping[str, Any], seals: Mapping[str, Any]) -> bool:
    """Whether `seals` are what `sealed` gave for this record."""
    rest = {name: value for name, value in seals.items() if name != "seal"}
    return seals.get("seal") == of_json([dict(record), rest])
