"""How the swept dimensions are laid out on the page, and the cell at which it opens.

The row dimension (leverage, else the first numeric one) runs down the tables and along the axes; the series dimension
(model, else the first one left) gives the lines of a figure; up to two dimensions make small multiples; the rest are
chosen in drop-downs. A pick such as "1:0 h:2" names the chosen values by the positions of dimension and value.
"""

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

MAX_PANELS = 12
MAX_COLUMNS = 4  # small multiples side by side; the widest dimension that fits runs across
MAX_CELLS = 300  # more than this makes a page that a phone cannot carry; the dataset keeps them all
Index = dict[str, int]


@dataclass(frozen=True)
class Layout:
    """Roles of the dimensions; `sizes` has every swept dimension and the horizon."""

    dims: tuple[str, ...]
    sizes: Index
    row: str | None
    series: str | None
    panels: tuple[str, ...]
    headline: Index

    def pick(self, index: Index) -> str:
        """The name of a choice, the same in Python and in the browser: dimension:value by position, horizon is h."""
        return " ".join(f"{self.key(dim)}:{index[dim]}" for dim in (*self.dims, "horizon") if dim in index)

    def key(self, dim: str) -> str:
        """A dimension's name in a pick: names of a study may hold any character."""
        return "h" if dim == "horizon" else str(self.dims.index(dim))

    def others(self, *taken: str | None) -> tuple[str, ...]:
        """The swept dimensions without those named."""
        return tuple(dim for dim in self.dims if dim not in taken)

    def combinations(self, dims: Sequence[str]) -> Iterator[Index]:
        """Every combination of values of these dimensions, the last one fastest."""
        for places in itertools.product(*(range(self.sizes[dim]) for dim in dims)):
            yield dict(zip(dims, places, strict=True))

    def shown_first(self, index: Index) -> bool:
        """Whether the page opens with this choice."""
        return all(self.headline[dim] == place for dim, place in index.items())


def value(ds: xr.Dataset, dim: str, place: int) -> Any:
    """A coordinate value as a plain Python value."""
    return ds.variables[dim].values[place].item()


def at(ds: xr.Dataset, name: str, index: dict[str, Any]) -> Any:
    """The values of a variable at these positions, ignoring dimensions that it does not have."""
    variable = ds.variables[name]  # NumPy indexing: a page asks thousands of times, and `isel` takes 0.3 ms
    return variable.values[tuple(index.get(str(dim), slice(None)) for dim in variable.dims)]


def names(ds: xr.Dataset, index: Index) -> dict[str, Any]:
    """The coordinates of an index."""
    return {dim: value(ds, dim, place) for dim, place in index.items()}


def swept(ds: xr.Dataset) -> tuple[str, ...]:
    """The swept dimensions in the study's order."""
    return tuple(json.loads(ds.attrs["swept"]))


def numeric(ds: xr.Dataset, dim: str) -> bool:
    """Whether a dimension has numbers on it."""
    return ds[dim].dtype.kind in "iuf"


def base_values(ds: xr.Dataset) -> dict[str, Any]:
    """What the study itself says for each swept dimension, where its sweep path leads to a value."""
    study = json.loads(ds.attrs["study"])
    found = {}
    for path in study.get("sweep") or {}:
        node: Any = study
        for part in path.split("."):
            node = node.get(part) if isinstance(node, dict) else None
        found[path.rsplit(".", 1)[-1]] = node
    return found


def arrange(ds: xr.Dataset) -> Layout:
    """Give each swept dimension its role and find the cell that the page opens with."""
    dims = swept(ds)
    sizes = {dim: ds.sizes[dim] for dim in (*dims, "horizon")}
    numbers = [dim for dim in dims if numeric(ds, dim)]
    row = "leverage" if "leverage" in numbers else next(iter(numbers or dims), None)
    rest = sorted((dim for dim in dims if dim != row), key=lambda dim: {"model": 0, "side": 1}.get(dim, 2))
    panels = tuple(rest[:2])
    while panels and np.prod([sizes[dim] for dim in panels]) > MAX_PANELS:
        panels = panels[:-1]
    panels = tuple(sorted(panels, key=lambda dim: sizes[dim] if sizes[dim] <= MAX_COLUMNS else 0))
    return Layout(dims, sizes, row, rest[0] if rest else row, panels, _headline(ds, dims, row))


def _headline(ds: xr.Dataset, dims: tuple[str, ...], row: str | None) -> Index:
    """The study's own row value, the middle horizon, elsewhere the worst cell: the same question every night."""
    horizon = (ds.sizes["horizon"] - 1) // 2
    ruin = ds["ruin_probability"].isel(horizon=horizon).transpose(*dims).values
    if not np.isfinite(ruin).any():
        return dict.fromkeys(dims, 0) | {"horizon": horizon}
    if row is not None:
        wanted = _base_place(ds, row)
        finite = np.isfinite(ruin).any(axis=tuple(i for i, dim in enumerate(dims) if dim != row))
        nearest = min(np.flatnonzero(finite).tolist(), key=lambda place: abs(place - wanted))
        ruin = np.where(_along(dims, row, ruin.shape) == nearest, ruin, np.nan)
    places = np.unravel_index(int(np.nanargmax(ruin)), ruin.shape) if ruin.ndim else ()
    return {dim: int(place) for dim, place in zip(dims, places, strict=True)} | {"horizon": horizon}


def _along(dims: tuple[str, ...], dim: str, shape: tuple[int, ...]) -> np.ndarray:
    return np.indices(shape)[dims.index(dim)]


def _base_place(ds: xr.Dataset, row: str) -> int:
    """Where the study's own value lies among the swept ones, else the middle."""
    values = ds[row].values.tolist()
    base = base_values(ds).get(row)
    return values.index(base) if base in values else (len(values) - 1) // 2


def thin(ds: xr.Dataset, most: int = MAX_CELLS) -> xr.Dataset:
    """The dataset with so few cells that a page can show them: every second value of the longest dimension is dropped.

    The ends are kept, and the cell that the page opens with as far as that still makes it smaller.
    """
    while np.prod([ds.sizes[dim] for dim in swept(ds)], dtype=float) > most:
        layout = arrange(ds)
        dim = max(layout.dims, key=lambda name: ds.sizes[name])
        size = ds.sizes[dim]
        if size <= 2:
            break
        keep = sorted({0, size - 1, layout.headline[dim], *range(0, size, 2)})
        ds = ds.isel({dim: keep if len(keep) < size else [0, size - 1]})
    return ds
