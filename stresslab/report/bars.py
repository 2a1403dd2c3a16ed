"""The distribution of losses, and the causes of ruin."""

import math
from dataclasses import dataclass

import numpy as np
import xarray as xr

from stresslab.report import words
from stresslab.report.layout import Index, Layout, at
from stresslab.report.plots import (
    COLOURS,
    DASHES,
    PATTERNS,
    Figure,
    Json,
    clean,
    decade_axis,
    lines,
    ordered_axis,
    percent_axis,
    selects,
    series,
    variants,
)
from stresslab.report.tables import RUN, whole_words

DRAWN = 40  # bins with a width at most
VISIBLE = 2e-4  # bins at the ends with less than this share of the paths are left off the axis


@dataclass(frozen=True)
class Bins:
    """Edges of the loss bins as drawn; those with a finite width make a density, the others (atoms) bars."""

    lower: np.ndarray
    upper: np.ndarray
    merge: np.ndarray  # (bins of the dataset, bins drawn): neighbours are put together, so that noise does not show

    @property
    def inside(self) -> np.ndarray:
        """Which bins have a width."""
        return np.isfinite(self.upper - self.lower) & (self.upper > self.lower)

    @property
    def atoms(self) -> list[int]:
        """The bins that have none."""
        return np.flatnonzero(~self.inside).tolist()


def losses(ds: xr.Dataset, layout: Layout) -> Figure:
    """Distribution of the loss at a horizon; the total loss, and what lies beyond the bins, as bars of their own."""
    chosen = selects(layout, layout.series)
    bins = _bins(ds)
    drawn = series(ds, layout)

    def make(choice: Index) -> Json:
        traces, seen = [], [np.zeros(bins.lower.size)]
        for index, name, colour in drawn:
            count = np.asarray(at(ds, "loss_count", choice | index), dtype=float) @ bins.merge
            if count.sum() > 0:
                seen.append(count / count.sum())
                traces += [
                    _density(count / count.sum(), bins, name, colour),
                    _atoms(count / count.sum(), bins, name, colour),
                ]
        return {"data": traces, "layout": _ranges(bins, np.array(seen))}

    suffix = f"{words.UNIT_SPACE}%"
    whole = words.figure_text(whole_words(ds))
    title = {"text": f"loss, % of {whole} (negative: gain)"}
    axes = {
        "xaxis": {"title": title, "domain": [0, 0.7], "ticksuffix": suffix},
        "yaxis": decade_axis("paths per 1 % of loss (log scale)", 1e-4, within=(1, 2, 5)),
        "xaxis2": {"domain": [0.8, 1], "anchor": "y2"},
        "yaxis2": percent_axis("paths") | {"anchor": "x2"},
        "barmode": "group",
    }
    narrow = {
        "xaxis": {"domain": [0, 1]},
        "yaxis": {"domain": [0.48, 1]},
        "xaxis2": {"domain": [0, 1]},
        "yaxis2": {"domain": [0, 0.27]},
        "height": 560,
    }
    summary = "Distribution of the loss at the horizon"
    return Figure("losses", summary, chosen, variants(ds, layout, chosen, make), axes, narrow)


def _bins(ds: xr.Dataset) -> Bins:
    """The bins to draw: neighbours with a width are merged, and an open bin that nothing fell into is left out."""
    lower, upper = (ds[name].values.astype(float) for name in ("loss_lower", "loss_upper"))
    counts = ds["loss_count"].transpose(..., "loss_bin").values.reshape(-1, lower.size).sum(axis=0)
    inside = np.flatnonzero(np.isfinite(upper - lower) & (upper > lower))
    step = max(1, -(-inside.size // DRAWN))
    groups = [inside[start : start + step] for start in range(0, inside.size, step)]
    outside = np.setdiff1d(np.arange(lower.size), inside)
    groups += [np.array([place]) for place in outside if counts[place] or lower[place] == upper[place]]
    groups.sort(key=lambda group: int(group[0]))
    merge = np.zeros((lower.size, len(groups)))
    for column, group in enumerate(groups):
        merge[group, column] = 1
    return Bins(np.array([lower[g[0]] for g in groups]), np.array([upper[g[-1]] for g in groups]), merge)


def _ranges(bins: Bins, seen: np.ndarray) -> Json:
    """The part of the axes on which something can be seen, in percent; to the right always up to the total loss."""
    shown = bins.inside & (seen >= VISIBLE)  # series x bin
    used = np.flatnonzero(shown.any(axis=0))
    if not used.size:
        return {"xaxis": {"range": [-100.0, 100.0]}, "yaxis": {"range": [-2.0, 1.0]}}
    density = (seen[:, used] / (bins.upper - bins.lower)[used])[shown[:, used]]
    ends = [100 * float(bins.lower[used[0]]), max(100.0, 100 * float(bins.upper[used[-1]]))]
    heights = [float(f"{np.log10(density.min()) - 0.1:.4g}"), float(f"{np.log10(density.max()) + 0.15:.4g}")]
    return {"xaxis": {"range": ends}, "yaxis": {"range": heights}}


def _density(part: np.ndarray, bins: Bins, name: str, colour: int) -> Json:
    used = np.flatnonzero(bins.inside & (part > 0))
    kept = np.flatnonzero(bins.inside)
    kept = kept[(kept >= used[0]) & (kept <= used[-1])] if used.size else kept[:0]
    lower, upper = bins.lower[kept], bins.upper[kept]
    density = part[kept] / (upper - lower)
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "legendgroup": name,
        "x": clean(np.append(lower, upper[-1:]), 100),
        "y": clean(np.append(density, density[-1:])),
        "line": {"shape": "hv", "color": f"var(--s{colour})", "dash": DASHES[colour], "width": 2},
        "hovertemplate": f"loss from %{{x}}<br>%{{y:.2~g}}{words.UNIT_SPACE}% of paths per 1{words.UNIT_SPACE}%",
        "showlegend": bool(name),
    }


def _atoms(part: np.ndarray, bins: Bins, name: str, colour: int) -> Json:
    texts = [_atom_words(float(bins.lower[place]), float(bins.upper[place])) for place in bins.atoms]
    return {
        "type": "bar",
        "name": name,
        "legendgroup": name,
        "xaxis": "x2",
        "yaxis": "y2",
        "x": texts,
        "y": clean(part[bins.atoms], 100),
        "marker": _marker(colour),
        "hoverinfo": "text",
        "hovertext": [
            lines(name, text, f"{words.share(v)} of paths")
            for text, v in zip(texts, part[bins.atoms].tolist(), strict=True)
        ],
        "showlegend": False,
    }


def _marker(colour: int) -> Json:
    """Colour and pattern of a bar: neighbours are told apart without colour too."""
    pattern = {"shape": PATTERNS[colour], "fillmode": "overlay", "fgcolor": "var(--paper)", "size": 7, "solidity": 0.2}
    return {"color": f"var(--s{colour})", "pattern": pattern}


def _atom_words(lower: float, upper: float) -> str:
    if lower == upper:
        return "all lost" if lower == 1 else f"loss of {words.share(lower)}"
    if math.isinf(lower):
        return f"gain over {words.share(-upper)}" if upper <= 0 else f"loss below {words.share(upper)}"
    return f"loss over {words.share(lower)}"


def causes(ds: xr.Dataset, layout: Layout) -> Figure:
    """What ruin came from, as shares that sum to 100 %, one bar per row value."""
    along = layout.row or "horizon"
    chosen = selects(layout, along)
    event = ds["event"].values.tolist().index(ds.attrs["ruin_event"])
    axis = ordered_axis(ds, along)
    texts, places = axis["ticktext"], axis["tickvals"]

    def make(choice: Index) -> Json:
        found = np.nan_to_num(
            np.array([at(ds, "probability_by_cause", choice | {along: x, "event": event}) for x in places])
        )
        total = found.sum(axis=1)
        run = [str(at(ds, "status", choice | {along: x})) in RUN for x in places]
        empty = [x for x in places if total[x] <= 0]
        note = {
            "type": "scatter",
            "mode": "text",
            "x": empty,
            "y": [50] * len(empty),
            "text": ["no hits" if run[x] else "not run" for x in empty],
            "textfont": {"color": "var(--muted)", "size": 11},
            "hoverinfo": "skip",
            "showlegend": False,
            "cliponaxis": False,
        }
        kinds = ds["cause"].values.tolist()
        return {"data": [*(_cause(kind, k, found[:, k], total, texts) for k, kind in enumerate(kinds)), note]}

    axes = {"barmode": "stack", "xaxis": axis, "yaxis": percent_axis("share of the ruined paths") | {"range": [0, 100]}}
    return Figure("causes", "Causes of ruin as shares", chosen, variants(ds, layout, chosen, make), axes)


def _cause(kind: str, colour: int, found: np.ndarray, total: np.ndarray, texts: list[str]) -> Json:
    name = words.figure_text(words.title(kind))
    shares = np.divide(found, total, out=np.full_like(found, np.nan), where=total > 0)
    return {
        "type": "bar",
        "name": name,
        "x": list(range(len(texts))),
        "y": clean(shares, 100),
        "marker": _marker(colour % COLOURS),
        "hoverinfo": "text",
        "hovertext": [
            lines(f"{text}: {name}", f"{words.share(part)} of ruin", f"probability {words.share(p)}")
            for text, part, p in zip(texts, shares.tolist(), found.tolist(), strict=True)
        ],
    }
