"""Reading a YAML file, and saying in words what is wrong with it.

YAML 1.1 through PyYAML's safe loader, with its silent traps closed: a key written twice, an octal number (010 is 8), a
number in base sixty (1:30 is 90) are refused. 1e-4 is text in YAML 1.1: the refusal says to write 1.0e-4.
"""

import difflib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from stresslab.errors import NOT_GIVEN, InputError

MORE_SHOWN = 5  # further problems of the same file named in one refusal
CLEARLY_LESS = 0.1  # names that are less alike than the best one by this much are not offered beside it
LONGEST_SHOWN = 80  # characters of a value repeated in a refusal

_NUMBER = re.compile(r"^([-+]?)([0-9][0-9_]*)?(?:\.([0-9_]*))?(?:[eE]([-+]?)([0-9]+))?$")


class _Loader(yaml.SafeLoader):
    """The safe loader without duplicate keys, octal and base-sixty numbers."""

    def compose_mapping_node(self, anchor: Any) -> Any:
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            if key.value != "<<" and isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        problem=f"the key {key.value!r} is written twice", problem_mark=key.start_mark
                    )
                seen.add(key.value)
        return node

    def construct_number(self, node: yaml.ScalarNode) -> int | float:
        if ":" in node.value or re.match(r"^[-+]?0[0-9_]", node.value):
            raise yaml.constructor.ConstructorError(
                problem=f"YAML 1.1 reads {node.value} in base 60 or 8: write the decimal number, or quotes for text",
                problem_mark=node.start_mark,
            )
        construct = self.construct_yaml_int if node.tag.endswith(":int") else self.construct_yaml_float
        number: int | float = construct(node)
        return number


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_number)
_Loader.add_constructor("tag:yaml.org,2002:float", _Loader.construct_number)


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file; InputError with the file (and line) if there is none to be had."""
    file = str(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError("there is no such file", file=file, hint=_nearest_file(path)) from None
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror or error}", file=file) from None
    except UnicodeDecodeError as error:
        raise InputError(f"the file must be UTF-8 text: {error.reason} at byte {error.start}", file=file) from None
    try:
        data = yaml.load(text, Loader=_Loader)  # noqa: S506 (a safe loader)
    except yaml.YAMLError as error:
        raise InputError(f"not valid YAML: {_yaml_problem(error)}", file=file) from None
    except (ValueError, RecursionError) as error:  # a date like 2024-13-45; brackets nested without end
        raise InputError(f"not valid YAML: {error}", file=file) from None
    if not isinstance(data, dict):
        found = "nothing" if data is None else f"a {type(data).__name__}"
        raise InputError(f"the file must hold a mapping (key: value), it holds {found}", file=file)
    return data


def validation_error(
    error: ValidationError, file: str, known_names: Collection[str] | None = None, data: Any = None
) -> InputError:
    """One refusal that says key path, value and rule of what pydantic found wrong.

    The first problem is told in full, further ones are added to the hint. `known_names` (see `field_names`) are
    offered for keys that do not exist. With `data`, what was validated, key paths leave out the tags of unions.
    """
    # a misspelt key is also a missing one: its name is the likelier repair, so unknown keys come first
    items = sorted(error.errors(include_url=False), key=lambda item: item["type"] != "extra_forbidden")
    first, *others = (_problem(item, known_names or (), data) for item in items)
    if not others:
        return first.at(file=file)
    more = "; also ".join(str(problem) for problem in others[:MORE_SHOWN])
    rest = f"; and {len(others) - MORE_SHOWN} more" if len(others) > MORE_SHOWN else ""
    stop = "" if first.hint.endswith("?") else "."
    hint = f"{first.hint}{stop} Also {more}{rest}" if first.hint else f"Also {more}{rest}"
    return InputError(first.rule, key=first.key, got=first.got, hint=hint, file=file)


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
    hint = _number_hint(got) if "number" in rule or "integer" in rule else ""
    return InputError(rule, key=key, got=_short(got), hint=hint)


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


def _number_hint(got: Any) -> str:
    match = _NUMBER.match(got) if isinstance(got, str) else None
    if match is None or not (match[2] or match[3]):
        return ""
    if match[5] is None:
        return f"It is text: write it without quotes, {got}"
    plain = f"{match[1]}{match[2] or 0}.{match[3] or 0}e{match[4] or '+'}{match[5]}"
    return f"YAML 1.1 reads {got} as text: write {plain}"


def _short(got: Any) -> Any:
    try:
        return got if len(repr(got)) <= LONGEST_SHOWN else NOT_GIVEN
    except ValueError:  # a whole number of more than 4,300 digits
        return NOT_GIVEN


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def _yaml_problem(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    return f"{problem} (line {mark.line + 1}, column {mark.column + 1})" if mark else problem


def _nearest_file(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"The folder {folder} does not exist"
    return nearest(path.name, [other.name for other in folder.glob("*.y*ml")])
