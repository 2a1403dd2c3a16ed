"""How large and how small the numbers of a file may be.

What is far beyond every quantity of a market is a slip of the pen, and past the range of float32 it ends as 0, infinity
or nothing at all. Numbers that must be positive have a smallest size too: below it they would be taken for 0.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from stresslab.errors import InputError

SMALLEST, LARGEST = 1e-15, 1e18


def check_sizes(part: BaseModel, largest: float = LARGEST, smallest: float = SMALLEST) -> None:
    """InputError, with the key, for a float among the fields that is larger than `largest` in size, or smaller than
    `smallest` where it must be positive.
    """
    positive = _positive(type(part))
    for name, value in part:
        for key, number in _floats(value, name):
            if abs(number) > largest:
                hint = "Check its unit and its exponent"
                raise InputError(f"must be at most {largest:g} in size", key=key, got=number, hint=hint)
            if name in positive and 0 < number < smallest:
                hint = "Check its unit and its exponent"
                raise InputError(f"must be at least {smallest:g}", key=key, got=number, hint=hint)


def _floats(value: Any, key: str) -> Iterator[tuple[str, float]]:
    if type(value) is float:
        yield key, value
    elif type(value) is tuple:
        for place, one in enumerate(value):
            yield from _floats(one, f"{key}[{place}]")
    elif type(value) is dict:
        for name, one in value.items():
            yield from _floats(one, f"{key}.{name}")


@cache
def _positive(model: type[BaseModel]) -> frozenset[str]:
    """The fields whose numbers must be above 0."""
    return frozenset(name for name, info in model.model_fields.items() if _excludes_zero(info))


def _excludes_zero(held: Any) -> bool:
    metadata = held.metadata if isinstance(held, FieldInfo) else getattr(held, "__metadata__", ())
    inner = held.annotation if isinstance(held, FieldInfo) else held
    return any(getattr(one, "gt", None) == 0 or _excludes_zero_in(one) for one in metadata) or any(
        _excludes_zero(part) for part in get_args(inner) if not isinstance(part, FieldInfo)
    )


def _excludes_zero_in(held: Any) -> bool:
    return isinstance(held, FieldInfo) and _excludes_zero(held)
