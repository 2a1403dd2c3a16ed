"""What changed from one run to another."""

import json
from typing import Any

import numpy as np
import xarray as xr

from stresslab.errors import InputError
from stresslab.estimate.intervals import Z


def compare_ruin(before: xr.Dataset, after: xr.Dataset) -> list[dict[str, Any]]:
    """Ruin of each cell and horizon that both runs have, with the change.

    The interval of the change takes the runs as independent. Runs with one seed share their random numbers, so the true
    interval is narrower: what is marked as changed is changed.
    """
    swept = json.loads(before.attrs["swept"])
    if swept != json.loads(after.attrs["swept"]):
        raise InputError(
            "the runs sweep different fields", key="RUN_B", got=after.attrs["swept"], hint=f"RUN_A sweeps {swept}"
        )
    left, right = xr.align(before, after, join="inner")
    if left.sizes.get("horizon", 0) == 0 or any(left.sizes[dim] == 0 for dim in swept):
        raise InputError("the runs have no cell and horizon in common", key="RUN_B", got=after.attrs["study_name"])
    rows = []
    dims = [*swept, "horizon"]
    for index in np.ndindex(*(left.sizes[dim] for dim in dims)):
        at = dict(zip(dims, index, strict=True))
        a, b = left.isel(at), right.isel(at)
        change = float(b.ruin_probability - a.ruin_probability)
        reach = Z * float(np.hypot(a.ruin_probability_se, b.ruin_probability_se))
        rows.append(
            {
                **{dim: a[dim].item() for dim in dims},
                "before": f"{float(a.ruin_probability):.5f}",
                "after": f"{float(b.ruin_probability):.5f}",
                "change": f"{change:+.5f} +- {reach:.5f}",
                "verdict": "changed" if abs(change) > reach else "within error",
            }
        )
    return rows
