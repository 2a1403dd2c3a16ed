"""What figures are made of: plain plotly dictionaries, one variant per pick, from which the browser chooses.

Colours are names of CSS variables ("var(--s0)"), so that one figure serves light, dark and print. Text from the study
passes through `words.figure_text`, and is never put in a template, where plotly would read it as markup.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from stresslab.report import words
from stresslab.report.layout import Index, Layout, at, numeric, value

Json = dict[str, Any]
COLOURS = 8
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "solid", "dash")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star", "hexagon")
PATTERNS = ("", "/", ".", "x", "-", "+", "|", "\\")
WIDE_RATIO = 8  # an axis whose values span more than this is logarithmic


@dataclass(frozen=True)
class Figure:
    """A figure: its variants by pick, the dimensions that choose between them, its layout for wide and for narrow."""

    name: str
    summary: str  # what it shows, read out where it cannot be seen
    selects: tuple[str, ...]
    variants: dict[str, Json]
    layout: Json
    narrow: Json = field(default_factory=dict)

    def json(self, layout: Layout) -> Json:
        """What the browser needs."""
        return {
            "selects": [layout.key(dim) for dim in self.selects],
            "variants": self.variants,
            "layout": self.layout,
            "narrow": self.narrow,
        }


def variants(ds: xr.Dataset, layout: Layout, dims: Sequence[str], make: Callable[[Index], Json]) -> dict[str, Json]:
    """One variant per combination of these dimensions; where no cell has a number, a note says why."""
    found = {}
    for index in layout.combinations(dims):
        statuses = np.atleast_1d(at(ds, "status", index)).astype(str).ravel()
        if np.isin(statuses, ("not_allowed", "failed")).all():
            reasons = sorted({str(text) for text in np.atleast_1d(at(ds, "status_reason", index)).ravel()} - {""})
            kinds = " and ".join(sorted({status.replace("_", " ") for status in statuses.tolist()}))
            found[layout.pick(index)] = {"note": f"No figure: {kinds}. {'; '.join(reasons[:3])}"}
        else:
            found[layout.pick(index)] = make(index)
    return found


def selects(layout: Layout, *taken: str | None) -> tuple[str, ...]:
    """The dimensions that a figure leaves to drop-downs, the horizon last unless it is taken."""
    return tuple(dim for dim in (*layout.dims, "horizon") if dim not in taken)


def series(ds: xr.Dataset, layout: Layout, along: str | None = None) -> list[tuple[Index, str, int]]:
    """The lines of a figure: index, name and colour; a single nameless line where nothing is left to vary."""
    dim = layout.series
    if dim is None or dim == along:
        return [({}, "", 0)]
    names = [words.figure_text(words.named(dim, value(ds, dim, place))) for place in range(layout.sizes[dim])]
    return [({dim: place}, name, place % COLOURS) for place, name in enumerate(names)]


def clean(values: Any, scale: float = 1.0) -> list[float | None]:
    """Numbers for JSON to five significant digits; what is not finite becomes a gap."""
    return [
        float(f"{scale * v:.5g}") if math.isfinite(v) else None
        for v in np.asarray(values, dtype=float).ravel().tolist()
    ]


def lines(*parts: str) -> str:
    """Text on hover: the parts that are not empty, each on its own line."""
    return "<br>".join(part for part in parts if part)


def percent_axis(title: str) -> Json:
    """A linear axis in percent."""
    return {"title": {"text": title}, "ticksuffix": f"{words.UNIT_SPACE}%", "rangemode": "tozero"}


def decade_axis(title: str, low: float, within: Sequence[int] = (1,)) -> Json:
    """A logarithmic axis in percent from the decade of `low` (in percent) to 100; `within`: the ticks of a decade."""
    first = min(0, math.floor(math.log10(low))) if low > 0 else 0
    ticks = [float(f"{step}e{k}") for k in range(first, 3) for step in within]
    texts = [f"{words.quantity(tick, 1)}{words.UNIT_SPACE}%" for tick in ticks]
    return {"type": "log", "title": {"text": title}, "tickvals": ticks, "ticktext": texts, "range": [first - 0.1, 2.1]}


def ordered_axis(ds: xr.Dataset, dim: str) -> Json:
    """An axis with one place per value, in the order of the study."""
    texts = [words.figure_text(words.label(dim, item)) for item in ds[dim].values.tolist()]
    title = {"text": words.figure_text(words.title(dim))}
    places = list(range(len(texts)))
    return {"title": title, "tickvals": places, "ticktext": texts, "range": [-0.5, len(texts) - 0.5], "zeroline": False}


def position_axis(ds: xr.Dataset, dim: str) -> Json:
    """An axis on which numbers lie where they belong, logarithmic where they span much; `tickvals` are the places."""
    axis = ordered_axis(ds, dim)
    if dim == "horizon" or not numeric(ds, dim):
        return axis
    values = ds[dim].values.tolist()
    low, high = min(values), max(values)
    if low > 0 and high / low >= WIDE_RATIO:
        pad = 0.06 * math.log10(high / low)
        return axis | {"type": "log", "tickvals": values, "range": [math.log10(low) - pad, math.log10(high) + pad]}
    pad = 0.06 * (high - low) or 1.0
    return axis | {"tickvals": values, "range": [low - pad, high + pad]}
