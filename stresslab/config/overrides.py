"""Changes to a study from the command line: `--set market.spot=91000`, values in YAML, paths as in the study file."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from stresslab.config.fields import Part, copied
from stresslab.config.holdings import Backing, Position
from stresslab.config.model_files import ModelRef
from stresslab.config.outputs import Limit
from stresslab.config.processes import BASES, FUNDINGS
from stresslab.config.schema import StudyFile
from stresslab.errors import InputError, require
from stresslab.files.validation import nearest
from stresslab.files.yaml_reader import parse_yaml
from stresslab.models import MODELS
from stresslab.options.smile import ImpliedVolatility

_SET = "--set"
_MOVING: tuple[tuple[str, Mapping[str, type[BaseModel]]], ...] = (("funding", FUNDINGS), ("basis", BASES))


def apply_overrides(data: dict[str, Any], overrides: Mapping[str, Any] | Sequence[str]) -> dict[str, Any]:
    """A copy of the raw study with each value put in its place. InputError for a path that a study does not have."""
    data = copy.copy(data)
    own: dict[int, Any] = {}
    for path, value in _pairs(overrides):
        _check_not_swept(data, path)
        _put(data, _parts(data, path), value, path, own)
    return data


def _pairs(overrides: Mapping[str, Any] | Sequence[str]) -> Iterator[tuple[str, Any]]:
    if isinstance(overrides, Mapping):
        for path, value in overrides.items():
            require(isinstance(path, str), "a path is text, such as market.spot", key=_SET, got=path)
            yield path, _value(path, value) if isinstance(value, str) else value
        return
    for text in [overrides] if isinstance(overrides, str) else overrides:
        path, equals, value = text.partition("=") if isinstance(text, str) else ("", "", "")
        require(
            bool(path.strip() and equals), "write KEY=VALUE", key=_SET, got=text, hint="For example market.spot=91000"
        )
        yield path.strip(), _value(path.strip(), value)


def _value(path: str, text: str) -> Any:
    try:
        return parse_yaml(text)
    except InputError as error:
        raise InputError(error.rule, key=f"{_SET} {path}", got=text, hint=error.hint) from None


def _parts(data: dict[str, Any], path: str) -> list[str]:
    """The keys to walk down. A parameter of a model that lies in a file goes into `set`; a swept path is one key."""
    head, *rest = path.split(".")
    if head == "sweep" and rest:
        return ["sweep", ".".join(rest)]
    if path not in _paths_of_all() and path not in set(_paths_in(data, path)):
        known = _paths_of_all() | set(_paths_in(data, ""))
        raise InputError("a study has no such path", key=f"{_SET} {path}", hint=nearest(path, known))
    if head == "models" and len(rest) == 2 and rest[1] not in ModelRef.model_fields:
        entry = data["models"][rest[0]]
        return [head, rest[0], *(["set"] if "file" in entry else []), rest[1]]
    return [head, *rest]


def _paths(part: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in part.model_fields.items():
        yield prefix + name
        for inner in (field.annotation, *get_args(field.annotation)):
            if isinstance(inner, type) and issubclass(inner, Part) and get_origin(field.annotation) is not tuple:
                yield from _paths(inner, f"{prefix}{name}.")


@cache
def _paths_of_all() -> frozenset[str]:
    """The paths that every study has."""
    moving = (f"{part}.{field}" for part, kinds in _MOVING for kind in kinds.values() for field in kind.model_fields)
    implied = (f"implied.{field}" for field in ImpliedVolatility.model_fields)
    return frozenset((*_paths(StudyFile), *moving, "funding.file", "funding.set", *implied))


def _paths_in(data: dict[str, Any], path: str) -> Iterator[str]:
    """The paths that depend on the study's own entries: those under the entry that `path` names, which take the
    parameters of every kind, or under all entries for an empty one, to be offered, with those of their own kind.
    """
    for name, entry in _entries(data.get("models"), path, 1):
        yield f"models.{name}"
        if isinstance(entry, dict):
            in_file = "file" in entry
            for field in _parameters("" if path else str(entry.get("kind"))) | (
                ModelRef.model_fields.keys() if in_file else set()
            ):
                yield f"models.{name}.{field}"
                yield from [f"models.{name}.set.{field}"] if in_file else []
    for head in ("shocks", "policies"):
        yield from (f"{head}.{name}" for name, _ in _entries(data.get(head), path, 1))
    book, market = data.get("book"), data.get("market")
    for name, part in (("positions", Position), ("collaterals", Backing)):
        for place, _ in _entries(book.get(name) if isinstance(book, dict) else None, path, 2):
            yield from _paths(part, f"book.{name}.{place}.")
    for name, _ in _entries(market.get("spots") if isinstance(market, dict) else None, path, 2):
        yield f"market.spots.{name}"
    for place, _ in _entries(data.get("limits"), path, 1):
        yield from _paths(Limit, f"limits.{place}.")


@cache
def _parameters(kind: str) -> frozenset[str]:
    """The parameters of a kind of model, and of all kinds where there is no such kind: another value may name one."""
    kinds = [MODELS[kind]] if kind in MODELS else MODELS.values()
    return frozenset(field for model in kinds for field in model.model_fields)


def _entries(held: Any, path: str, depth: int) -> Iterator[tuple[Any, Any]]:
    """The entries of a mapping or a list by name or number: the one that a path names at `depth`, or all of them."""
    if not isinstance(held, dict | list):
        return
    if not path:
        yield from held.items() if isinstance(held, dict) else enumerate(held)
        return
    name = path.split(".")[depth] if path.count(".") >= depth else ""
    if isinstance(held, dict) and name in held:
        yield name, held[name]
    elif isinstance(held, list) and name.isdecimal() and name == str(int(name)) and int(name) < len(held):
        yield int(name), held[int(name)]


def _put(data: dict[str, Any], parts: list[str], value: Any, path: str, own: dict[int, Any]) -> None:
    """Put a value at the end of a path, on copies of what lies on the way; mappings that are missing are made.

    `own` holds the copies by their identity: each is made once, however many values go into it.
    """
    place: Any = data
    for part in parts[:-1]:
        if isinstance(place, dict) and place.get(part) is None:
            place[part] = {}
        key = int(part) if isinstance(place, list) and part.isdecimal() else part
        known = _entry(place, key)
        place = known if id(known) in own else copied(place, key)
        own[id(place)] = place
    require(
        isinstance(place, dict), "the parent of this key is not a mapping in the study", key=f"{_SET} {path}", got=value
    )
    place[parts[-1]] = value


def _entry(place: Any, key: Any) -> Any:
    if isinstance(place, list):
        return place[key] if key in range(len(place)) else None
    return place.get(key) if isinstance(place, dict) else None


def _check_not_swept(data: dict[str, Any], path: str) -> None:
    sweep = data.get("sweep")
    path = path.replace(".set.", ".")
    require(
        not isinstance(sweep, dict) or path not in sweep,
        "is swept: the value would not be used",
        key=f"{_SET} {path}",
        hint=f"Set its values with {_SET} sweep.{path}=[..]",
    )
