"""What every part of a rulebook is: a small frozen model of plain numbers and choices, read from configs/venues.

A choice that brings its own numbers is a union told apart by one key (`kind`, `shape`, `stage`). Every key is written:
a default would be a rule that nobody wrote down. What does not exist at a venue, or is not known, is `null`.
"""

import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from stresslab.errors import require
from stresslab.units import parse_duration


def _duration(text: str) -> str:
    parse_duration(text)  # InputError in words
    return text


def _not_empty(items: tuple[Any, ...]) -> tuple[Any, ...]:
    require(len(items) > 0, "must have at least one item", got=[])
    return items


def moment(given: Any) -> Any:
    """The time in UTC of a text or date, of a day its midnight; what is neither comes back as it is."""
    if isinstance(given, str):
        try:
            given = datetime.datetime.fromisoformat(given)
        except ValueError:
            return given
    if isinstance(given, datetime.date) and not isinstance(given, datetime.datetime):
        given = datetime.datetime.combine(given, datetime.time())
    if isinstance(given, datetime.datetime):
        return given.replace(tzinfo=datetime.UTC) if given.tzinfo is None else given.astimezone(datetime.UTC)
    return given


Moment = Annotated[datetime.datetime, BeforeValidator(moment)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Text = Annotated[str, Field(min_length=1)]
NotEmpty = AfterValidator(_not_empty)  # min_length would complain of a list whose items are wrong
Texts = Annotated[tuple[Text, ...], Field(strict=False)]
Duration = Annotated[str, AfterValidator(_duration), Field(description='such as "30s", "5min", "8h"')]


class Section(BaseModel):
    """Base of every part: frozen, strict, no unknown keys, finite numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
