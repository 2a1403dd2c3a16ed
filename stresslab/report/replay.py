"""A recorded path: the price as it was, and when and where each account was liquidated on it."""

import math
from datetime import datetime, timedelta

import numpy as np
import xarray as xr

from stresslab.report import words
from stresslab.report.answer import Answer
from stresslab.report.layout import Index, Layout, at, names, value
from stresslab.report.plots import COLOURS, SYMBOLS, Figure, Json, clean, lines, selects, variants
from stresslab.report.tables import Body, Cell, Row, Table

COLUMNS = ["liquidated", "price", "liquidation price at the start", "shortfall", "PnL at the end"]


def is_replayed(ds: xr.Dataset) -> bool:
    """Whether the run played a recorded path."""
    return "recorded_close" in ds


def is_all(ds: xr.Dataset) -> bool:
    """Whether every market of the run is a recorded path."""
    return is_replayed(ds) and float(ds["effective_sample_size"].max()) <= 1


def answer(ds: xr.Dataset, layout: Layout) -> Answer:
    """The lead of a page that has nothing but recorded paths: what happened, not what is probable."""
    found = [_fates(ds, layout, choice) for choice in layout.combinations(layout.others(layout.row))]
    start, end = (_clock(ds, float(days)).replace("T", " ")[:16] for days in (0.0, ds["recorded_time"].values[-1]))
    lead = f"Played on the record from {start} to {end[11:]} UTC:"
    said = "One path: it shows what would have happened, and says little about how probable it was."
    return Answer(lead, said, found)


def _fates(ds: xr.Dataset, layout: Layout, choice: Index) -> str:
    rows = list(layout.combinations((layout.row,) if layout.row else ()))
    times = [float(at(ds, "liquidation_time", choice | index)) for index in rows]
    gone = [
        f"{words.cell_name(names(ds, index)) or 'the book'} at {_clock(ds, days)[11:16]}"
        for index, days in zip(rows, times, strict=True)
        if math.isfinite(days)
    ]
    place = f"{words.cell_name(names(ds, choice))}: " if choice else ""
    return place + (f"liquidated were {', '.join(gone)}." if gone else "nothing was liquidated.")


def figure(ds: xr.Dataset, layout: Layout) -> Figure:
    """Low to high of every recorded bar, its close, and a mark for each liquidation."""
    chosen = selects(layout, layout.row, "horizon")

    def make(choice: Index) -> Json:
        return {"data": [*_record(ds), *_marks(ds, layout, choice)]}

    price = {"title": {"text": "price, quote currency"}}
    axes = {"xaxis": {"type": "date", "title": {"text": "UTC"}}, "yaxis": price, "hovermode": "closest"}
    summary = "The recorded price, and where each account was liquidated on it"
    return Figure("replay", summary, chosen, variants(ds, layout, chosen, make), axes)


def _record(ds: xr.Dataset) -> list[Json]:
    clock = [_clock(ds, days) for days in ds["recorded_time"].values.tolist()]
    low, high, close = (clean(ds[f"recorded_{name}"].values) for name in ("low", "high", "close"))
    band: Json = {"type": "scatter", "mode": "lines", "x": clock, "line": {"width": 0}, "hoverinfo": "skip"}
    fill = {"fill": "tonexty", "fillcolor": "var(--b6)", "name": "low to high"}
    return [
        band | {"y": low, "showlegend": False},
        band | {"y": high} | fill,
        {"type": "scatter", "mode": "lines", "name": "close", "x": clock, "y": close, "line": {"color": "var(--ink)"}},
    ]


def _marks(ds: xr.Dataset, layout: Layout, choice: Index) -> list[Json]:
    """One mark for each row value that was liquidated; a line at its price up to then."""
    traces = []
    rows = list(layout.combinations((layout.row,) if layout.row else ()))
    for place, index in enumerate(rows):
        days, fill = (float(at(ds, f"liquidation_{name}", choice | index)) for name in ("time", "fill"))
        if not math.isfinite(days):
            continue
        name = words.cell_name(names(ds, index)) if index else "the book"
        paint, shown = f"var(--s{place % COLOURS})", words.figure_text(name)
        clock = _clock(ds, days)
        text = lines(shown, f"liquidated by {clock.replace('T', ' ')} UTC", f"at {words.quantity(fill)}")
        traces.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": shown,
                "x": [_clock(ds, 0.0), clock],
                "y": clean([fill, fill]),
                "line": {"color": paint, "dash": "dot", "width": 1.5},
                "marker": {"symbol": SYMBOLS[place % len(SYMBOLS)], "size": [0, 10], "color": paint},
                "hoverinfo": "text",
                "hovertext": [text, text],
            }
        )
    return traces


def table(ds: xr.Dataset, layout: Layout) -> Table:
    """The same as numbers."""
    chosen = layout.others(layout.row)
    bodies = []
    for choice in layout.combinations(chosen):
        rows = [
            Row(
                "",
                "".join(words.label(dim, value(ds, dim, place)) for dim, place in index.items()),
                _cells(ds, choice | index),
            )
            for index in layout.combinations((layout.row,) if layout.row else ())
        ]
        title = words.cell_name(names(ds, choice)) if choice else ""
        bodies.append(Body(rows, layout.pick(choice), layout.shown_first(choice), title))
    corner = words.title(layout.row) if layout.row else ""
    return Table(corner, COLUMNS, bodies, chosen)


def _cells(ds: xr.Dataset, index: Index) -> list[Cell]:
    days, fill, short = (float(at(ds, f"liquidation_{name}", index)) for name in ("time", "fill", "shortfall"))
    start = float(at(ds, "liquidation_price", index))
    pnl = float(np.atleast_1d(at(ds, "mean_pnl", index))[-1])
    hit = math.isfinite(days)
    when = _clock(ds, days)[11:] + " UTC" if hit else "never" if math.isfinite(pnl) else words.NOTHING
    return [
        Cell(when),
        Cell(words.quantity(fill) if hit else words.NOTHING),
        Cell(words.quantity(start) if math.isfinite(start) else words.NOTHING),
        Cell(words.quantity(short) if hit else words.NOTHING),
        Cell(words.quantity(pnl) if math.isfinite(pnl) else words.NOTHING),
    ]


def _clock(ds: xr.Dataset, days: float) -> str:
    start = datetime.fromisoformat(str(ds.attrs["as_of"]).replace("Z", "+00:00"))
    return (start + timedelta(days=days) + timedelta(milliseconds=500)).strftime("%Y-%m-%dT%H:%M:%S")
