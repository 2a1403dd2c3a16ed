"""Blocks of a study that come in several kinds: the kind says which keys there are."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, PlainSerializer, PlainValidator

from stresslab.config.fields import check_keys
from stresslab.errors import InputError, require
from stresslab.files.validation import nearest


def of_kind(value: Any, kinds: Mapping[str, type[BaseModel]]) -> Any:
    """A block as the class of its kind; InputError with the nearest kind or key otherwise."""
    if isinstance(value, tuple(kinds.values())):
        return value
    check_keys(value, value if isinstance(value, dict) else ())
    require("kind" in value, "name a kind", key="kind", hint=f"Kinds: {', '.join(kinds)}")
    kind = value["kind"]
    if not isinstance(kind, str) or kind not in kinds:
        close = nearest(kind, kinds) if isinstance(kind, str) else ""
        hint = close or f"Known: {', '.join(kinds)}"
        raise InputError("there is no such kind", key="kind", got=kind, hint=hint)
    check_keys(value, kinds[kind].model_fields)
    return kinds[kind].model_validate(value)


def _dumped(value: BaseModel) -> Any:
    return value.model_dump(mode="json", exclude_none=True)


def one_of(kinds: Mapping[str, type[BaseModel]], schema: Any, by_file: type[BaseModel] | None = None) -> Any:
    """The type of a field that holds one of these kinds; `schema` is their union, for the JSON schema.

    `by_file` is what stands for a mapping with a file and no kind.
    """

    def read(value: Any) -> Any:
        if by_file is not None and isinstance(value, by_file):
            return value
        if by_file is not None and isinstance(value, dict) and "file" in value and "kind" not in value:
            check_keys(value, by_file.model_fields)
            return by_file.model_validate(value)
        return of_kind(value, kinds)

    return Annotated[Any, PlainValidator(read, json_schema_input_type=schema), PlainSerializer(_dumped)]
