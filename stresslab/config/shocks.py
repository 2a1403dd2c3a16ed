"""The shocks of a study by name: a list of effects, or a file that holds one and says where its figures are from."""

import hashlib
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainValidator, ValidationError

from stresslab.config.fields import Part, Text, check_keys
from stresslab.config.files import find
from stresslab.config.unions import of_kind
from stresslab.errors import InputError, require
from stresslab.files.validation import validation_error
from stresslab.files.yaml_reader import read_yaml
from stresslab.shocks import EFFECTS, AnyEffect

NONE = "none"  # what market.shock says where there is no shock
Effects = tuple[AnyEffect, ...]


def _effects(value: Any) -> Effects:
    require(isinstance(value, list | tuple), "must be a list of effects", got=value)
    require(len(value) > 0, "must not be empty", got=value)
    found = []
    for place, effect in enumerate(value):
        try:
            found.append(of_kind(effect, EFFECTS))
        except ValidationError as error:
            raise validation_error(error, "").at(key=f"[{place}]") from None
        except InputError as error:
            raise error.at(key=f"[{place}]") from None
    return tuple(found)


_Effects = Annotated[Any, PlainValidator(_effects, json_schema_input_type=list[AnyEffect])]


class ShockRef(Part):
    """A shock whose effects lie in a file."""

    file: Text = Field(description="relative to the study file; failing that, to the configurations that are shipped")


class ShockFile(Part):
    """The content of a shock file."""

    event: Text = Field(description="what happened")
    source: Annotated[str, Field(min_length=1)] = Field(description="where the figures are from")
    effects: _Effects


def _entry(value: Any) -> ShockRef | Effects:
    if isinstance(value, dict):
        check_keys(value, ShockRef.model_fields)
        return ShockRef.model_validate(value)
    return _effects(value)


def _named(value: Any) -> Any:
    check_keys(value, value if isinstance(value, dict) else ())
    require(NONE not in value, "means that there is no shock: take another name", key=NONE)
    return value


_Entry = Annotated[Any, PlainValidator(_entry, json_schema_input_type=list[AnyEffect] | ShockRef)]
Shocks = Annotated[dict[str, _Entry], BeforeValidator(_named)]


def resolved_shocks(written: dict[str, Any], base: Path, study: str) -> tuple[dict[str, Effects], dict[str, str]]:
    """The effects of each shock by its name, and the SHA-256 of each file."""
    effects, files = {}, {}
    for name, entry in written.items():
        effects[name] = entry
        if isinstance(entry, ShockRef):
            path = find(entry.file, base, study, f"shocks.{name}.file", "shock")
            effects[name], files[entry.file] = read_shock(path).effects, _digest(path)
    return effects, files


def read_shock(path: Path) -> ShockFile:
    """A shock file; InputError that names it for whatever is wrong."""
    try:
        return ShockFile.model_validate(read_yaml(path))
    except ValidationError as error:
        raise validation_error(error, str(path)) from None


def written(effects: Effects) -> list[dict[str, Any]]:
    """The effects as JSON-able values."""
    return [effect.model_dump(mode="json", exclude_none=True) for effect in effects]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
