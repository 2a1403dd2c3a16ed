"""The models of a study: written inline, or fitted numbers read from a file with the night's state set on top.

A model file is `kind`, `parameters` and `fitted` (where the numbers are from); `fitted.as_of` is the end of the data.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stresslab.config.fields import Duration, Instant, Part, Text, check_keys
from stresslab.errors import InputError, require
from stresslab.models import MODELS, Parameters
from stresslab.shipped import config_root
from stresslab.yaml_reader import nearest, read_yaml, validation_error


class ModelRef(Part):
    """A model whose numbers lie in a file."""

    file: Text = Field(description="relative to the study file; failing that, to the configurations that are shipped")
    max_age: Duration | None = Field(default=None, description="longest time from fitted.as_of to as_of")
    set: dict[str, Any] = Field(default={}, description="parameters put in place of the file's")


class Fitted(BaseModel):
    """Where a model file's numbers are from. Only `as_of` is read; the rest is for people."""

    model_config = ConfigDict(frozen=True, strict=True, extra="allow")
    as_of: Instant | None = None


class ModelFile(Part):
    """The content of a model file."""

    kind: Text
    parameters: dict[str, Any]
    fitted: Fitted | None = None


class Fit(Part):
    """Which file a model's numbers were read from, and how old they may be."""

    file: Text
    sha256: str
    as_of: Instant | None = None
    max_age: Duration | None = None


def model_class(kind: Any) -> type[Parameters]:
    """The class of a kind; InputError with the nearest kind otherwise."""
    if isinstance(kind, str) and kind in MODELS:
        return MODELS[kind]
    close = nearest(kind, MODELS) if isinstance(kind, str) else ""
    raise InputError(
        "there is no such kind of model", key="kind", got=kind, hint=close or f"Known: {', '.join(MODELS)}"
    )


def model_entry(entry: Any) -> Parameters | ModelRef:
    """One entry of `models` as written: parameters with their kind, or a reference to a file."""
    if isinstance(entry, Parameters | ModelRef):
        return entry
    if isinstance(entry, dict) and "file" in entry:
        return ModelRef.model_validate(entry)
    check_keys(entry, entry if isinstance(entry, dict) else ())
    require("kind" in entry, "name a kind or a file", key="kind", hint=f"Kinds: {', '.join(MODELS)}")
    found = model_class(entry["kind"])
    check_keys(entry, found.model_fields)
    return found.model_validate(entry)


def read_model(name: str, ref: ModelRef, base: Path, study: str) -> tuple[Parameters, Fit]:
    """The parameters that a reference stands for, and where they are from. `study` is the file to name in refusals."""
    path = _find(name, ref, base, study)
    data = read_yaml(path)
    try:
        content = ModelFile.model_validate(data)
        found = model_class(content.kind)
        check_keys(content.parameters, set(found.model_fields) - {"kind"})
    except ValidationError as error:
        raise validation_error(error, str(path)) from None
    except InputError as error:
        raise error.at(file=str(path), key="" if error.key == "kind" else "parameters") from None
    try:
        check_keys(ref.set, set(found.model_fields) - {"kind"})
    except InputError as error:
        raise error.at(file=study, key=f"models.{name}.set") from None
    parameters = _merged(name, found, content.parameters, ref.set, path, study)
    fitted_as_of = content.fitted.as_of if content.fitted else None
    require(
        ref.max_age is None or fitted_as_of is not None,
        f"{path} has no fitted.as_of to measure the age from",
        file=study,
        key=f"models.{name}.max_age",
        got=ref.max_age,
        hint="Write the end of the data there",
    )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return parameters, Fit(file=ref.file, sha256=digest, as_of=fitted_as_of, max_age=ref.max_age)


def _merged(
    name: str, found: type[Parameters], own: Mapping[str, Any], put: Mapping[str, Any], path: Path, study: str
) -> Parameters:
    try:
        return found.model_validate({**own, **put})
    except ValidationError as error:
        problem = validation_error(error, "")
    if problem.key.split(".")[0] in put:
        raise problem.at(file=study, key=f"models.{name}.set")
    raise problem.at(file=str(path), key="parameters")


def _find(name: str, ref: ModelRef, base: Path, study: str) -> Path:
    places = [base / ref.file, config_root() / ref.file]
    for path in places:
        try:
            if path.is_file():
                return path
        except OSError:  # a name that the file system does not take
            continue
    looked = " and ".join(dict.fromkeys(str(path) for path in places))
    raise InputError(
        "there is no such model file", file=study, key=f"models.{name}.file", got=ref.file, hint=f"Looked for {looked}"
    )
