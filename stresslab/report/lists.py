"""Short lists: limits in full, cells that were not run, path counts."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from stresslab.limits import LimitResult
from stresslab.report import words
from stresslab.report.layout import Layout, at, names
from stresslab.report.tables import Body, Cell, Row, Table


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
        rows.append(Row([(limit.name, 1)], cells))
    return Table(["limit"], ["state", "asks", "maximum", "probability", "worst cell"], [Body(rows)])


def missing(ds: xr.Dataset, layout: Layout) -> Table:
    """Cells that were not run or fell short of their target, with the reason."""
    rows = []
    for index in layout.combinations(layout.dims):
        status = str(at(ds, "status", index))
        if status != "ok":
            where = words.cell_name(names(ds, index)) or "this book"
            rows.append(Row([(where, 1)], [Cell(status.replace("_", " ")), Cell(str(at(ds, "status_reason", index)))]))
    return Table(["cell"], ["status", "reason"], [Body(rows)])


def paths(ds: xr.Dataset) -> Table:
    """Path counts and what ended the sampling, per market cell."""
    dims = [str(dim) for dim in ds["n_paths"].dims]
    rows = []
    for places in np.ndindex(*(ds.sizes[dim] for dim in dims)):
        index = dict(zip(dims, places, strict=True))
        where = words.cell_name(names(ds, index)) or "all cells"
        numbers = [words.number(float(at(ds, name, index))) for name in ("n_paths", "effective_sample_size")]
        rows.append(Row([(where, 1)], [Cell(text) for text in (*numbers, str(at(ds, "stopped_by", index)))]))
    return Table(["market"], ["paths", "effective sample size", "stopped by"], [Body(rows)])
