"""The sweep of a study: which fields can be swept, which dimensions that gives, and the cells it expands to.

A dimension bears the last part of its path: `book.leverage` gives `leverage`. Cells come in row-major order.
"""

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stresslab.config.names import DATASET_NAMES
from stresslab.config.paths import changed, coordinate, dimension, is_market_path, sweepable
from stresslab.config.rules import check_ages, check_market, check_policies
from stresslab.config.schema import Study
from stresslab.errors import InputError, require
from stresslab.files.validation import nearest

MAX_CELLS = 1_000_000
_SWEEPABLE = (
    "Those are as_of, market.spot, market.model, market.step, market.shock, models.NAME.PARAMETER, "
    "funding.FIELD, basis.FIELD, venue.CONDITION.FIELD, policies.NAME.KIND.FIELD and book.FIELD"
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One study without a sweep, and where it stands: `coords` maps each dimension to its coordinate."""

    index: int
    coords: dict[str, Any]
    study: Study


def resolve_sweep(study: Study, raw: Mapping[str, tuple[Any, ...]]) -> dict[str, tuple[Any, ...]]:
    """The sweep in one spelling of each value (60min is 1h, 10 is 10.0). InputError for what cannot be swept."""
    _check_paths(study, raw)
    cells = math.prod(len(values) for values in raw.values())
    require(cells <= MAX_CELLS, f"makes {cells} cells; at most {MAX_CELLS} are allowed", key="sweep", file=study.file)
    for path, values in raw.items():
        for value in values:
            right = isinstance(value, int | float | str | datetime) and not isinstance(value, bool)
            require(right, "a swept value is a number or text", key=f"sweep.{path}", got=value, file=study.file)
    first = _all_first(study, raw)
    sweep = {}
    for path, values in raw.items():
        found: dict[Any, None] = {}
        for value in values:
            at = _tried(first, path, value)
            require(at not in found, "is given twice", key=f"sweep.{path}", got=value, file=study.file)
            found[at] = None
        sweep[path] = tuple(found)
    _check_models_are_used(study, sweep)
    return sweep


def _check_paths(study: Study, raw: Mapping[str, Any]) -> None:
    known = dict.fromkeys(sweepable(study))
    seen: dict[str, str] = {}
    for path in raw:
        name, place = dimension(path), {"key": f"sweep.{path}", "file": study.file}
        if path not in known:
            raise InputError("is no path that can be swept", hint=nearest(path, known) or _SWEEPABLE, **place)
        require(
            name not in DATASET_NAMES,
            f"its dimension would be {name!r}, which the results use for something else",
            hint="Sweep book.leverage or book.collateral instead" if path.startswith("book.") else "",
            **place,
        )
        require(name not in seen, f"its dimension would be {name!r}, as that of {seen.get(name)}", **place)
        seen[name] = path


def _all_first(study: Study, raw: Mapping[str, tuple[Any, ...]]) -> Study:
    try:
        first = _changed(study, {path: values[0] for path, values in raw.items()})
    except InputError as error:
        key = next((path for path in raw if error.key in (path, path.rpartition(".")[0])), "")
        raise InputError(
            error.rule, key=f"sweep.{key}" if key else error.key, got=error.got, hint=error.hint, file=study.file
        ) from None
    return first


def _changed(study: Study, values: Mapping[str, Any]) -> Study:
    """The study with these values; InputError unless its parts still fit together."""
    cell = changed(study, values)
    check_market(cell)
    check_policies(cell)
    if cell.as_of != study.as_of:
        check_ages(cell)
    return cell


def _tried(first: Study, path: str, value: Any) -> Any:
    try:
        cell = _changed(first, {path: value})
    except InputError as error:
        raise InputError(error.rule, key=f"sweep.{path}", got=value, hint=error.hint, file=first.file) from None
    return coordinate(cell, path)


def _check_models_are_used(study: Study, sweep: Mapping[str, tuple[Any, ...]]) -> None:
    named = sweep.get("market.model", (study.market.model,))
    parts = [part for name in named if name in study.joints for part in study.joints[name].assets.values()]
    used = dict.fromkeys([*named, *parts])
    for path in sweep:
        head, _, rest = path.partition(".")
        name = rest.rpartition(".")[0]
        require(
            head != "models" or name in used,
            f"no cell uses the model {name!r}",
            key=f"sweep.{path}",
            file=study.file,
            hint=f"Add {name} to the sweep of market.model, or sweep a parameter of {' or '.join(used)}",
        )


def expand(study: Study) -> list[Cell]:
    """The cells of a study in row-major order of its sweep: one, without dimensions, for a study that has none.

    A cell has no sweep, and no limits: those are asked of the whole result. Every distinct market and every distinct
    book is validated once. Whether a rulebook allows the book is not asked here.
    """
    return list(_cells(study))


def _cells(study: Study) -> Iterator[Cell]:
    base = study.model_copy(update={"sweep": {}, "limits": ()})
    paths, names = tuple(study.sweep), tuple(map(dimension, study.sweep))
    of_market = [place for place, path in enumerate(paths) if is_market_path(path)]
    of_book = [place for place, path in enumerate(paths) if not is_market_path(path)]
    markets: dict[tuple[Any, ...], Study] = {}
    books: dict[tuple[Any, ...], dict[str, Any]] = {}
    for index, values in enumerate(itertools.product(*study.sweep.values())):
        market, book = tuple(values[place] for place in of_market), tuple(values[place] for place in of_book)
        if market not in markets:
            markets[market] = _combined(base, {paths[place]: values[place] for place in of_market})
        if book not in books:
            held = _combined(base, {paths[place]: values[place] for place in of_book})
            books[book] = {"book": held.book, "policies": held.policies}
        cell = markets[market].model_copy(update=books[book])
        yield Cell(index, dict(zip(names, values, strict=True)), cell)


def _combined(base: Study, values: Mapping[str, Any]) -> Study:
    try:
        cell = _changed(base, values)
    except InputError as error:
        where = ", ".join(f"{path} = {value}" for path, value in values.items())
        hint = (
            f"{error.hint}. This is the cell of the sweep with {where}" if error.hint else f"In the cell with {where}"
        )
        raise InputError(error.rule, key=error.key, got=error.got, hint=hint, file=base.file) from None
    return cell
