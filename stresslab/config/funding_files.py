"""A funding process whose numbers lie in a file, as a fitted model's do, with tonight's rate set on top."""

from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from stresslab.config.fields import Part, Text
from stresslab.config.files import find
from stresslab.config.model_files import Fitted
from stresslab.config.processes import FUNDINGS, FundingRef
from stresslab.config.unions import of_kind
from stresslab.errors import InputError
from stresslab.files.validation import validation_error
from stresslab.files.yaml_reader import read_yaml


class FundingFile(Part):
    """The content of a funding file."""

    kind: Text
    parameters: dict[str, Any]
    fitted: Fitted | None = Field(default=None, description="where the numbers are from: for people")


def read_process(ref: FundingRef, base: Path, study: str) -> Any:
    """The process that a reference stands for. `study` is the file to name in refusals."""
    path = find(ref.file, base, study, "funding.file", "funding")
    try:
        content = FundingFile.model_validate(read_yaml(path))
        of_kind({"kind": content.kind, **content.parameters}, FUNDINGS)
    except ValidationError as error:
        raise validation_error(error, str(path)) from None
    except InputError as error:
        raise error.at(file=str(path)) from None
    try:
        return of_kind({"kind": content.kind, **content.parameters, **ref.set}, FUNDINGS)
    except ValidationError as error:
        raise validation_error(error, study).at(key="funding.set") from None
    except InputError as error:
        raise error.at(file=study, key="funding.set") from None
