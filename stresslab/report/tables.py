"""Tables of the dataset as text, row value by horizon: events, tails, money, books.

A table has one body per pick of the dimensions that are not in its rows; the page shows one body at a time, the printed
page without scripts shows all of them under their titles.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from stresslab.report import words
from stresslab.report.layout import Index, Layout, at, names, value

RUN = ("ok", "target_not_met")
CASH = {
    "mean_pnl": "PnL",
    "mean_fees": "fees",
    "mean_funding": "funding",
    "shortfall_mean": "shortfall",
    "mean_insurance": "insurance fund",  # of books that the general engine evaluates
}
BOOK = {
    "notional": "notional",
    "quantity": "quantity",
    "liquidation_price": "liquidation price",
    "bankruptcy_price": "bankruptcy price",
}


@dataclass(frozen=True)
class Cell:
    """A value, its uncertainty beside it, and the smaller lines under it."""

    text: str
    spread: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """A row: the group it belongs to, its own head within the group, and its cells."""

    group: str
    head: str
    cells: list[Cell]
    first: bool = True  # of its group


@dataclass(frozen=True)
class Body:
    """The rows of one pick."""

    rows: list[Row]
    pick: str = ""
    shown: bool = True
    title: str = ""


@dataclass(frozen=True)
class Table:
    """A table; `selects` are the dimensions that choose the body."""

    corner: str
    columns: list[str]
    bodies: list[Body]
    selects: tuple[str, ...] = field(default=())


def by_cell(ds: xr.Dataset, layout: Layout, columns: list[str], cells: Callable[[Index], list[Cell]]) -> Table:
    """Rows of row value and horizon, one body per combination of the other dimensions."""
    rows_dims = (layout.row,) if layout.row else ()
    selects = layout.others(*rows_dims)
    horizons = ds["horizon"].values.tolist()
    bodies = []
    for choice in layout.combinations(selects):
        rows = []
        for index in layout.combinations(rows_dims):
            status = str(at(ds, "status", choice | index))
            group = "".join(words.label(dim, value(ds, dim, place)) for dim, place in index.items())
            if status not in RUN:
                rows.append(Row(group, status.replace("_", " "), [Cell(words.NOTHING)] * len(columns)))
                continue
            for place, horizon in enumerate(horizons):
                rows.append(Row(group, horizon, cells(choice | index | {"horizon": place}), first=place == 0))
        bodies.append(Body(rows, layout.pick(choice), layout.shown_first(choice), words.cell_name(names(ds, choice))))
    corner = ", ".join([*(words.title(dim) for dim in rows_dims), "horizon"])
    return Table(corner, columns, bodies, selects)


def events(ds: xr.Dataset, layout: Layout) -> Table:
    """Probability, interval, hits and median time of every event."""
    units = ds["time_median"].attrs.get("units", "days")

    def cells(index: Index) -> list[Cell]:
        found = []
        for place in range(ds.sizes["event"]):
            here = index | {"event": place}
            p, lower, upper = (float(at(ds, name, here)) for name in ("probability", "lower", "upper"))
            hits, median = int(at(ds, "hits", here)), words.span(float(at(ds, "time_median", here)), units)
            second = f"{hits:,} hits" + (f", median {median}" if median else "")
            spread = words.interval(p, lower, upper) if 0 < p < 1 else ""
            found.append(Cell(words.probability(p, lower, upper), spread, (second,)))
        return found

    heads = [words.event_words(event).removeprefix("a ") for event in ds["event"].values.tolist()]
    return by_cell(ds, layout, heads, cells)


def tails(ds: xr.Dataset, layout: Layout) -> Table:
    """Value at risk and expected shortfall at every level, with standard errors and as a share of collateral."""
    levels = [words.share(level) for level in ds["loss_level"].values.tolist()]
    whole = whole_words(ds)
    kinds = ("value_at_risk", "expected_shortfall")

    def cells(index: Index) -> list[Cell]:
        places = [(kind, index | {"loss_level": place}) for place in range(len(levels)) for kind in kinds]
        found = []
        for kind, here in places:
            text, error = words.money(float(at(ds, kind, here)), float(at(ds, f"{kind}_se", here)))
            part = words.tenths(float(at(ds, f"{kind}_fraction", here)))
            found.append(Cell(text, error, (f"{part} of {whole}",)))
        return found

    heads = [f"{kind} {level}" for level in levels for kind in ("value at risk", "expected shortfall")]
    return by_cell(ds, layout, heads, cells)


def cash(ds: xr.Dataset, layout: Layout) -> Table:
    """Means over all paths of PnL, fees, funding, shortfall and the insurance fund, with standard errors."""
    told = cash_names(ds)

    def cells(index: Index) -> list[Cell]:
        pairs = [words.money(float(at(ds, name, index)), float(at(ds, f"{name}_se", index))) for name in told]
        return [Cell(text, error) for text, error in pairs]

    return by_cell(ds, layout, list(told.values()), cells)


def cash_names(ds: xr.Dataset) -> dict[str, str]:
    """The sums of money that the dataset has, and what to call them."""
    return {name: word for name, word in CASH.items() if name in ds}


def _book_names(ds: xr.Dataset) -> dict[str, str]:
    """What books of this dataset have; a quantity or a price that none has is left out."""
    return {name: text for name, text in BOOK.items() if ds[name].notnull().any()}


def books(ds: xr.Dataset, layout: Layout, spot: float) -> Table:
    """Size, liquidation and bankruptcy price of every book at entry, with their distance from spot."""
    rows_dims = (layout.row,) if layout.row else ()
    selects = layout.others(*rows_dims)
    bodies = []
    for choice in layout.combinations(selects):
        rows = []
        for index in layout.combinations(rows_dims):
            name = "".join(words.label(dim, value(ds, dim, place)) for dim, place in index.items()) or "this book"
            rows.append(Row("", name, _book_cells(ds, choice | index, spot)))
        bodies.append(Body(rows, layout.pick(choice), layout.shown_first(choice), words.cell_name(names(ds, choice))))
    columns = [f"{text} ({units(ds, name)})" for name, text in _book_names(ds).items()]
    return Table(words.title(layout.row) if layout.row else "", columns, bodies, selects)


def whole_words(ds: xr.Dataset) -> str:
    """What losses are a fraction of: collateral, unless the dataset's units name something else."""
    text = units(ds, "value_at_risk_fraction")
    return (
        text.removeprefix("fraction of ").replace("as_of", "the start")
        if text.startswith("fraction of ")
        else "collateral"
    )


def units(ds: xr.Dataset, name: str) -> str:
    """The units that a variable states."""
    return str(ds[name].attrs.get("units", ""))


def _book_cells(ds: xr.Dataset, index: Index, spot: float) -> list[Cell]:
    found = []
    for name in _book_names(ds):
        amount = float(at(ds, name, index))
        notes: tuple[str, ...] = ()
        if name.endswith("_price") and np.isfinite(amount):
            away = amount / spot - 1
            notes = (f"{'+' if away > 0 else ''}{words.tenths(away)} from spot",)
        found.append(Cell(words.quantity(amount), notes=notes))
    return found
