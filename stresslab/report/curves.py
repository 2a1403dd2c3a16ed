"""Ruin against the row value, and survival over time."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from stresslab.limits import LimitResult
from stresslab.report import words
from stresslab.report.answer import ruin
from stresslab.report.layout import Index, Layout, at, names, numeric
from stresslab.report.plots import (
    DASHES,
    SYMBOLS,
    Figure,
    Json,
    clean,
    decade_axis,
    lines,
    percent_axis,
    position_axis,
    selects,
    series,
    variants,
)
from stresslab.units import SECONDS, parse_duration


def ruin_curve(ds: xr.Dataset, layout: Layout, limits: Sequence[LimitResult]) -> Figure:
    """Ruin against the row value, one line per series, with intervals; zero hits as a mark at the upper bound."""
    along = layout.row or "horizon"
    axis = position_axis(ds, along)
    chosen = selects(layout, along, layout.series)

    def make(choice: Index) -> Json:
        traces = []
        for index, name, colour in series(ds, layout, along):
            traces += _ruin_traces(ds, along, axis["tickvals"], choice | index, name, colour)
        return {"data": [*traces, *_limit_traces(ds, choice, limits, along, axis["tickvals"])]}

    seen = [ds[name].values[ds[name].values > 0].min(initial=1.0) for name in ("ruin_probability", "ruin_upper")]
    event = words.event_words(ds.attrs["ruin_event"])
    axes = {"xaxis": axis, "yaxis": decade_axis(words.figure_text(f"probability of {event}"), 100 * float(min(seen)))}
    summary = f"Probability of {event} by {words.title(along)}"
    return Figure("ruin", summary, chosen, variants(ds, layout, chosen, make), axes)


def _ruin_traces(ds: xr.Dataset, along: str, places: list[Any], index: Index, name: str, colour: int) -> list[Json]:
    sort = sorted(range(len(places)), key=lambda place: places[place])
    found = [ruin(ds, index | {along: place}) for place in sort]
    coords = [words.figure_text(words.named(along, ds[along].values[place].item())) for place in sort]
    p, lower, upper = (np.array([estimate[k] for estimate in found]) for k in range(3))
    hit, none = p > 0, np.isfinite(p) & ~(p > 0)
    paint = f"var(--s{colour})"
    common: Json = {
        "type": "scatter",
        "name": name,
        "x": [places[place] for place in sort],
        "hoverinfo": "text",
        "hovertext": [
            lines(name, coord, words.figure_text(words.with_interval(*estimate)))
            for coord, estimate in zip(coords, found, strict=True)
        ],
    }
    bars = {"array": clean(np.where(hit, upper - p, 0), 100), "arrayminus": clean(np.where(hit, p - lower, 0), 100)}
    line = common | {
        "mode": "lines+markers" if along == "horizon" or numeric(ds, along) else "markers",
        "y": clean(np.where(hit, p, np.nan), 100),
        "error_y": {"type": "data", "symmetric": False, "color": paint, "thickness": 1.5, "width": 4} | bars,
        "line": {"color": paint, "dash": DASHES[colour], "width": 2},
        "marker": {"color": paint, "symbol": SYMBOLS[colour], "size": 7},
        "showlegend": bool(name),
    }
    bound = common | {
        "mode": "markers",
        "y": clean(np.where(none, upper, np.nan), 100),
        "marker": {"color": paint, "symbol": "arrow-down", "size": 11},
        "showlegend": False,
    }
    return [line, bound] if none.any() else [line]


def _limit_traces(
    ds: xr.Dataset, choice: Index, limits: Sequence[LimitResult], along: str, places: list[Any]
) -> list[Json]:
    """The maximum of every limit on ruin that asks about this variant: a line, or a mark where it asks for one row."""
    here = names(ds, choice)
    traces = []
    for limit in limits:
        asked = limit.where | {"horizon": limit.horizon}
        if limit.event != ds.attrs["ruin_event"] or any(here[dim] != asked[dim] for dim in here if dim in asked):
            continue
        marks = [x for x, item in zip(places, ds[along].values.tolist(), strict=True) if asked.get(along) == item]
        text = words.figure_text(f"limit {limit.name}: {words.share(limit.maximum)}")
        trace = {
            "type": "scatter",
            "mode": "markers" if marks else "lines",
            "name": text,
            "x": marks or [min(places), max(places)],
            "y": clean([limit.maximum] * (len(marks) or 2), 100),
            "line": {"color": "var(--ink)", "dash": "dash", "width": 1.5},
            "marker": {"color": "var(--ink)", "symbol": "line-ew-open", "size": 26, "line": {"width": 2}},
            "hoverinfo": "text",
            "hovertext": text,
        }
        traces.append(trace)
    return traces


def survival(ds: xr.Dataset, layout: Layout) -> Figure:
    """Probability of no ruin so far over time, with bands, one line per series."""
    chosen = selects(layout, layout.series, "horizon")

    def make(choice: Index) -> Json:
        traces = []
        for index, name, colour in series(ds, layout):
            traces += _survival_traces(ds, choice | index, name, colour)
        return {"data": traces}

    text = f"no {words.event_words(ds.attrs['ruin_event'])} so far"
    horizons = ds["horizon"].values.tolist()
    days = [parse_duration(horizon) / SECONDS["D"] for horizon in horizons]
    axes = {
        "xaxis": {"title": {"text": "days from now"}, "rangemode": "tozero"},
        "yaxis": percent_axis(words.figure_text(f"probability of {text}")) | {"rangemode": "normal"},
        "shapes": [_rule(day) for day in days],
        "annotations": [_rule_text(day, horizon) for day, horizon in zip(days, horizons, strict=True)],
    }
    return Figure("survival", f"Probability of {text} over time", chosen, variants(ds, layout, chosen, make), axes)


def _survival_traces(ds: xr.Dataset, index: Index, name: str, colour: int) -> list[Json]:
    mid, low, high = (np.asarray(at(ds, f"survival{part}", index), dtype=float) for part in ("", "_lower", "_upper"))
    if not np.isfinite(mid).any():
        return []
    days = ds["survival_time"].values.tolist()
    points = zip(days, mid.tolist(), low.tolist(), high.tolist(), strict=True)
    hover = [
        lines(name, f"day {words.quantity(day, 3)}", words.figure_text(words.with_interval(*point)))
        for day, *point in points
    ]
    common: Json = {"type": "scatter", "mode": "lines", "x": clean(days), "showlegend": False}
    band = common | {"hoverinfo": "skip", "line": {"width": 0}}
    return [
        band | {"y": clean(low, 100)},
        band | {"y": clean(high, 100), "fill": "tonexty", "fillcolor": f"var(--b{colour})"},
        common
        | {
            "name": name,
            "y": clean(mid, 100),
            "line": {"color": f"var(--s{colour})", "dash": DASHES[colour], "width": 2},
            "hoverinfo": "text",
            "hovertext": hover,
            "showlegend": bool(name),
        },
    ]


def _rule(day: float) -> Json:
    line = {"color": "var(--rule)", "width": 1, "dash": "dot"}
    return {"type": "line", "x0": day, "x1": day, "y0": 0, "y1": 1, "yref": "paper", "line": line, "layer": "below"}


def _rule_text(day: float, text: str) -> Json:
    font = {"color": "var(--muted)", "size": 11}
    return {"x": day, "y": 1, "yref": "paper", "yanchor": "bottom", "text": text, "showarrow": False, "font": font}
