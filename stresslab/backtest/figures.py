"""The figures of the page, as plain plotly dictionaries; the browser shows the variant that the drop-downs ask for."""

import math
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import xarray as xr

from stresslab.backtest.tables import name, ordered
from stresslab.report import words
from stresslab.report.plots import Json, clean, percent_axis

POSITION = ("side", "leverage")
MAX_POINTS = 120_000  # of all lines over time: what the page has room for


def drawn(ds: xr.Dataset) -> dict[str, Json]:
    """All figures by name."""
    return {"skill": skill(ds), "reliability": reliability(ds), "time": over_time(ds)}


def variants(ds: xr.Dataset, dims: tuple[str, ...], make: Callable[[xr.Dataset], Json]) -> dict[str, Json]:
    """One variant for each combination of these dimensions."""
    found = {}
    for places in product(*(range(ds.sizes[dim]) for dim in dims)):
        at = dict(zip(dims, places, strict=True))
        found[" ".join(f"{dim}:{place}" for dim, place in at.items())] = make(ds.isel(at))
    return found


def skill(ds: xr.Dataset) -> Json:
    """Skill of each forecaster with its interval, one position at a time."""
    order = ordered(ds)

    def make(part: xr.Dataset) -> Json:
        rows = [one for one in order if one != part["baseline"].item()]
        part = part.sel(forecaster=rows)
        point, low, high = (part[key].values for key in ("skill", "skill_lower", "skill_upper"))
        if not np.isfinite(point).any():
            return {"note": f"No figure: {part['status'].item()}."}
        colours = ["var(--s6)" if one in ds["baseline"].values else "var(--s0)" for one in rows]
        return {"data": [_marks([name(one) for one in rows], colours, point, low, high)]}

    zero = {"type": "line", "yref": "paper", "x0": 0, "x1": 0, "y0": 0, "y1": 1}
    layout = {
        "xaxis": percent_axis("skill") | {"rangemode": "normal"},
        "yaxis": {"autorange": "reversed"},
        "shapes": [zero | {"line": {"color": "var(--ink)", "width": 1}}],
        "height": max(360, 140 + 26 * len(order)),
        "showlegend": False,
    }
    dims = ("score", "baseline", *POSITION)
    return _figure("Skill by forecaster", dims, variants(ds, dims, make), layout)


def _marks(rows: list[str], colours: list[str], point: np.ndarray, low: np.ndarray, high: np.ndarray) -> Json:
    bars = {"array": clean(high - point, 100), "arrayminus": clean(point - low, 100)}
    hover = [
        f"{row}<br>{100 * a:+.1f} % ({100 * b:+.1f} to {100 * c:+.1f} %)"
        for row, a, b, c in zip(rows, point, low, high, strict=True)
    ]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": clean(point, 100),
        "y": rows,
        "error_x": {"type": "data", "symmetric": False, "color": "var(--muted)", "thickness": 1.5, "width": 4} | bars,
        "marker": {"color": colours, "size": 9},
        "hoverinfo": "text",
        "hovertext": hover,
    }


def reliability(ds: xr.Dataset) -> Json:
    """Share of dates on which it happened against the forecast, with consistency bars on the diagonal."""
    layout = {"xaxis": percent_axis("forecast"), "yaxis": percent_axis("happened"), "height": 420}
    dims = ("forecaster", *POSITION)
    return _figure("Reliability diagram", dims, variants(ds, dims, _diagram), layout)


def _diagram(ds: xr.Dataset) -> Json:
    known = np.isfinite(ds["bin_forecast"].values)
    if not known.any():
        return {"note": "No figure: no forecast."}
    x, y, low, high, dates = (
        ds[f"bin_{key}"].values[known] for key in ("forecast", "share", "lower", "upper", "dates")
    )
    top = 100 * max(float(x.max()), float(y.max()), float(high.max()))
    diagonal: Json = {"type": "scatter", "mode": "lines", "x": [0, top], "y": [0, top], "hoverinfo": "skip"}
    diagonal |= {"showlegend": False, "line": {"color": "var(--ink)", "width": 1, "dash": "dot"}}
    return {"data": [_expected(x, low, high), diagonal, _seen(x, y, dates)]}


def _expected(x: np.ndarray, low: np.ndarray, high: np.ndarray) -> Json:
    paint = "var(--muted)"
    bars = {"type": "data", "symmetric": False, "color": paint, "thickness": 6, "width": 0}
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "95 % if forecasts were true",
        "x": clean(x, 100),
        "y": clean(x, 100),
        "error_y": bars | {"array": clean(high - x, 100), "arrayminus": clean(x - low, 100)},
        "marker": {"color": paint, "symbol": "line-ns", "size": 6, "line": {"color": paint, "width": 6}},
        "hoverinfo": "skip",
        "opacity": 0.45,
    }


def _seen(x: np.ndarray, y: np.ndarray, dates: np.ndarray) -> Json:
    hover = [
        f"forecast {100 * a:.1f} %<br>happened {100 * b:.1f} %<br>{int(n)} dates"
        for a, b, n in zip(x, y, dates, strict=True)
    ]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": "happened",
        "x": clean(x, 100),
        "y": clean(y, 100),
        "line": {"color": "var(--s0)", "width": 2},
        "marker": {"color": "var(--s0)", "size": 9},
        "hoverinfo": "text",
        "hovertext": hover,
    }


def over_time(ds: xr.Dataset) -> Json:
    """The forecast of every date, and the dates on which it happened."""
    lines = math.prod(ds.sizes[dim] for dim in ("forecaster", *POSITION))
    thin = -(-ds.sizes["date"] * lines // MAX_POINTS)
    stamps = ds["date"].values.astype("datetime64[s]").astype(str).tolist()
    dates = np.array([stamp.removesuffix("T00:00:00") for stamp in stamps])

    def make(part: xr.Dataset) -> Json:
        p, hit = part["probability"].values, part["happened"].values
        if not np.isfinite(p).any():
            return {"note": "No figure: no forecast."}
        line = {
            "type": "scatter",
            "mode": "lines",
            "name": "forecast",
            "x": dates[::thin].tolist(),
            "y": clean(p[::thin], 100),
        }
        line |= {"line": {"color": "var(--s0)", "width": 1.3}, "hovertemplate": "%{x}: %{y:.2f} %<extra></extra>"}
        marks = {
            "type": "scatter",
            "mode": "markers",
            "name": "it happened",
            "x": dates[hit].tolist(),
            "y": clean(p[hit], 100),
        }
        marks |= {"marker": {"color": "var(--s1)", "size": 5}, "hovertemplate": "%{x}: %{y:.2f} %<extra></extra>"}
        return {"data": [line, marks]}

    layout = {"xaxis": {"type": "date"}, "yaxis": percent_axis("probability of liquidation")}
    dims = ("forecaster", *POSITION)
    return _figure("Forecasts over time", dims, variants(ds, dims, make), layout)


def _figure(summary: str, selects: tuple[str, ...], found: dict[str, Json], layout: Json) -> Json:
    return {
        "summary": words.figure_text(summary),
        "selects": list(selects),
        "variants": found,
        "layout": layout,
        "narrow": {},
    }


def choices(ds: xr.Dataset, first: dict[str, int]) -> dict[str, Any]:
    """The drop-down of every dimension."""
    return {
        dim: {"title": words.title(dim), "values": [_label(dim, one) for one in ds[dim].values.tolist()], "first": at}
        for dim, at in first.items()
    }


def _label(dim: str, value: Any) -> str:
    return words.label(dim, value) if dim == "leverage" else name(str(value))
