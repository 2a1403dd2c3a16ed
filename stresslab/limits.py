"""Limits: what a study demands of its probabilities, judged with their intervals.

A limit passes when the upper end of the interval is below its maximum, is breached when the lower end is above it, and
is undecided otherwise. It judges every cell that its `where` selects and takes the worst of them. A cell that failed
is undecided, because it may hide a breach; a cell that the venue does not allow cannot be held: it is only named.
"""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from stresslab.errors import require

PASS, BREACH, UNDECIDED = "pass", "breach", "undecided"
NO_NUMBER = ("not_allowed", "failed")


@dataclass(frozen=True)
class LimitResult:
    """One limit and how it stands; the probability and its interval are those of the worst cell."""

    name: str
    event: str
    horizon: str
    where: dict[str, Any]
    maximum: float
    state: str  # pass, breach or undecided
    effective_state: str  # the same after the limit's `undecided` setting
    probability: float
    lower: float
    upper: float
    worst: dict[str, Any]  # coordinates of the worst cell, one per swept dimension
    cells: int  # cells selected
    without_number: int  # of those, not allowed or failed
    reason: str  # why it is undecided, and which cells have no number; empty where there is nothing to say


def limits_of(ds: xr.Dataset) -> list[dict[str, Any]]:
    """The limits written in the study that the dataset carries."""
    return list(json.loads(ds.attrs["study"]).get("limits") or [])


def evaluate(ds: xr.Dataset) -> list[LimitResult]:
    """Judge every limit of the study, in the study's order."""
    return [_evaluate(ds, limit) for limit in limits_of(ds)]


def breached(results: Iterable[LimitResult]) -> bool:
    """Whether any limit counts as breached: exit code 3."""
    return any(result.effective_state == BREACH for result in results)


def selected(ds: xr.Dataset, limit: dict[str, Any]) -> xr.Dataset:
    """The part of the dataset that a limit asks about: its event, its horizon and the cells of its `where`."""
    key = f"limits: {limit['name']}"
    choice = {"event": limit["event"], "horizon": limit["horizon"], **(limit.get("where") or {})}
    swept = json.loads(ds.attrs["swept"])
    index = {}
    for dim, value in choice.items():
        known = dim in ("event", "horizon") or dim in swept
        require(known, f"`where` names a swept dimension: {swept}", key=key, got=dim)
        found = [i for i, other in enumerate(ds[dim].values.tolist()) if _same(other, value)]
        require(bool(found), f"{dim} has no such value", key=key, got=value, hint=f"It has {ds[dim].values.tolist()}")
        index[dim] = found[0]
    return ds.isel(index)


def cell_states(part: xr.Dataset, maximum: float) -> np.ndarray:
    """State of each selected cell: pass, breach, undecided, or not_allowed and failed for a cell without a number."""
    probability, lower, upper = (part[name].values for name in ("probability", "lower", "upper"))
    judged = np.where(upper < maximum, PASS, np.where(lower > maximum, BREACH, UNDECIDED))
    missing = np.where(part["status"].values.astype(str) == NO_NUMBER[0], *NO_NUMBER)
    return np.where(np.isfinite(probability) & np.isfinite(lower) & np.isfinite(upper), judged, missing)


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, int | float) and isinstance(right, int | float):
        return bool(np.isclose(left, right, rtol=1e-9, atol=0))
    return bool(left == right)


def _evaluate(ds: xr.Dataset, limit: dict[str, Any]) -> LimitResult:
    part = selected(ds, limit)
    states = cell_states(part, float(limit["max"]))
    state = _worst_state(set(states.ravel().tolist()))
    place = _worst_place(part, states, state)
    worst = {dim: part[dim].values[place[i]].item() for i, dim in enumerate(part["status"].dims)}
    swept = json.loads(ds.attrs["swept"])
    numbers = {name: float(part[name].values[place]) for name in ("probability", "lower", "upper")}
    return LimitResult(
        name=limit["name"],
        event=limit["event"],
        horizon=limit["horizon"],
        where=dict(limit.get("where") or {}),
        maximum=float(limit["max"]),
        state=state,
        effective_state=limit.get("undecided", UNDECIDED) if state == UNDECIDED else state,
        worst={dim: worst[dim] if dim in worst else part[dim].item() for dim in swept},
        cells=int(states.size),
        without_number=int(np.isin(states, NO_NUMBER).sum()),
        reason=_reason(part, states, state),
        **numbers,
    )


def _worst_state(states: set[str]) -> str:
    if BREACH in states:
        return BREACH
    return PASS if PASS in states and not states & {UNDECIDED, "failed"} else UNDECIDED


def _worst_place(part: xr.Dataset, states: np.ndarray, state: str) -> tuple[int, ...]:
    """Position of the cell that decides: the likeliest one in the limit's state, else the first without a number."""
    for wanted in (state, *reversed(NO_NUMBER)):
        if (states == wanted).any():
            rank = np.where(states == wanted, np.nan_to_num(part["probability"].values, nan=0.0), -1.0)
            return tuple(int(i) for i in np.unravel_index(int(rank.argmax()), states.shape))
    return (0,) * states.ndim


def _reason(part: xr.Dataset, states: np.ndarray, state: str) -> str:
    words = ["the interval contains the maximum"] if state == UNDECIDED and (states == UNDECIDED).any() else []
    without = np.isin(states, NO_NUMBER)
    if without.any():
        counts = Counter(states[without].tolist())
        kinds = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in sorted(counts.items()))
        why = sorted({str(text) for text in part["status_reason"].values[without] if str(text)})
        who = (
            "no selected cell has a number"
            if without.all()
            else f"{without.sum()} of {states.size} cells have no number"
        )
        words.append(f"{who} ({kinds}{': ' + '; '.join(why[:2]) if why else ''})")
    return "; ".join(words)
