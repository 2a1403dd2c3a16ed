"""What pydantic found wrong with a mapping, as one refusal: key path, value, rule, and the nearest known name."""

import difflib
import itertools
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from stresslab.errors import MORE_SHOWN, InputError, several

MOST_COMPARED = 2000  # names that an unknown one is compared with
CLEARLY_LESS = 0.1  # names that are less alike than the best one by this much are not offered beside it

_NUMBER = re.compile(r"[-+]?[0-9][0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?")


def validation_error(
    error: ValidationError, file: str, known_names: Collection[str] | None = None, data: Any = None
) -> InputError:
    """One refusal that says key path, value and rule of what pydantic found wrong.

    The first problem is told in full, further ones are added to the hint. `known_names` (see `field_names`) are
    offered for keys that do not exist. With `data`, what was validated, key paths leave out the tags of unions.
    """
    # a misspelt key is also a missing one: its name is the likelier repair, so unknown keys come first
    items = sorted(error.errors(include_url=False), key=lambda item: item["type"] != "extra_forbidden")
    told = [_problem(item, known_names or (), data) for item in items[: 1 + MORE_SHOWN]]
    return several(told, len(items)).at(file=file)


def field_names(model: type[BaseModel]) -> set[str]:
    """All key names of a model and of the models inside it."""
    names: set[str] = set()
    waiting, seen = [model], {model}
    while waiting:
        for name, field in waiting.pop().model_fields.items():
            names.add(field.alias or name)
            inner = set(_models(field.annotation)) - seen
            seen |= inner
            waiting.extend(inner)
    return names


def nearest(name: str, known: Collection[str]) -> str:
    """The next move after an unknown name: the likeliest of the known ones, or all of them if they are few."""
    return _close(name, known) or ("Known: " + ", ".join(sorted(known)) if 0 < len(known) <= 12 else "")


def _close(name: str, known: Collection[str]) -> str:
    if len(known) > MOST_COMPARED:  # of very many names only those that begin alike and are about as long
        alike = (other for other in known if other[:1] == name[:1] and abs(len(other) - len(name)) <= 1)
        known = list(itertools.islice(alike, MOST_COMPARED))
    close = difflib.get_close_matches(name, sorted(known), n=3)
    likeness = [difflib.SequenceMatcher(None, other, name).ratio() for other in close]  # the best comes first
    close = [other for other, ratio in zip(close, likeness, strict=True) if ratio > likeness[0] - CLEARLY_LESS]
    return "Did you mean " + " or ".join(repr(other) for other in close) + "?" if close else ""


def _problem(item: Any, known_names: Collection[str], data: Any) -> InputError:
    kind, got, context = item["type"], item["input"], item.get("ctx", {})
    key = _key(item["loc"], data, missing=kind == "missing")
    cause = context.get("error")
    if isinstance(cause, InputError):  # raised by a validator of ours: it knows its own words
        return cause.at(key=key)
    if kind == "missing":
        return InputError("this key is required and is missing", key=key)
    if kind == "extra_forbidden":
        return InputError("there is no such key", key=key, hint=nearest(str(item["loc"][-1]), known_names))
    if kind.startswith("union_tag"):  # which of several models is meant is not said, or not known
        tag = context["discriminator"].strip("'")
        expected = context.get("expected_tags", "")
        key = f"{key}.{tag}".removeprefix(".")
        if kind == "union_tag_not_found":
            return InputError("this key is required and is missing", key=key)
        hint = _close(context["tag"], re.findall(r"'([^']*)'", expected))
        return InputError(f"must be one of {expected}", key=key, got=context["tag"], hint=hint)
    rule = str(cause) if cause else re.sub(r"^\w+ should", "must", item["msg"])
    return InputError(rule, key=key, got=got, hint=_value_hint(rule, got))


def _key(location: Sequence[str | int], data: Any, missing: bool) -> str:
    """("tiers", 3, "mmr") as tiers[3].mmr; parts that are not in `data` are tags of unions and left out.

    The last part of a `missing` key is not in `data` and stays.
    """
    path = ""
    for place, part in enumerate(location):
        inside = isinstance(part, int) or data is None or (missing and place == len(location) - 1)
        if (isinstance(data, Mapping) and part in data) or (isinstance(data, list) and isinstance(part, int)):
            data, inside = data[part], True  # type: ignore[index]
        if inside:
            path += f"[{part}]" if isinstance(part, int) else f".{part}"
    return path.removeprefix(".")


def _value_hint(rule: str, got: Any) -> str:
    """The next move where a text was meant as a number or as a truth value."""
    if not isinstance(got, str):
        return ""
    if "boolean" in rule:
        return "Write true or false, without quotes"
    if ("number" in rule or "integer" in rule) and _NUMBER.fullmatch(got):
        return f"It is text: write it without quotes, {got.replace('_', '')}"
    return ""


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)
