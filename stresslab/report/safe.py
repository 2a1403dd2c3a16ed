"""The largest leverage that stays below the limit: the furthest row value, per group of cells and horizon."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from stresslab.limits import LimitResult
from stresslab.report import words
from stresslab.report.layout import Index, Layout, names, numeric

DEFAULT_THRESHOLD = 0.01
MAX_GROUPS = 12


@dataclass(frozen=True)
class Threshold:
    """What ruin must stay below at one horizon, and the limit that says so (empty where none does)."""

    maximum: float
    limit: str


@dataclass(frozen=True)
class Safe:
    """The furthest row value that stays below the threshold, per group of cells and horizon."""

    dim: str
    subject: str  # "largest swept leverage"
    scope: str  # " in every model", or nothing
    thresholds: list[Threshold]  # per horizon
    groups: list[str]
    values: list[list[str]]  # per group, per horizon


def thresholds(ds: xr.Dataset, limits: Sequence[LimitResult]) -> list[Threshold]:
    """Per horizon the strictest limit on ruin, else one percent."""
    found = []
    for horizon in ds["horizon"].values.tolist():
        asked = [limit for limit in limits if limit.event == ds.attrs["ruin_event"] and limit.horizon == horizon]
        strictest = min(asked, key=lambda limit: limit.maximum, default=None)
        found.append(Threshold(strictest.maximum, strictest.name) if strictest else Threshold(DEFAULT_THRESHOLD, ""))
    return found


def safe_values(ds: xr.Dataset, layout: Layout, limits: Sequence[LimitResult]) -> Safe | None:
    """The furthest row value up to which every cell of the group stays below the threshold with its whole interval."""
    if layout.row is None or not numeric(ds, layout.row) or layout.sizes[layout.row] < 2:
        return None
    if not np.isfinite(ds["ruin_probability"].values).any():
        return None
    asked = thresholds(ds, limits)
    dims = layout.others(layout.row, layout.series)
    if np.prod([layout.sizes[dim] for dim in dims]) > MAX_GROUPS:
        dims = tuple(dim for dim in dims if dim == "side")
    rising = _rising(ds, layout.row)
    groups = list(layout.combinations(dims))
    values = [
        [
            _safe_value(ds, layout.row, group | {"horizon": place}, threshold.maximum, rising)
            for place, threshold in enumerate(asked)
        ]
        for group in groups
    ]
    subject = f"{'largest' if rising else 'smallest'} swept {words.title(layout.row)}"
    scope = f" in every {words.title(layout.series)}" if layout.series not in (None, layout.row) else ""
    return Safe(
        words.title(layout.row), subject, scope, asked, [words.cell_name(names(ds, group)) for group in groups], values
    )


def _rising(ds: xr.Dataset, row: str) -> bool:
    """Whether ruin grows with the row value (leverage) or falls with it (collateral)."""
    profile = ds["ruin_probability"].sortby(row).max([dim for dim in ds["ruin_probability"].dims if dim != row]).values
    finite = profile[np.isfinite(profile)]
    return finite.size < 2 or bool(finite[-1] >= finite[0])


def _safe_value(ds: xr.Dataset, row: str, index: Index, maximum: float, rising: bool) -> str:
    upper = ds["ruin_upper"].isel(index)
    allowed = (ds["status"] != "not_allowed").isel({dim: place for dim, place in index.items() if dim != "horizon"})
    rest = [dim for dim in upper.dims if dim != row]
    worst = (
        upper.where(allowed, 0.0).fillna(np.inf).max(rest).sortby(row, ascending=rising)
    )  # a failed cell is not below
    possible = allowed.any(rest).sortby(row, ascending=rising).values
    last: Any = None
    for place, bound in enumerate(worst.values):
        if bound >= maximum:
            break
        last = worst[row].values[place].item() if possible[place] else last
    if last is None:
        return "none"
    beyond = " (all)" if place == worst.size - 1 and bound < maximum else ""
    return words.label(row, last) + beyond
