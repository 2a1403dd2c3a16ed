"""The models of a study: written inline, or fitted numbers read from a file with the night's state set on top.

A model file is `kind`, `parameters` and `fitted` (where the numbers are from); `fitted.as_of` is the end of the data.
Where the state of the night was brought forward without a refit there is `filtered` too. `max_age` looks at the
parameters, `max_state_age` at the state.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from stresslab.config.fields import Duration, Instant, Part, Text, check_keys
from stresslab.config.uncertainty import Covariance, Draws, Uncertainty
from stresslab.errors import InputError, require
from stresslab.files.validation import nearest, validation_error
from stresslab.files.yaml_reader import read_yaml
from stresslab.models import MODELS, Parameters
from stresslab.models.unconstrained import number
from stresslab.shipped import config_root


def _sentences(value: Any) -> tuple[str, ...]:
    """A list of texts, from a list or one text; any other value, written by hand, becomes text."""
    return () if value is None else tuple(map(str, value if isinstance(value, list | tuple) else [value]))


Sentences = Annotated[tuple[str, ...], BeforeValidator(_sentences)]


class ModelRef(Part):
    """A model whose numbers lie in a file."""

    file: Text = Field(description="relative to the study file; failing that, to the configurations that are shipped")
    max_age: Duration | None = Field(default=None, description="longest time from fitted.as_of to as_of")
    max_state_age: Duration | None = Field(
        default=None, description="longest time from filtered.as_of, else fitted.as_of, to as_of"
    )
    set: dict[str, Any] = Field(default={}, description="parameters put in place of the file's")
    stand_in_for: Text | None = Field(
        default=None, description="asset of the study that the file, fitted to another one, stands in for"
    )


class Fitted(BaseModel):
    """Where a model file's numbers are from: `as_of` is the end of the data, and stays when the state of the night is
    brought to a later one (`filtered.as_of`); `asset` is whose prices they are, `doubts` what makes the fit doubtful.
    In a file without `doubts`, an older one, every one of its `warnings` may be such. The rest is for people.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="allow")
    as_of: Instant | None = None
    covariance: Covariance | None = None
    draws: Draws | None = None
    asset: Text | None = None
    doubts: Sentences | None = None
    warnings: Sentences = ()

    @property
    def doubtful(self) -> tuple[str, ...]:
        """The doubts of the fit."""
        return self.warnings if self.doubts is None else self.doubts


class Filtered(BaseModel):
    """To which night the state was brought, the other parameters being left as they were fitted."""

    model_config = ConfigDict(frozen=True, strict=True, extra="allow")
    as_of: Instant


class ModelFile(Part):
    """The content of a model file."""

    kind: Text
    parameters: dict[str, Any]
    fitted: Fitted | None = None
    filtered: Filtered | None = None


class Fit(Part):
    """Which file a model's numbers were read from, how old they may be, and how sure they are."""

    file: Text
    sha256: str
    as_of: Instant | None = None
    max_age: Duration | None = None
    filtered_as_of: Instant | None = None
    max_state_age: Duration | None = None
    uncertainty: Uncertainty | None = None
    put: tuple[str, ...] = Field(default=(), description="fields that the study sets: they are never drawn")
    asset: Text | None = Field(default=None, description="asset of the fitted data, where the file names it")
    stand_in_for: Text | None = None
    doubts: tuple[str, ...] = Field(default=(), description="reasons why the fit is doubtful")


def model_class(kind: Any) -> type[Parameters]:
    """The class of a kind; InputError with the nearest kind otherwise."""
    if isinstance(kind, str) and kind in MODELS:
        return MODELS[kind]
    close = nearest(kind, MODELS) if isinstance(kind, str) else ""
    raise InputError(
        "there is no such kind of model", key="kind", got=kind, hint=close or f"Known: {', '.join(MODELS)}"
    )


def model_entry(entry: Any, base: str | Path = ".") -> Parameters | ModelRef:
    """One entry of `models` as written: parameters with their kind (prices lie below `base`), or a file's name."""
    if isinstance(entry, Parameters | ModelRef):
        return entry
    if isinstance(entry, dict) and "file" in entry:
        return ModelRef.model_validate(entry)
    check_keys(entry, entry if isinstance(entry, dict) else ())
    require("kind" in entry, "name a kind or a file", key="kind", hint=f"Kinds: {', '.join(MODELS)}")
    found = model_class(entry["kind"])
    check_keys(entry, found.model_fields)
    return found.model_validate(entry, context={"base": base})


def read_model(name: str, ref: ModelRef, base: Path, study: str) -> tuple[Parameters, Fit]:
    """The parameters that a reference stands for, and where they are from. `study` is the file to name in refusals."""
    path = _find(name, ref, base, study)
    found, content = _read(path)
    try:
        check_keys(ref.set, set(found.model_fields) - {"kind"})
    except InputError as error:
        raise error.at(file=study, key=f"models.{name}.set") from None
    parameters = _merged(name, found, content.parameters, ref.set, path, study)
    return parameters, _fit(name, ref, content, path, study)


def read_model_file(path: Path) -> tuple[Parameters, ModelFile]:
    """The model of a file by itself, and the file's content."""
    found, content = _read(path)
    return _merged("", found, content.parameters, {}, path, str(path)), content


def _read(path: Path) -> tuple[type[Parameters], ModelFile]:
    data = read_yaml(path)
    try:
        content = ModelFile.model_validate(data)
        found = model_class(content.kind)
        check_keys(content.parameters, set(found.model_fields) - {"kind"})
    except ValidationError as error:
        raise validation_error(error, str(path)) from None
    except InputError as error:
        raise error.at(file=str(path), key="" if error.key == "kind" else "parameters") from None
    return found, content


def _fit(name: str, ref: ModelRef, content: ModelFile, path: Path, study: str) -> Fit:
    fitted = content.fitted or Fitted()
    for key in ("max_age", "max_state_age"):
        require(
            getattr(ref, key) is None or fitted.as_of is not None,
            f"{path} has no fitted.as_of to measure the age from",
            file=study,
            key=f"models.{name}.{key}",
            got=getattr(ref, key),
            hint="Write the end of the data there",
        )
    uncertainty: Uncertainty | None = fitted.covariance or fitted.draws
    for entry in uncertainty.names if uncertainty else ():
        try:
            number(content.parameters, entry)
        except (KeyError, IndexError, TypeError, ValueError):
            kind = "covariance" if fitted.covariance else "draws"
            rule = "is no number among the parameters of this file"
            raise InputError(rule, file=str(path), key=f"fitted.{kind}.names", got=entry) from None
    return Fit(
        file=ref.file,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        as_of=fitted.as_of,
        max_age=ref.max_age,
        filtered_as_of=content.filtered.as_of if content.filtered else None,
        max_state_age=ref.max_state_age,
        uncertainty=uncertainty,
        put=tuple(ref.set),
        asset=fitted.asset,
        stand_in_for=ref.stand_in_for,
        doubts=fitted.doubtful,
    )


def _merged(
    name: str, found: type[Parameters], own: Mapping[str, Any], put: Mapping[str, Any], path: Path, study: str
) -> Parameters:
    try:
        return found.model_validate({**own, **put}, context={"base": path.parent})
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
