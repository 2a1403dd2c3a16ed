"""Everything that is in a dataset, to the byte, in a form in which a difference can be read."""

import hashlib

import numpy as np
import xarray as xr


def fingerprint(ds: xr.Dataset) -> dict[str, str]:
    """Of each variable and coordinate: dimensions, type, attributes and a hash of its bytes; and the attributes."""
    found = {f"@{name}": repr(value) for name, value in ds.attrs.items()}
    for name, variable in ds.variables.items():
        values = variable.values
        raw = repr(values.tolist()).encode() if values.dtype == object else np.ascontiguousarray(values).tobytes()
        digest = hashlib.sha256(raw).hexdigest()[:16]
        found[str(name)] = f"{variable.dims} {values.dtype} {values.shape} {dict(variable.attrs)} {digest}"
    return found
