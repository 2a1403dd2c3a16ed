"""How the holder acts: lists of policies, in the book itself or under a name that a sweep can choose."""

from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, PlainValidator, ValidationError

from stresslab.config.fields import NAME, check_keys
from stresslab.config.policy_kinds import KINDS, AnyPolicy
from stresslab.config.unions import of_kind
from stresslab.errors import InputError, require
from stresslab.files.validation import validation_error

NONE = "none"  # what book.policies says where nothing is done


def policy_list(value: Any) -> tuple[Any, ...]:
    """A list of policies, each as the class of its kind."""
    require(isinstance(value, list | tuple), "must be a list of policies, or the name of one under policies", got=value)
    found: list[Any] = []
    for place, entry in enumerate(value):
        try:
            found.append(of_kind(entry, KINDS))
        except ValidationError as error:
            raise validation_error(error, "").at(key=f"[{place}]") from None
        except InputError as error:
            raise error.at(key=f"[{place}]") from None
    return tuple(found)


def _name_or_list(value: Any) -> Any:
    return value if isinstance(value, str) else policy_list(value)


def _named(value: Any) -> Any:
    check_keys(value, value if isinstance(value, dict) else ())
    for name in value:
        rule = "a name is made of letters, digits, - and _, at most 64, and none means that nothing is done"
        require(NAME.fullmatch(name) is not None and name != NONE, rule, key=name)
    return value


def written(value: Any) -> Any:
    """A name, or the policies as JSON-able values."""
    if isinstance(value, tuple):
        return [entry.model_dump(mode="json", exclude_none=True) for entry in value]
    return value


_Schema = list[AnyPolicy]
Policies = Annotated[Any, PlainValidator(_name_or_list, json_schema_input_type=_Schema | str), PlainSerializer(written)]
_Set = Annotated[Any, PlainValidator(policy_list, json_schema_input_type=_Schema), PlainSerializer(written)]
PolicySets = Annotated[dict[str, _Set], BeforeValidator(_named)]
