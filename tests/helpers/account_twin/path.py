"""What happens on one path, in time order, and where a function first comes to zero on the way."""

from collections.abc import Callable
from typing import NamedTuple

Prices = tuple[float, ...]  # of all assets, quote currency
ROUNDS = 80  # of bisection: to the last digit of a float64


class Begin(NamedTuple):
    """A step begins: what has expired is settled, whoever acts by the clock acts."""


class Drift(NamedTuple):
    """All log prices run straight and together to the first corner, on to the next; one piece of a step."""

    corners: tuple[Prices, ...]


class Jump(NamedTuple):
    """A gap to these prices."""

    prices: Prices


class End(NamedTuple):
    """A step is over."""


class Funding(NamedTuple):
    """Funding is paid at the prices now; positive: longs pay."""

    rate: float


class Mark(NamedTuple):
    """What is everything worth now?"""


class Clock(NamedTuple):
    """Whatever follows happens in this survival bin."""

    bin: int


class Stop(NamedTuple):
    """A place on the way through a drift: how far, and the prices there."""

    at: float
    prices: Prices


def between(a: Prices, b: Prices, share: float) -> Prices:
    return tuple(x * (y / x) ** share if x != y else x for x, y in zip(a, b, strict=True))


def stops(start: Prices, drift: Drift, parts: int) -> list[Stop]:
    """The way in `parts` for each straight line, both ends included."""
    found, before = [Stop(0.0, start)], start
    for number, corner in enumerate(drift.corners):
        if corner != before:
            found += [Stop(number + k / parts, between(before, corner, k / parts)) for k in range(1, parts)]
            found.append(Stop(number + 1.0, corner))
        before = corner
    return found


def first_zero(is_breached: Callable[[Prices], bool], way: list[Stop]) -> Stop | None:
    """Where a condition first holds: looked at in every stop, then by bisection."""
    if is_breached(way[0].prices):
        return way[0]
    for near, far in zip(way, way[1:], strict=False):
        if is_breached(far.prices):
            low, high = 0.0, 1.0
            for _ in range(ROUNDS):
                middle = (low + high) / 2
                if is_breached(between(near.prices, far.prices, middle)):
                    high = middle
                else:
                    low = middle
            return Stop(near.at + high * (far.at - near.at), between(near.prices, far.prices, high))
    return None
