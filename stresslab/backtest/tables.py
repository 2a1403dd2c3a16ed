"""The tables of the page: skills, what happened, value at risk, mean scores."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import xarray as xr

from stresslab.backtest.scores import LEAST_EVENTS
from stresslab.report import words

REFUSED = 0.05  # p-values below it are marked


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


def skills(ds: xr.Dataset, first: dict[str, int]) -> Table:
    """Skill of each forecaster at each position; drop-downs choose score and baseline."""
    groups = []
    for b, baseline in enumerate(ds["baseline"].values):
        for s, score in enumerate(ds["score"].values):
            part = ds.sel(baseline=baseline, score=score)
            rows = [(head, _skill_row(one, str(baseline))) for head, one in positions(part)]
            pick, shown = f"score:{s} baseline:{b}", (s, b) == (first["score"], first["baseline"])
            groups.append(Group(pick, shown, f"{words.title(score)} score against {name(baseline)}", rows))
    columns = [name(one) for one in ds["forecaster"].values]
    return Table("Skill, with 95 % intervals", "position", columns, ("score", "baseline"), groups)


def _skill_row(ds: xr.Dataset, baseline: str) -> list[Cell]:
    if ds["status"].item() != "ok":
        few = f"{int(ds['disjoint_events'])} events, {LEAST_EVENTS} are needed"
        return [Cell("not identifiable", few, "none")] * ds.sizes["forecaster"]
    cells = []
    for forecaster in ds["forecaster"].values:
        one = ds.sel(forecaster=forecaster)
        low, value, high = (float(one[key]) for key in ("skill_lower", "skill", "skill_upper"))
        if forecaster == baseline:
            cells.append(Cell("0", "itself"))
        elif not math.isfinite(value):
            cells.append(Cell(words.NOTHING, "no forecast", "none"))
        else:
            style = "pass" if low > 0 else "breach" if high < 0 else ""
            cells.append(Cell(percent(value, True), f"{percent(low, True)} to {percent(high, True)}", style))
    return cells


def happened(ds: xr.Dataset) -> Table:
    """Events, and the mean forecast of each forecaster with its standard score."""
    rows = []
    for head, one in positions(ds):
        n, share = int(one["events"]), float(one["happened"].mean())
        cells = [Cell(percent(float(one["liquidation_price"]) - 1, True)), Cell(percent(share), f"{n:,} dates")]
        for mean, score in zip(one["mean_probability"].values, one["calibration_score"].values, strict=True):
            far = "breach" if abs(score) > 2 else ""
            cells.append(
                Cell(percent(float(mean)), f"z = {words.number(score, 1)}" if math.isfinite(score) else "", far)
            )
        rows.append((head, cells))
    columns = ["distance", "happened", *(name(one) for one in ds["forecaster"].values)]
    return Table("How often, and how often it was forecast on average", "position", columns, (), [_all(rows)])


def risk(ds: xr.Dataset) -> Table:
    """Exceedances of value at risk and the p-values of their tests."""
    groups = []
    for side in ds["side"].values:
        for confidence in ds["confidence"].values:
            part = ds.sel(side=side, confidence=confidence)
            rows = [
                (name(one), _risk_row(part.sel(forecaster=one), float(confidence))) for one in ds["forecaster"].values
            ]
            groups.append(Group("", True, f"{side}, {100 * confidence:g}{words.UNIT_SPACE}%", rows))
    columns = [
        "dates",
        "expected",
        "exceeded",
        "unconditional (Kupiec)",
        "independence",
        "conditional (Christoffersen)",
    ]
    return Table(
        "Value at risk at the horizon: exceedances, and p-values of the tests", "forecaster", columns, (), groups
    )


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
        rows = []
        for head, one in positions(ds.sel(score=score)):
            noise = float(one["monte_carlo_noise"].max())
            figures = [Cell(_score(float(value))) for value in one["mean_score"].values]
            rows.append((head, [*figures, Cell(f"{noise:.1e}" if math.isfinite(noise) else words.NOTHING)]))
        groups.append(Group(f"score:{s}", s == first["score"], f"{words.title(score)} score", rows))
    columns = [*(name(one) for one in ds["forecaster"].values), "Monte Carlo noise adds at most"]
    return Table("Mean scores, 0 is best", "position", columns, ("score",), groups)


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
    columns = ["dates forecast", "fits", "refused", "with a warning", "why the last was refused"]
    return Table("Fits along the way", "model", columns, (), [_all(rows)])


def _all(rows: list[tuple[str, list[Cell]]]) -> Group:
    return Group("", True, "", rows)


def _score(value: float) -> str:
    return f"{value:.4f}" if math.isfinite(value) else words.NOTHING
