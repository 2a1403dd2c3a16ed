"""What would make it worse: ruin in the neighbouring cells relative to the cell that the page opens with."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from stresslab.report import words
from stresslab.report.answer import ruin
from stresslab.report.layout import Layout, numeric, value
from stresslab.report.tables import Body, Cell, Row, Table

MANY = 8  # values of a dimension without an order that are compared one by one
TIMES = f"\u00d7{words.UNIT_SPACE}"


def worse(ds: xr.Dataset, layout: Layout) -> Table:
    """Ruin in the neighbouring cells relative to the headline cell, along every swept dimension, worst first."""
    found = []
    for dim in layout.dims:
        for place in _neighbours(ds, dim, layout.headline[dim]):
            cells, rank = [], 0.0
            for horizon in range(layout.sizes["horizon"]):
                here = layout.headline | {"horizon": horizon}
                text, note, ratio = _ratio(ruin(ds, here | {dim: place}), ruin(ds, here))
                cells.append(Cell(text, notes=(note,) if note else ()))
                rank = ratio if horizon == layout.headline["horizon"] else rank
            this, that = (words.label(dim, value(ds, dim, x)) for x in (layout.headline[dim], place))
            found.append((rank, Row("", f"{words.title(dim)} {this} \u2192 {that}", cells)))
    rows = [row for _, row in sorted(found, key=lambda pair: -pair[0])]
    return Table("change", ds["horizon"].values.tolist(), [Body(rows)])


def _neighbours(ds: xr.Dataset, dim: str, place: int) -> list[int]:
    """The next value down and up of a numeric dimension; every other value of a dimension without an order."""
    if not numeric(ds, dim):
        return [other for other in range(ds.sizes[dim]) if other != place][:MANY]
    order = np.argsort(ds[dim].values).tolist()
    rank = order.index(place)
    return [order[other] for other in (rank - 1, rank + 1) if 0 <= other < len(order)]


def _ratio(other: Sequence[float], base: Sequence[float]) -> tuple[str, str, float]:
    """Text, cautious range and rank of one ratio; the range sets the far ends of the intervals against each other."""
    (p, lower, upper), (q, base_lower, base_upper) = other, base
    if not (np.isfinite(p) and np.isfinite(q)):
        return words.NOTHING, "no number", -1.0
    if p <= 0 and q <= 0:
        return words.NOTHING, "no hits in either", 0.0
    if q <= 0:
        return f"> {TIMES}{_digits(lower / base_upper)}", "no hits here", float("inf")
    if p <= 0:
        return f"< {TIMES}{_digits(upper / base_lower)}", "no hits there", 0.0
    return f"{TIMES}{_digits(p / q)}", f"{_digits(lower / base_upper)} to {_digits(upper / base_lower)}", p / q


def _digits(ratio: float) -> str:
    """A ratio, aligned: 0.94, 2.50, 43.1, 110; small ones to two significant digits."""
    return words.quantity(ratio, 2) if ratio < 0.0995 else words.number(ratio, 2 if ratio < 10 else int(ratio < 100))
