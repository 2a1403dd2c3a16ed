"""What the values of a study file are made of: durations, instants, events, counts, lists; and the base of its parts.

Every refusal carries the rule and the value that was got. Nothing is coerced but a whole number into a float.
"""

import copy
import re
from collections.abc import Collection
from datetime import UTC, date, datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator

from stresslab.errors import InputError, require
from stresslab.files.magnitudes import check_sizes
from stresslab.files.validation import nearest
from stresslab.models.base import NonNegative, Positive
from stresslab.units import format_duration, parse_duration

EVENTS = ("liquidation", "bankruptcy", "adl", "venue_default")  # and loss_1 to loss_99
LARGEST_AMOUNT = 1e30  # products of several such numbers, and of their inverses, are still finite
_LOSS = re.compile(r"loss_[1-9][0-9]?", re.ASCII)
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)
_SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


def check_keys(data: Any, known: Collection[str]) -> None:
    """InputError unless `data` is a mapping whose keys are all known; the nearest known key is offered."""
    if not isinstance(data, dict):
        hint = "Nothing is written under this key" if data is None else ""
        raise InputError("must be a mapping (key: value)", got=data, hint=hint)
    for key, value in data.items():
        require(isinstance(key, str), "a key must be text", got=key)
        if key not in known:
            raise InputError("there is no such key", key=key, got=value, hint=nearest(key, known))


def copied(place: Any, key: Any) -> Any:
    """What lies under a key, put there as a copy that can be changed; None if there is nothing."""
    if (isinstance(place, dict) and key in place) or (isinstance(place, list) and key in range(len(place))):
        place[key] = copy.copy(place[key])
        return place[key]
    return None


class Part(BaseModel):
    """Base of every block of a study file: frozen, strict, finite; a misspelt key is answered with the nearest one."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, data: Any) -> Any:
        if not isinstance(data, cls):
            check_keys(data, cls.model_fields)
        return data

    @model_validator(mode="after")
    def _sizes(self) -> Self:
        check_sizes(self)
        return self


def _matches(pattern: re.Pattern[str], rule: str) -> AfterValidator:
    def check(text: str) -> str:
        require(pattern.fullmatch(text) is not None, rule, got=text)
        return text

    return AfterValidator(check)


def _level(value: float) -> float:
    hint = f"It is a fraction: write {value / 100:g}" if 1 < value < 100 else ""
    require(0 < value < 1, "must lie between 0 and 1", got=value, hint=hint)
    return value


def _amount(value: float) -> float:
    in_range = value == 0 or 1 / LARGEST_AMOUNT <= value <= LARGEST_AMOUNT
    rule = f"must lie between {1 / LARGEST_AMOUNT:g} and {LARGEST_AMOUNT:g}: no price and no position is beyond"
    require(in_range, rule, got=value, hint="Count in another unit")
    return value


def _printable(text: str) -> str:
    require(0 < len(text) <= 200 and text.isprintable(), "must be 1 to 200 printable characters", got=text)
    return text


def _duration(value: Any) -> str:
    return format_duration(parse_duration(value))


def _instant(value: Any) -> datetime:
    rule = "must be a date and time with its zone"
    hint = "Write for example 2026-11-21T00:00:00Z"
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise InputError(rule, got=value, hint=hint) from None
    if not isinstance(value, datetime) or value.tzinfo is None:
        missing = f"{rule}; the zone is missing" if isinstance(value, date) else rule
        raise InputError(missing, got=format(value) if isinstance(value, date) else value, hint=hint)
    require(value.microsecond == 0, "must be a whole second", got=format(value))
    require(1970 <= value.year <= 2200, "must lie in the years 1970 to 2200", got=format(value))
    return value.astimezone(UTC)


def instant_text(value: datetime) -> str:
    """2026-11-21T00:00:00Z: the one way in which stresslab writes an instant."""
    return value.strftime("%Y-%m-%dT%H:%M:%SZ")


def _event(value: Any) -> str:
    if isinstance(value, str) and (value in EVENTS or _LOSS.fullmatch(value)):
        return value
    loss = re.fullmatch(r"loss_0+([1-9][0-9]?)", value) if isinstance(value, str) else None
    if loss:
        hint = f"Write loss_{loss[1]}"
    elif isinstance(value, str) and value.startswith("loss_"):
        hint = "loss_99 is the largest: whether the last cent is gone is a matter of rounding; bankruptcy is a debt"
    else:
        hint = nearest(value, EVENTS) if isinstance(value, str) else ""
    names = ", ".join(EVENTS)
    rule = f"an event is {names}, or loss_1 to loss_99 (per cent of the account's wealth lost)"
    raise InputError(rule, got=value, hint=hint)


def _whole(value: Any) -> int:
    if type(value) is int:
        return value
    meant = ""
    if isinstance(value, float | str):
        try:
            meant = f"Write {int(float(value))}" if float(value).is_integer() and abs(float(value)) < 1e15 else ""
        except ValueError:
            pass
    raise InputError("must be a whole number", got=value, hint=meant)


def listed(value: Any) -> tuple[Any, ...]:
    """A YAML list (or a tuple) as a tuple; InputError for anything else, a mapping or a lone value."""
    if not isinstance(value, list | tuple):
        raise InputError("must be a list, such as [a, b]", got=value)
    return tuple(value)


def _filled(value: Any) -> tuple[Any, ...]:
    items = listed(value)
    require(len(items) > 0, "must not be empty", got=value)
    return items


def _distinct(items: tuple[Any, ...]) -> tuple[Any, ...]:
    seen = set()
    for item in items:
        require(item not in seen, "is given twice", got=item)
        seen.add(item)
    return items


Filled = BeforeValidator(_filled)
Distinct = AfterValidator(_distinct)
Duration = Annotated[str, BeforeValidator(_duration), Field(examples=["15min", "8h", "7D"])]
Instant = Annotated[datetime, BeforeValidator(_instant), PlainSerializer(instant_text, return_type=str)]
Event = Annotated[str, BeforeValidator(_event), Field(examples=["liquidation", "bankruptcy", "loss_50"])]
Count = Annotated[int, BeforeValidator(_whole)]
Slug = Annotated[str, _matches(_SLUG, "a study's name is made of letters, digits, dot, - and _, at most 64")]
Level = Annotated[float, AfterValidator(_level), Field(json_schema_extra={"minimum": 0, "maximum": 1})]
Text = Annotated[str, AfterValidator(_printable)]
Amount = Annotated[Positive, AfterValidator(_amount)]  # of money, units or a price
AmountOrZero = Annotated[NonNegative, AfterValidator(_amount)]
