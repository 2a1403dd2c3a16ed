"""Greeks of books of options: at the start for every book, and at quantiles of the price at each horizon."""

import xarray as xr

from stresslab.report import words
from stresslab.report.layout import Index, Layout, at, names, value
from stresslab.report.tables import Body, Cell, Row, Table, units

GREEKS = ("value", "delta", "gamma", "vega", "theta", "vanna", "volga", "charm")
_DIGITS = 4


def has_options(ds: xr.Dataset) -> bool:
    """Whether any book of the dataset holds options."""
    return "option_delta" in ds


def start(ds: xr.Dataset, layout: Layout) -> Table:
    """At as_of, a row for each value of the row dimension."""
    rows_dims = (layout.row,) if layout.row else ()
    selects = layout.others(*rows_dims)
    bodies = []
    for choice in layout.combinations(selects):
        rows = []
        for index in layout.combinations(rows_dims):
            name = "".join(words.label(dim, value(ds, dim, place)) for dim, place in index.items()) or "this book"
            rows.append(Row("", name, _cells(ds, "option_{}", choice | index)))
        bodies.append(Body(rows, layout.pick(choice), layout.shown_first(choice), words.cell_name(names(ds, choice))))
    return Table(words.title(layout.row) if layout.row else "", _columns(ds), bodies, selects)


def along(ds: xr.Dataset, layout: Layout) -> Table:
    """Of one book at a time, at the quantiles of each horizon."""
    bodies = []
    for choice in layout.combinations(layout.dims):
        rows = []
        for horizon, name in enumerate(ds["horizon"].values.tolist()):
            for place, quantile in enumerate(ds["price_quantile"].values.tolist()):
                here = choice | {"horizon": horizon, "price_quantile": place}
                price = words.quantity(float(at(ds, "option_price_quantile", here)), _DIGITS + 1)
                head = f"{words.share(quantile)} below {price}"
                rows.append(Row(name, head, _cells(ds, "option_{}_along", here), first=place == 0))
        title = words.cell_name(names(ds, choice))
        bodies.append(Body(rows, layout.pick(choice), layout.shown_first(choice), title))
    return Table("horizon, price", _columns(ds), bodies, layout.dims)


def explained(ds: xr.Dataset) -> list[str]:
    """What each of them is, with its unit."""
    return [
        f"{name}: {ds[f'option_{name}'].attrs.get('long_name', '').removesuffix(', at as_of')}, "
        f"{units(ds, f'option_{name}')}"
        for name in GREEKS
    ]


def _columns(ds: xr.Dataset) -> list[str]:
    return [name for name in GREEKS if f"option_{name}" in ds]


def _cells(ds: xr.Dataset, pattern: str, index: Index) -> list[Cell]:
    return [Cell(_figure(float(at(ds, pattern.format(name), index)))) for name in GREEKS]


def _figure(amount: float) -> str:
    """Four digits, small ones in powers of ten: a delta in coin for a dollar is of the order of 1e-5."""
    if amount != 0 and abs(amount) < 1e-3:
        mantissa, _, power = f"{amount:.{_DIGITS - 1}e}".partition("e")
        return f"{mantissa}e{int(power)}".replace("-", words.MINUS)
    return words.quantity(amount, _DIGITS)
