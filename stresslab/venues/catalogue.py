"""Rulebooks by name (the ones that come with stresslab) or from a file of one's own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from stresslab.errors import InputError, require
from stresslab.files.validation import field_names, nearest, validation_error
from stresslab.files.yaml_reader import read_yaml
from stresslab.shipped import config_root
from stresslab.venues.rulebook import Rulebook

SUFFIXES = (".yaml", ".yml")
TAGS = ("kind", "shape")


def available() -> tuple[str, ...]:
    """The ids of the rulebooks that come with stresslab, sorted."""
    folder = config_root() / "venues"
    return tuple(sorted(path.relative_to(folder).with_suffix("").as_posix() for path in folder.glob("*/*.yaml")))


def load(name: str | Path, relative_to: Path | None = None) -> Rulebook:
    """The rulebook with this id ("binance_usdm/BTCUSDT"), or the one in a file ending in .yaml or .yml.

    A file's path that is not absolute is taken from the folder `relative_to` (the working directory if None).
    InputError for an unknown id, with the nearest ones; and for a file that is not there or breaks a rule, with key,
    value and rule.
    """
    text = str(name)
    if text.endswith(SUFFIXES):
        return _read((relative_to or Path()) / text)
    known = available()
    if text not in known:
        raise InputError(
            "there is no such rulebook (a path to a file ends in .yaml or .yml)", got=text, hint=_hint(text)
        )
    return _read(config_root() / "venues" / f"{text}.yaml")


def variant(rulebook: Rulebook, changes: Mapping[str, Any]) -> Rulebook:
    """The rulebook with other numbers: `changes` is merged in, {"fees": {"taker": 0.0004}}; a list replaces a list.

    A section that names another `kind` or `shape` is taken whole. InputError for what breaks a rule.
    """
    require(isinstance(rulebook, Rulebook), "must be a Rulebook", key="rulebook", got=rulebook)
    require(isinstance(changes, Mapping), "must be a mapping of keys to values", key="changes", got=changes)
    data = _merged(rulebook.model_dump(), changes)
    try:
        return Rulebook.model_validate(data)
    except ValidationError as error:
        raise validation_error(error, "", field_names(Rulebook), data) from None


def _merged(old: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(old)
    for key, value in changes.items():
        merged[key] = _merged(old[key], value) if _is_part(old.get(key), value) else value
    return merged


def _is_part(before: Any, value: Any) -> bool:
    both = isinstance(before, Mapping) and isinstance(value, Mapping)
    return both and all(value.get(tag, before.get(tag)) == before.get(tag) for tag in TAGS)


def _hint(text: str) -> str:
    """All of a venue that was named alone, else the nearest names."""
    there = [name for name in available() if name.split("/")[0] == text]
    if there:
        return f"Known there: {', '.join(there)}"
    return nearest(text, available()) or "`stresslab venues` lists them"


def _read(path: Path) -> Rulebook:
    data = read_yaml(path)
    try:
        return Rulebook.model_validate(data)
    except ValidationError as error:
        raise validation_error(error, str(path), field_names(Rulebook), data) from None
