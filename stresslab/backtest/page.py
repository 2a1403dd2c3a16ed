"""The page of a backtest: one self-contained HTML file from its dataset alone."""

import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from stresslab.backtest import figures, method, tables
from stresslab.backtest.scores import LEAST_EVENTS
from stresslab.files.writing import write
from stresslab.report import words
from stresslab.report.html import fill, script_json

TEMPLATE = Path(__file__).resolve().parent / "backtest.html.j2"
TO_BEAT = "scaled_excursions"


def write_page(ds: xr.Dataset, path: Path) -> None:
    """Write the page in one move."""
    write(path, render(ds))


def render(ds: xr.Dataset) -> str:
    """The page as text; the same dataset gives the same text."""
    first = first_choices(ds)
    drawn = figures.drawn(ds)
    question = json.loads(ds.attrs["question"])
    return fill(
        TEMPLATE,
        facts=_facts(ds, question),
        lead=lead(ds),
        points=points(ds),
        skills=tables.skills(ds, first),
        happened=tables.happened(ds),
        risk=tables.risk(ds),
        means=tables.means(ds, first),
        fits=tables.fits(ds),
        figures=drawn,
        choices=figures.choices(ds, first),
        data=script_json({"figures": drawn}),
        method=method.facts(ds),
        least=LEAST_EVENTS,
    )


def first_choices(ds: xr.Dataset) -> dict[str, int]:
    """What is shown first: the log score against the baseline to beat, the best model at the middle leverage."""
    best = max(models(ds), key=lambda one: np.nan_to_num(mean_skill(ds, one, TO_BEAT), nan=-np.inf))
    return {
        "score": ds["score"].values.tolist().index("log"),
        "baseline": ds["baseline"].values.tolist().index(TO_BEAT),
        "forecaster": ds["forecaster"].values.tolist().index(best),
        "side": 0,
        "leverage": ds.sizes["leverage"] // 2,
    }


def models(ds: xr.Dataset) -> list[str]:
    """The forecasters that are no baselines."""
    return [one for one in ds["forecaster"].values.tolist() if one not in ds["baseline"].values]


def mean_skill(ds: xr.Dataset, model: str, baseline: str, score: str = "log") -> float:
    """Over the positions that are identifiable, each counting the same."""
    found = ds["skill"].sel(forecaster=model, baseline=baseline, score=score).values
    return float(np.nanmean(found)) if np.isfinite(found).any() else math.nan


def lead(ds: xr.Dataset) -> str:
    """The answer in a sentence."""
    ranked = [(mean_skill(ds, model, TO_BEAT), model) for model in models(ds)]
    ranked = [one for one in ranked if math.isfinite(one[0])]
    if not ranked:
        return f"Nothing can be told: no position had {LEAST_EVENTS} events and as many dates without one."
    best, model = max(ranked)
    verdict = (
        f"{tables.percent(abs(best))} {'better' if best > 0 else 'worse'} than {tables.name(TO_BEAT)} in log score"
    )
    return f"Of these models {tables.name(model)} forecast best: {verdict}, on average over the positions."


def points(ds: xr.Dataset) -> list[str]:
    """One line for each model, and one for what cannot be told."""
    found = []
    for model in sorted(models(ds), key=lambda one: -np.nan_to_num(mean_skill(ds, one, TO_BEAT), nan=-np.inf)):
        if not ds["dates_forecast"].sel(forecaster=model).any():
            found.append(f"{tables.name(model)}: no forecast, every fit was refused: {why(ds, model)}")
            continue
        if not math.isfinite(mean_skill(ds, model, TO_BEAT)):
            continue
        parts = [
            f"{tables.percent(mean_skill(ds, model, str(baseline)), True)} against {tables.name(baseline)}"
            for baseline in ds["baseline"].values
        ]
        found.append(f"{tables.name(model)}: log skill {', '.join(parts)}")
    few = [head for head, one in tables.positions(ds) if one["status"].item() != "ok"]
    if few:
        found.append(f"Not identifiable, fewer than {LEAST_EVENTS} events or dates without one: {', '.join(few)}")
    return found


def why(ds: xr.Dataset, model: str) -> str:
    """Why the last refused fit of a model was refused."""
    return str(ds["refusal"].sel(forecaster=model).item())


def summary(ds: xr.Dataset) -> list[dict[str, Any]]:
    """For the terminal: log skill of every model that has forecasts, at every position."""
    rows = []
    for model in models(ds):
        if not ds["dates_forecast"].sel(forecaster=model).any():
            continue
        for head, one in tables.positions(ds.sel(forecaster=model, score="log")):
            row: dict[str, Any] = {"model": model, "position": head, "events": int(one["events"])}
            row["forecast"] = tables.percent(float(one["mean_probability"]))
            row["happened"] = tables.percent(tables.share_of_events(one))
            for baseline in ds["baseline"].values:
                row[f"log skill, {tables.name(baseline)}"] = _with_interval(one.sel(baseline=baseline))
            rows.append(row)
    return rows


def _with_interval(ds: xr.Dataset) -> str:
    if ds["status"].item() != "ok":
        return "not identifiable"
    point, low, high = (100 * float(ds[key]) for key in ("skill", "skill_lower", "skill_upper"))
    return f"{point:+.1f} % ({low:+.1f} to {high:+.1f})" if math.isfinite(point) else "no forecast"


def _facts(ds: xr.Dataset, question: dict[str, Any]) -> list[str]:
    first, last = (datetime.fromtimestamp(int(one), UTC).strftime("%Y-%m-%d") for one in ds["date"].values[[0, -1]])
    horizon = words.horizon_words(question["horizon"])
    dates = f"{ds.sizes['date']:,} forecasts over {horizon}, {first} to {last}"
    warnings = json.loads(ds.attrs.get("warnings", "[]"))
    return [dates, f"bars of {ds.attrs['bar']} from {_file_name(ds.attrs['prices'])}", question["rules"], *warnings]


def _file_name(text: str) -> str:
    return ", ".join(dict.fromkeys(Path(one).name for one in text.split(", ")))
