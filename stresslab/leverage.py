"""The largest leverage that keeps ruin below a bound."""

import json
from typing import Any

import numpy as np
import xarray as xr

from stresslab.config.schema import Study
from stresslab.errors import InputError, require
from stresslab.files.validation import nearest

# from 1x to 125x in steps of about 5 %, whole numbers from 20x on: what venues let one set
LEVERAGES = tuple(sorted({round(x, 1) if x < 20 else float(round(x)) for x in np.geomspace(1, 125, 100)}))


def with_leverages(study: Study, ruin: float, horizon: str) -> Study:
    """The study with its leverage swept over `LEVERAGES`, everything else that it sweeps kept."""
    require(0 < ruin < 1, "is a probability between 0 and 1", key="--ruin", got=ruin)
    if horizon not in study.market.horizons:
        hint = nearest(horizon, study.market.horizons) or f"It has {list(study.market.horizons)}"
        raise InputError("is no horizon of the study", key="--horizon", got=horizon, hint=hint, file=study.file)
    book = study.book
    require(
        book.leverage is not None or "book.leverage" in study.sweep,
        "the book must be sized by leverage and collateral or quantity",
        key="book.leverage",
        file=study.file,
    )
    kept = {path: values for path, values in study.sweep.items() if path != "book.leverage"}
    return study.model_copy(update={"sweep": {**kept, "book.leverage": LEVERAGES}, "limits": ()})


def largest_leverage(ds: xr.Dataset, ruin: float, horizon: str) -> list[dict[str, Any]]:
    """For each other cell the largest leverage up to which the upper end of every interval stays below `ruin`."""
    others = [dim for dim in json.loads(ds.attrs["swept"]) if dim != "leverage"]
    upper = ds["ruin_upper"].sel(horizon=horizon)
    rows = []
    for index in np.ndindex(*(ds.sizes[dim] for dim in others)):
        at = dict(zip(others, index, strict=True))
        bounds = upper.isel(at).values
        allowed = bounds < ruin  # NaN, a leverage that the venue refuses, is not below
        n = int(np.argmin(allowed)) if not allowed.all() else len(allowed)
        found = {
            "max leverage": f"{ds['leverage'].values[n - 1]:g}" if n else "none",
            "ruin, upper bound": f"{bounds[n - 1]:.3g}" if n else f"{bounds[0]:.3g} at {ds['leverage'].values[0]:g}x",
            "next": "" if n == len(bounds) else f"{ds['leverage'].values[n]:g}x: " + _why(bounds[n]),
        }
        rows.append({**{dim: ds[dim].values[i] for dim, i in at.items()}, **found})
    return rows


def _why(bound: float) -> str:
    return f"{bound:.3g}" if np.isfinite(bound) else "not allowed by the venue"
