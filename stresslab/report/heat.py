"""Heat maps of ruin as tables: row value by horizon, one panel per combination of up to two dimensions.

They are tables, not pictures, so that they print, scale and can be read out. The colour scale is logarithmic, fixed and
the same every night: nine classes whose edges are `EDGES`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from stresslab.limits import BREACH, UNDECIDED, LimitResult
from stresslab.report import words
from stresslab.report.answer import ruin
from stresslab.report.layout import MAX_COLUMNS, Index, Layout, at, names, value

EDGES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1)
MARKS = {BREACH: "\u25b2", UNDECIDED: "\u25c6"}


@dataclass(frozen=True)
class HeatCell:
    """One probability: its text, its interval, its colour class and what is said on hover."""

    text: str
    note: str
    style: str
    tip: str
    mark: str


@dataclass(frozen=True)
class Panel:
    """One small multiple."""

    title: str
    rows: list[tuple[str, list[HeatCell]]]


@dataclass(frozen=True)
class Heat:
    """All panels by pick of the dimensions that are chosen in drop-downs."""

    corner: str
    columns: list[str]
    across: int  # panels side by side
    selects: tuple[str, ...]
    groups: list[tuple[str, bool, list[Panel]]]  # pick, shown first, panels
    legend: list[tuple[str, str]]  # style, text
    marks: list[tuple[str, str]]  # glyph, text: those that occur


def heat(ds: xr.Dataset, layout: Layout, limits: Sequence[LimitResult]) -> Heat:
    """The heat maps of the whole dataset."""
    selects = layout.others(layout.row, *layout.panels)
    groups = []
    for choice in layout.combinations(selects):
        panels = [_panel(ds, layout, choice | index, limits) for index in layout.combinations(layout.panels)]
        groups.append((layout.pick(choice), layout.shown_first(choice), panels))
    across = min(MAX_COLUMNS, layout.sizes[layout.panels[-1]]) if layout.panels else 1
    corner = words.title(layout.row) if layout.row else ""
    return Heat(corner, ds["horizon"].values.tolist(), across, selects, groups, _legend(), _marks(groups))


def _panel(ds: xr.Dataset, layout: Layout, index: Index, limits: Sequence[LimitResult]) -> Panel:
    title = words.cell_name(names(ds, {dim: index[dim] for dim in layout.panels}))
    rows = []
    for row in layout.combinations((layout.row,) if layout.row else ()):
        cells = [_cell(ds, index | row | {"horizon": h}, limits) for h in range(layout.sizes["horizon"])]
        rows.append((" ".join(words.label(dim, value(ds, dim, row[dim])) for dim in row) or "this book", cells))
    return Panel(title, rows)


def _cell(ds: xr.Dataset, index: Index, limits: Sequence[LimitResult]) -> HeatCell:
    p, lower, upper = ruin(ds, index)
    place = words.cell_name(names(ds, index))
    status = str(at(ds, "status", index)).replace("_", " ")
    reason = str(at(ds, "status_reason", index))
    if not np.isfinite(p):
        return HeatCell(status, "", "none", f"{place}: {status}. {reason}", "")
    event = list(ds["event"].values).index(ds.attrs["ruin_event"])
    counted = index | {"event": event}
    hits, paths = int(at(ds, "hits", counted)), int(at(ds, "n_paths", index))
    se = float(at(ds, "standard_error", counted))
    tip = (
        f"{place}: {words.probability(p, lower, upper)}, 95 % interval {words.interval(p, lower, upper)} %. "
        f"{hits:,} of {paths:,} paths, standard error {words.share(se, 2)}."
    )
    judged = [(limit, state) for limit in limits if (state := _judged(ds, index, limit, (lower, upper)))]
    tip += "".join(f" Limit {limit.name} ({words.share(limit.maximum)}): {state}." for limit, state in judged)
    tip += f" {status.capitalize()}: {reason}." if status != "ok" else ""
    mark = next((MARKS[state] for state in MARKS if state in [found for _, found in judged]), "")
    note = words.interval(p, lower, upper, "\u2013") if 0 < p < 1 else f"{hits:,} of {paths:,}"
    shade = int(np.searchsorted(EDGES, max(p, 0.0), side="right")) if p > 0 else 0
    return HeatCell(words.probability(p, lower, upper), note, f"h{shade}", tip, mark)


def _judged(ds: xr.Dataset, index: Index, limit: LimitResult, bounds: tuple[float, float]) -> str:
    """How one cell stands against a limit on ruin; nothing where the limit does not ask about it."""
    here = names(ds, index)
    asked = limit.where | {"horizon": limit.horizon}
    if limit.event != ds.attrs["ruin_event"] or any(here.get(dim) != wanted for dim, wanted in asked.items()):
        return ""
    return BREACH if bounds[0] > limit.maximum else "pass" if bounds[1] < limit.maximum else UNDECIDED


def _marks(groups: list[tuple[str, bool, list[Panel]]]) -> list[tuple[str, str]]:
    said = {MARKS[BREACH]: "above a limit", MARKS[UNDECIDED]: "undecided against a limit"}
    seen = {cell.mark for _, _, panels in groups for panel in panels for _, cells in panel.rows for cell in cells}
    return [(mark, text) for mark, text in said.items() if mark in seen]


def _legend() -> list[tuple[str, str]]:
    edges = [words.share(edge) for edge in EDGES]
    inner = [f"{low.split(words.UNIT_SPACE)[0]}\u2013{high}" for low, high in zip(edges, edges[1:], strict=False)]
    return [(f"h{place}", text) for place, text in enumerate([f"below {edges[0]}", *inner, f"over {edges[-1]}"])]
