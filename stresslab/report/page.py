"""One self-contained HTML page of a dataset: words, tables and figures put into `page.html.j2`."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from stresslab.files.writing import write
from stresslab.limits import BREACH, PASS, UNDECIDED, LimitResult, evaluate
from stresslab.report import (
    answer,
    doubtful,
    figures,
    greeks,
    heat,
    held,
    lists,
    method,
    replay,
    tables,
    uncertainty,
    words,
    worse,
)
from stresslab.report.html import FOLDER, fill, script_json
from stresslab.report.layout import Layout, arrange, names, swept, thin
from stresslab.report.safe import safe_values

GLYPHS = {PASS: "\u2713", BREACH: "\u25b2", UNDECIDED: "\u25c6"}


def write_report(ds: xr.Dataset, provenance: dict[str, Any], path: Path) -> None:
    """Write the page in one move: a reader never sees half of it."""
    write(path, render(ds, provenance))


def render(ds: xr.Dataset, provenance: dict[str, Any]) -> str:
    """The page as text; the same dataset and provenance give the same text."""
    ds = ds.compute()
    limits = evaluate(ds)
    whole = arrange(ds)
    shown = thin(ds)
    layout = arrange(shown)
    return fill(
        FOLDER / "page.html.j2",
        **_heads(ds),
        **_content(ds, whole, limits),
        **_sections(shown, layout, limits),
        thinned=_thinned(ds, shown),
        doubtful=doubtful.doubtful(ds, provenance),
        unverified=doubtful.unverified(ds),
        doubts_shown=doubtful.SHOWN,
        method=method.facts(ds, provenance),
        glossary=method.glossary(ds),
        study=json.dumps(json.loads(ds.attrs["study"]), indent=2),
        glyphs=GLYPHS,
        words=words,
    )


def _heads(ds: xr.Dataset) -> dict[str, Any]:
    study = json.loads(ds.attrs["study"])
    market, book = study.get("market") or {}, study.get("book") or {}
    return {
        "name": ds.attrs["study_name"],
        "as_of": str(ds.attrs["as_of"]).replace("T", " ").replace("+00:00", "Z").replace(":00Z", " UTC"),
        "asset": market.get("asset", ""),
        "spot": words.quantity(float(market["spot"])) if "spot" in market else "",
        "venue": book.get("rulebook", ""),
        "money": tables.units(ds, "mean_pnl"),
        "event": words.event_words(ds.attrs["ruin_event"]),
        "collateral": words.quantity(float(book["collateral"])) if book.get("collateral") else "",
    }


def _content(ds: xr.Dataset, layout: Layout, limits: Sequence[LimitResult]) -> dict[str, Any]:
    """What is said about every cell of the run."""
    safe = safe_values(ds, layout, limits)
    return {
        "answer": replay.answer(ds, layout) if replay.is_all(ds) else answer.answer(ds, layout, limits, safe),
        "sure_words": uncertainty.sentences(ds, layout) if uncertainty.is_drawn(ds) else [],
        "safe": safe,
        "limits": limits,
        "limit_rows": lists.limit_rows(limits),
        "missing": lists.missing(ds, layout),
        "paths": lists.paths(ds),
        "worse": worse.worse(ds, layout),
        "headline": words.cell_name(names(ds, {dim: layout.headline[dim] for dim in layout.dims})),
    }


def _sections(ds: xr.Dataset, layout: Layout, limits: Sequence[LimitResult]) -> dict[str, Any]:
    """What is shown of the cells that the page has room for."""
    spot = float(json.loads(ds.attrs["study"])["market"]["spot"])
    drawn = figures.drawn(ds, layout, limits)
    return {
        "heat": heat.heat(ds, layout, limits),
        "events": tables.events(ds, layout),
        "tails": tables.tails(ds, layout),
        "whole": tables.whole_words(ds),
        "cash": tables.cash(ds, layout),
        "cash_words": [
            f"{word}: {ds[name].attrs.get('long_name', '')}" for name, word in tables.cash_names(ds).items()
        ],
        "books": tables.books(ds, layout, spot),
        "held": held.held(ds),
        "greeks": greeks.start(ds, layout) if greeks.has_options(ds) else None,
        "greeks_along": greeks.along(ds, layout) if greeks.has_options(ds) else None,
        "greek_words": greeks.explained(ds) if greeks.has_options(ds) else [],
        "sureness": uncertainty.table(ds, layout) if uncertainty.is_drawn(ds) else None,
        "replayed": replay.table(ds, layout) if replay.is_replayed(ds) else None,
        "figures": {figure.name: figure for figure in drawn},
        "choices": _choices(ds, layout),
        "data": script_json({"figures": {figure.name: figure.json(layout) for figure in drawn}}),
    }


def _choices(ds: xr.Dataset, layout: Layout) -> dict[str, Any]:
    """The drop-down of every dimension: its key, its title, its values and the one chosen first."""
    return {
        dim: {
            "key": layout.key(dim),
            "title": words.title(dim),
            "values": [words.label(dim, item) for item in ds[dim].values.tolist()],
            "first": layout.headline[dim],
        }
        for dim in (*layout.dims, "horizon")
    }


def _thinned(ds: xr.Dataset, shown: xr.Dataset) -> str:
    cells, kept = (int(np.prod([part.sizes[dim] for dim in swept(part)])) for part in (ds, shown))
    return (
        f"The tables and figures show {kept:,} of {cells:,} cells; the dataset has all of them." if kept < cells else ""
    )
