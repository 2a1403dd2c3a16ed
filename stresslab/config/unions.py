"""Blocks of a study that come in several kinds: the kind says which keys there are."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, PlainSerializer, PlainValidator

from stresslab.config.fields import check_keys, shown
from stresslab.errors import InputError, require
from stresslab.yaml_reader import nearest


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
        raise InputError("there is no such kind", key="kind", got=shown(kind), hint=hint)
    check_keys(value, kinds[kind].model_fields)
    return kinds[kind].model_validate(value)


def _dumped(value: BaseModel) -> Any:
    return value.model_dump(mode="json", exclude_none=True)


def one_of(kinds: Mapping[str, type[BaseModel]], schema: Any) -> Any:
    """The type of a field that holds one of these kinds; `schema` is their union, for the JSON schema."""
    validator = PlainValidator(lambda value: of_kind(value, kinds), json_schema_input_type=schema)
    return Annotated[Any, validator, PlainSerializer(_dumped)]
