"""Short lists: limits in full, cells that were not run, path counts."""

import math
from collections.abc import Sequence

import numpy as np
import xarray as xr

from stresslab.limits import LimitResult
from stresslab.report import words
from stresslab.report.layout import Index, Layout, at, names, value
from stresslab.report.tables import Body, Cell, Row, Table

MANY = 40  # cells named one by one before the rest is counted


def limit_rows(limits: Sequence[LimitResult]) -> Table:
    """Every limit in full: what it asks, the worst cell, its probability and interval, and why."""
    rows = []
    for limit in limits:
        asked = f"{words.event_words(limit.event)} within {words.horizon_words(limit.horizon)}"
        where = words.cell_name(limit.where) or "every cell"
        state = limit.state + (f", counts as {limit.effective_state}" if limit.effective_state != limit.state else "")
        estimate = (limit.probability, limit.lower, limit.upper)
        cells = [
            Cell(state, notes=(limit.reason,) if limit.reason else ()),
            Cell(asked, notes=(where,)),
            Cell(words.share(limit.maximum)),
            Cell(words.probability(*estimate), notes=(words.interval(*estimate),)),
            Cell(words.cell_name(limit.worst) or "this book"),
        ]
        rows.append(Row("", limit.name, cells))
    return Table("limit", ["state", "asks", "maximum", "probability", "worst cell"], [Body(rows)])


def missing(ds: xr.Dataset, layout: Layout) -> Table:
    """Cells that were not run or fell short of their target: one row per status and reason, with the cells."""
    found: dict[tuple[str, str], list[Index]] = {}
    for index in layout.combinations(layout.dims):
        status, reason = (str(at(ds, name, index)) for name in ("status", "status_reason"))
        if status != "ok":
            found.setdefault((status, reason), []).append(index)
    rows = [
        Row("", status.replace("_", " "), [Cell(reason), Cell(str(len(cells))), Cell(_cells_words(ds, layout, cells))])
        for (status, reason), cells in sorted(found.items())
    ]
    return Table("status", ["reason", "cells", "which"], [Body(rows)])


def _cells_words(ds: xr.Dataset, layout: Layout, cells: list[Index]) -> str:
    """A group of cells by the values that single it out where that is possible, else one by one."""
    values = {dim: sorted({cell[dim] for cell in cells}) for dim in layout.dims}
    if math.prod(len(places) for places in values.values()) == len(cells):  # every combination of these values
        parts = {dim: places for dim, places in values.items() if len(places) < layout.sizes[dim]}
        texts = [
            ", ".join(words.named(dim, value(ds, dim, place)) for place in places) for dim, places in parts.items()
        ]
        return " \u00b7 ".join(texts) or "every cell"
    texts = [words.cell_name(names(ds, cell)) for cell in cells[:MANY]]
    return "; ".join(texts) + (f"; and {len(cells) - MANY:,} more" if len(cells) > MANY else "")


def paths(ds: xr.Dataset) -> Table:
    """Path counts and what ended the sampling, per market cell."""
    dims = [str(dim) for dim in ds["n_paths"].dims]
    rows = []
    for places in np.ndindex(*(ds.sizes[dim] for dim in dims)):
        index = dict(zip(dims, places, strict=True))
        where = words.cell_name(names(ds, index)) or "all cells"
        numbers = [words.number(float(at(ds, name, index))) for name in ("n_paths", "effective_sample_size")]
        rows.append(Row("", where, [Cell(text) for text in (*numbers, str(at(ds, "stopped_by", index)))]))
    return Table("market", ["paths", "effective sample size", "stopped by"], [Body(rows)])
