"""The tables of the page: skills, what happened, value at risk, mean scores."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from stresslab.report import words

REFUSED, FAR = 0.05, 2.0  # p-values below, and standard scores beyond, are marked


@dataclass(frozen=True)
class Cell:
    """A figure, what stands small below it, and the style of its state."""

    text: str
    note: str = ""
    style: str = ""


@dataclass(frozen=True)
class Group:
    """Rows that are shown together, for one choice of the drop-downs (always, where the pick is empty)."""

    pick: str
    shown: bool
    title: str
    rows: list[tuple[str, list[Cell]]]


@dataclass(frozen=True)
class Table:
    """A table of the page."""

    caption: str
    corner: str
    columns: list[str]
    selects: tuple[str, ...]
    groups: list[Group]


def percent(value: float, signed: bool = False) -> str:
    """One decimal; a skill bears its sign."""
    if not math.isfinite(value):
        return words.NOTHING
    text = words.number(100 * value, 1)
    return ("+" if signed and value > 0 and text.strip("0.") else "") + text + f"{words.UNIT_SPACE}%"


def name(forecaster: str) -> str:
    """A forecaster in words."""
    return words.title(forecaster)


def position(side: Any, leverage: Any) -> str:
    """Side and leverage."""
    return f"{side} {words.label('leverage', float(leverage))}"


def positions(ds: xr.Dataset) -> Iterator[tuple[str, xr.Dataset]]:
    """Each side and leverage, with its part of the dataset."""
    for side in ds["side"].values:
        for leverage in ds["leverage"].values:
            yield position(side, leverage), ds.sel(side=side, leverage=leverage)


def ordered(ds: xr.Dataset) -> list[str]:
    """Forecasters as a reader wants them: models first, then baselines."""
    return sorted(ds["forecaster"].values.tolist(), key=lambda one: one in ds["baseline"].values)


def skills(ds: xr.Dataset, first: dict[str, int]) -> Table:
    """Skill of each forecaster at each position; drop-downs choose score and baseline."""
    groups = []
    for b, baseline in enumerate(ds["baseline"].values):
        for s, score in enumerate(ds["score"].values):
            part = ds.sel(baseline=baseline, score=score)
            rows = [(name(one), _skill_row(part.sel(forecaster=one))) for one in ordered(ds)]
            pick, shown = f"score:{s} baseline:{b}", (s, b) == (first["score"], first["baseline"])
            groups.append(Group(pick, shown, f"{words.title(score)} score against {name(baseline)}", rows))
    return Table("Skill, with 95 % intervals", "forecaster", _heads(ds), ("score", "baseline"), groups)


def _skill_row(ds: xr.Dataset) -> list[Cell]:
    return [_skill(one) for _, one in positions(ds)]


def _skill(ds: xr.Dataset) -> Cell:
    if ds["status"].item() != "ok":
        return Cell("not identifiable", f"{int(ds['disjoint_events'])} of {ds.sizes['date']:,} dates", "none")
    low, value, high = (float(ds[key]) for key in ("skill_lower", "skill", "skill_upper"))
    if ds["forecaster"].item() == ds["baseline"].item():
        return Cell("0", "itself")
    if not math.isfinite(value):
        return Cell(words.NOTHING, "no forecast", "none")
    style = "pass" if low > 0 else "breach" if high < 0 else ""
    return Cell(percent(value, True), f"{words.number(100 * low, 1)} to {words.number(100 * high, 1)}", style)


def happened(ds: xr.Dataset) -> Table:
    """Events, and the mean forecast of each forecaster with its standard score."""
    seen = [
        Cell(percent(share_of_events(one)), f"{int(one['events']):,} of {int(one['dates_decided']):,}")
        for _, one in positions(ds)
    ]
    away = [Cell(_distance(one)) for _, one in positions(ds)]
    rows = [("distance", away), ("happened", seen)]
    for forecaster in ordered(ds):
        rows.append((name(forecaster), [_mean(one) for _, one in positions(ds.sel(forecaster=forecaster))]))
    caption = "Distance to liquidation, how often it happened, and the mean forecast with its standard score"
    return Table(caption, "forecaster", _heads(ds), (), [_all(rows)])


def _distance(ds: xr.Dataset) -> str:
    """From the entry to the liquidation price; the nearest and the farthest where the editions of the dates differ."""
    prices = ds.get("liquidation_price_on_date", ds["liquidation_price"])
    away = sorted(np.unique(prices).tolist(), key=lambda price: abs(price - 1))
    return " to ".join(dict.fromkeys(percent(price - 1, True) for price in (away[0], away[-1])))


def share_of_events(ds: xr.Dataset) -> float:
    """Share of the dates with a known outcome on which the event happened; NaN where there are none."""
    decided = int(ds["dates_decided"])
    return int(ds["events"]) / decided if decided else float("nan")


def _mean(ds: xr.Dataset) -> Cell:
    mean, score = float(ds["mean_probability"]), float(ds["calibration_score"])
    note = f"z = {words.number(score, 1)}" if math.isfinite(score) else ""
    return Cell(percent(mean), note, "breach" if abs(score) > FAR else "")


def risk(ds: xr.Dataset) -> Table:
    """Exceedances of value at risk and the p-values of their tests."""
    groups = []
    for side in ds["side"].values:
        for confidence in ds["confidence"].values:
            part = ds.sel(side=side, confidence=confidence)
            rows = [(name(one), _risk_row(part.sel(forecaster=one), float(confidence))) for one in ordered(ds)]
            groups.append(Group("", True, f"{side}, {100 * confidence:g}{words.UNIT_SPACE}%", rows))
    columns = ["dates", "expected", "exceeded", "Kupiec", "independence", "Christoffersen"]
    caption = "Exceedances, and p-values: unconditional coverage, independence, conditional coverage"
    return Table(caption, "forecaster", columns, (), groups)


def _risk_row(ds: xr.Dataset, confidence: float) -> list[Cell]:
    dates = int(ds["risk_dates"].fillna(0))
    if dates == 0:
        return [Cell(words.NOTHING)] * 6
    expected = words.number(dates * (1 - confidence), 1)
    cells = [Cell(f"{dates:,}"), Cell(expected), Cell(f"{int(ds['risk_exceedances']):,}")]
    for key in ("unconditional", "independence", "conditional"):
        p = float(ds[f"risk_{key}"])
        cells.append(Cell(f"{p:.3f}" if p >= 0.001 else "< 0.001", "", "breach" if p < REFUSED else ""))
    return cells


def means(ds: xr.Dataset, first: dict[str, int]) -> Table:
    """Mean scores; what Monte Carlo noise adds to them."""
    groups = []
    for s, score in enumerate(ds["score"].values):
        part = ds.sel(score=score)
        rows = [
            (
                name(forecaster),
                [Cell(_score(float(one["mean_score"]))) for _, one in positions(part.sel(forecaster=forecaster))],
            )
            for forecaster in ordered(ds)
        ]
        noise = [float(one["monte_carlo_noise"].max()) for _, one in positions(part)]
        rows.append(
            ("Monte Carlo noise", [Cell(f"{one:.1e}" if math.isfinite(one) else words.NOTHING) for one in noise])
        )
        groups.append(Group(f"score:{s}", s == first["score"], f"{words.title(score)} score", rows))
    caption = "Mean scores, 0 is best; the last row is what Monte Carlo noise adds at most"
    return Table(caption, "forecaster", _heads(ds), ("score",), groups)


def fits(ds: xr.Dataset) -> Table:
    """How the fits of each model went."""
    rows = []
    for one in ds["forecaster"].values:
        if one in ds["baseline"].values:
            continue
        part = ds.sel(forecaster=one)
        dates = int(part["dates_forecast"].max())
        counts: Sequence[str] = [f"{int(part[key]):,}" for key in ("fits", "fits_refused", "fits_warned")]
        rows.append(
            (name(one), [Cell(f"{dates:,}"), *(Cell(text) for text in counts), Cell(str(part["refusal"].item()))])
        )
    columns = ["dates forecast", "fits", "refused", "with a doubt", "why the last was refused"]
    return Table("Fits along the way", "model", columns, (), [_all(rows)])


def _heads(ds: xr.Dataset) -> list[str]:
    return [head for head, _ in positions(ds)]


def _all(rows: list[tuple[str, list[Cell]]]) -> Group:
    return Group("", True, "", rows)


def _score(value: float) -> str:
    return f"{value:.4f}" if math.isfinite(value) else words.NOTHING
