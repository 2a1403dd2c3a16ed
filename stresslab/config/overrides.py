"""Changes to a study from the command line: `--set market.spot=91000`, values in YAML, paths as in the study file."""

import copy
from collections.abc import Iterator, Mapping, Sequence
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


def apply_overrides(data: dict[str, Any], overrides: Mapping[str, Any] | Sequence[str]) -> dict[str, Any]:
    """A copy of the raw study with each value put in its place. InputError for a path that a study does not have."""
    data = copy.copy(data)
    for path, value in _pairs(overrides):
        _check_not_swept(data, path)
        _put(data, _parts(data, path), value, path)
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
    known = set(_paths(StudyFile)) | set(_paths_in(data))
    require(path in known, "a study has no such path", key=f"{_SET} {path}", hint=nearest(path, known))
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


def _paths_in(data: dict[str, Any]) -> Iterator[str]:
    """The paths that depend on what is written: those of the models and of the limits."""
    models, limits = data.get("models"), data.get("limits")
    for name, entry in models.items() if isinstance(models, dict) else ():
        yield f"models.{name}"
        if isinstance(entry, dict):
            parameters = {field for model in MODELS.values() for field in model.model_fields}
            for field in parameters | (ModelRef.model_fields.keys() if "file" in entry else set()):
                yield f"models.{name}.{field}"
                yield from [f"models.{name}.set.{field}"] if "file" in entry else []
    for part, kinds in (("funding", FUNDINGS), ("basis", BASES)):
        yield from {f"{part}.{field}" for kind in kinds.values() for field in kind.model_fields}
    yield from ("funding.file", "funding.set")
    for part in ("shocks", "policies"):
        named = data.get(part)
        yield from (f"{part}.{name}" for name in (named if isinstance(named, dict) else ()))
    yield from (f"implied.{field}" for field in ImpliedVolatility.model_fields)
    yield from _paths_in_lists(data)
    for place in range(len(limits)) if isinstance(limits, list) else ():
        yield from _paths(Limit, f"limits.{place}.")


def _paths_in_lists(data: dict[str, Any]) -> Iterator[str]:
    """The fields of each position and collateral of the book, and the prices of a joint model's other assets."""
    book, market = data.get("book"), data.get("market")
    for name, part in (("positions", Position), ("collaterals", Backing)):
        listed = book.get(name) if isinstance(book, dict) else None
        for place in range(len(listed)) if isinstance(listed, list) else ():
            yield from _paths(part, f"book.{name}.{place}.")
    spots = market.get("spots") if isinstance(market, dict) else None
    yield from (f"market.spots.{name}" for name in (spots if isinstance(spots, dict) else ()))


def _put(data: dict[str, Any], parts: list[str], value: Any, path: str) -> None:
    """Put a value at the end of a path, on copies of what lies on the way; mappings that are missing are made."""
    place: Any = data
    for part in parts[:-1]:
        if isinstance(place, dict) and place.get(part) is None:
            place[part] = {}
        place = copied(place, int(part) if isinstance(place, list) and part.isdecimal() else part)
    require(isinstance(place, dict), "the study holds no mapping there to put it in", key=f"{_SET} {path}", got=value)
    place[parts[-1]] = value


def _check_not_swept(data: dict[str, Any], path: str) -> None:
    sweep = data.get("sweep")
    path = path.replace(".set.", ".")
    require(
        not isinstance(sweep, dict) or path not in sweep,
        "is swept: the value would not be used",
        key=f"{_SET} {path}",
        hint=f"Set its values with {_SET} sweep.{path}=[..]",
    )
