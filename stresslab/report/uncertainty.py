"""How sure the probability of ruin is: three errors, and what would make each of them smaller.

Monte Carlo error: more paths. Parameter uncertainty: more data, or a model with fewer parameters to know; it is the
standard deviation of the probability over the parameters that were drawn. Model spread: the standard deviation of the
probability over the models that are swept, each with its own parameters; nothing makes it smaller but knowing better.
"""

import json
import math
from typing import NamedTuple

import numpy as np
import xarray as xr

from stresslab.report import words
from stresslab.report.layout import Index, Layout, at, value
from stresslab.report.plots import Figure, Json, clean, lines, ordered_axis, percent_axis, selects, variants
from stresslab.report.tables import Cell, Table, by_cell

MODEL = "model"
HIDDEN = "hidden by the sampling"
NAMES = ("Monte Carlo error", "parameter uncertainty", "model spread")


class Parts(NamedTuple):
    """Standard deviations of the probability of ruin; NaN where there is nothing to tell them from."""

    monte_carlo: float
    parameter: float
    model: float


def is_drawn(ds: xr.Dataset) -> bool:
    """Whether the run has parameters of its own for each block."""
    return "parameter_standard_error" in ds


def parts(ds: xr.Dataset, index: Index) -> Parts:
    """The three errors of one cell at one horizon."""
    here = index | {"event": ds["event"].values.tolist().index(ds.attrs["ruin_event"])}
    sampling, parameter = (float(at(ds, f"{name}_standard_error", here)) for name in ("monte_carlo", "parameter"))
    return Parts(sampling, parameter, _model_spread(ds, index))


def _by_model(ds: xr.Dataset, index: Index) -> np.ndarray:
    """Probabilities of ruin of the models that have one."""
    if MODEL not in ds["ruin_probability"].dims:
        return np.array([])
    found = np.asarray(at(ds, "ruin_probability", {dim: place for dim, place in index.items() if dim != MODEL}))
    return found[np.isfinite(found)]


def _model_spread(ds: xr.Dataset, index: Index) -> float:
    found = _by_model(ds, index)
    return float(found.std(ddof=1)) if found.size > 1 else math.nan


def figure(ds: xr.Dataset, layout: Layout) -> Figure:
    """The three errors side by side, at each row value."""
    along = layout.row or "horizon"
    chosen = selects(layout, along)
    axis = ordered_axis(ds, along)
    labels = [words.figure_text(words.named(along, item)) for item in ds[along].values.tolist()]

    def make(choice: Index) -> Json:
        found = np.array([parts(ds, choice | {along: place}) for place in range(ds.sizes[along])])
        return {"data": [_bars(name, found[:, k], k, axis, labels) for k, name in enumerate(NAMES)]}

    title = words.figure_text(f"standard deviation of the probability of {words.event_words(ds.attrs['ruin_event'])}")
    axes = {"xaxis": axis, "yaxis": percent_axis(title), "barmode": "group", "bargap": 0.35}
    summary = "Monte Carlo error, parameter uncertainty and model spread"
    return Figure("uncertainty", summary, chosen, variants(ds, layout, chosen, make), axes)


def _bars(name: str, values: np.ndarray, place: int, axis: Json, labels: list[str]) -> Json:
    shown = [_shown(float(x), place) for x in values]
    patterns = ("", "/", ".")
    return {
        "type": "bar",
        "name": name,
        "x": axis["tickvals"],
        "y": clean(values, 100),
        "marker": {"color": f"var(--s{place})", "pattern": {"shape": patterns[place]}},
        "hoverinfo": "text",
        "hovertext": [lines(name, label, words.figure_text(text)) for label, text in zip(labels, shown, strict=True)],
        "showlegend": bool(np.isfinite(values).any()),
    }


def _shown(value: float, place: int) -> str:
    if not math.isfinite(value):
        return words.NOTHING
    if value == 0 and place == 1:
        return HIDDEN
    return f"{words.quantity(100 * value, 2)}{words.UNIT_SPACE}points"


def table(ds: xr.Dataset, layout: Layout) -> Table:
    """The same as numbers, beside the probability and its interval."""

    def cells(index: Index) -> list[Cell]:
        p, lower, upper = (float(at(ds, f"ruin_{name}", index)) for name in ("probability", "lower", "upper"))
        spread = words.interval(p, lower, upper) if 0 < p < 1 else ""
        errors = [Cell(_shown(x, place) if p > 0 else words.NOTHING) for place, x in enumerate(parts(ds, index))]
        return [Cell(words.probability(p, lower, upper), spread), *errors]

    return by_cell(ds, layout, ["probability", *NAMES], cells)


def sentences(ds: xr.Dataset, layout: Layout) -> list[str]:
    """The headline cell in words."""
    found = parts(ds, layout.headline)
    if not math.isfinite(found.monte_carlo):
        return []
    horizon = words.horizon_words(value(ds, "horizon", layout.headline["horizon"]))
    parameter = (
        "parameter uncertainty too small to be told from it"
        if found.parameter == 0
        else f"parameter uncertainty {_shown(found.parameter, 1)}"
    )
    said = [f"Of the headline within {horizon}: Monte Carlo error {_shown(found.monte_carlo, 0)}, {parameter}."]
    models = _by_model(ds, layout.headline)
    if models.size > 1:
        low, high = words.share(float(models.min()), 2), words.share(float(models.max()), 2)
        spread = _shown(found.model, 2)
        said.append(f"The {models.size} models spread by {spread} (standard deviation), from {low} to {high}.")
    return [*said, _largest(found)]


def _largest(found: Parts) -> str:
    moves = (
        "more paths would help most",
        "more paths would help little, longer or better data would are not known better",
        "more paths would help little: which model is right matters most",
    )
    return f"The largest of the three is {NAMES[(place := int(np.nanargmax(found)))]}: {moves[place]}."


def drawn_words(ds: xr.Dataset) -> list[str]:
    """Which parameters were drawn, one line for each model."""
    found = json.loads(ds.attrs.get("drawn_parameters", "{}"))
    return [f"{model}: {', '.join(names)}" for model, names in found.items()]
