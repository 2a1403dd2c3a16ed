"""The numbers of a model in a space without bounds, where their errors are taken for normal.

    log(x - a)                   for a number that its field bounds below by a
    log((x - a) / (b - x))       on both sides: for a correlation this is 2 atanh(x), for a probability its logit
    x                            for one without bounds

Elements of nested fields are named by their places: `sigmas.0`, `generator.0.1`. Off the diagonal a generator holds
rates, which are positive, and on it what makes each row sum to 0.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, get_args

from pydantic.fields import FieldInfo

from stresslab.models.base import Parameters

GENERATOR = "generator"
_HIGHEST = 700.0  # its exponential is still a number


class Bounds(NamedTuple):
    """Between which a number lies."""

    low: float = -math.inf
    high: float = math.inf

    def inside(self, x: float) -> bool:
        """Whether x lies between them, and not on one."""
        return self.low < x < self.high

    def free(self, x: float) -> float:
        """From the bounded number to the free one."""
        if math.isfinite(self.low) and math.isfinite(self.high):
            return math.log((x - self.low) / (self.high - x))
        if math.isfinite(self.low):
            return math.log(x - self.low)
        return -math.log(self.high - x) if math.isfinite(self.high) else x

    def bound(self, y: float) -> float:
        """Back again."""
        if math.isfinite(self.low) and math.isfinite(self.high):
            return self.low + (self.high - self.low) * _logistic(y)
        if math.isfinite(self.low):
            return self.low + _exponential(y)
        return self.high - _exponential(-y) if math.isfinite(self.high) else y

    def slope(self, x: float) -> float:
        """Of the free number, by the bounded one."""
        below = 1 / (x - self.low) if math.isfinite(self.low) else 0.0
        above = 1 / (self.high - x) if math.isfinite(self.high) else 0.0
        return below + above or 1.0


def _exponential(y: float) -> float:
    return math.exp(y) if y < _HIGHEST else math.inf


def _logistic(y: float) -> float:
    return 1 / (1 + math.exp(-y)) if y >= 0 else _exponential(y) / (1 + _exponential(y))


def bounds(model: type[Parameters], name: str) -> Bounds:
    """The bounds of a number of a model, as its field declares them."""
    field = name.split(".")[0]
    if field == GENERATOR:
        return Bounds(low=0.0)
    info = model.model_fields[field]
    found = [*_limits(info), *_inner(info.annotation)]
    lows = [limit for kind, limit in found if kind in ("gt", "ge")]
    highs = [limit for kind, limit in found if kind in ("lt", "le")]
    return Bounds(max(lows, default=-math.inf), min(highs, default=math.inf))


def _inner(annotation: Any) -> Iterator[tuple[str, float]]:
    """Limits inside `Positive | None` or `tuple[Positive, ...]`."""
    for held in getattr(annotation, "__metadata__", ()):
        if isinstance(held, FieldInfo):
            yield from _limits(held)
    for part in get_args(annotation):
        yield from _inner(part)


def _limits(info: FieldInfo) -> Iterator[tuple[str, float]]:
    for held in info.metadata:
        for kind in ("gt", "ge", "lt", "le"):
            if hasattr(held, kind):
                yield kind, float(getattr(held, kind))


def number(parameters: Mapping[str, Any], name: str) -> float:
    """The number of this name; KeyError or IndexError where there is none."""
    field, *places = name.split(".")
    value = parameters[field]
    for place in places:
        value = value[int(place)]
    return float(value)


def replaced(parameters: Mapping[str, Any], numbers: Mapping[str, float]) -> dict[str, Any]:
    """The parameters with other numbers, a generator's diagonal following."""
    found = dict(parameters)
    for name, value in numbers.items():
        field, *places = name.split(".")
        found[field] = _put(found[field], [int(place) for place in places], value)
    if any(name.split(".")[0] == GENERATOR for name in numbers):
        found[GENERATOR] = tuple(_row(row, place) for place, row in enumerate(found[GENERATOR]))
    return found


def _put(value: Any, places: list[int], number: float) -> Any:
    if not places:
        return number
    first, *rest = places
    return (*value[:first], _put(value[first], rest, number), *value[first + 1 :])


def _row(row: tuple[float, ...], diagonal: int) -> tuple[float, ...]:
    others = sum(rate for place, rate in enumerate(row) if place != diagonal)
    return (*row[:diagonal], -others, *row[diagonal + 1 :])
