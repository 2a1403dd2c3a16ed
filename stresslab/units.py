"""Durations and the few unit conversions that everything shares.

Durations are whole seconds; a year has 365 days; a basis point is 1e-4.
"""

import re

from stresslab.errors import InputError

SECONDS = {"s": 1, "min": 60, "h": 3600, "D": 86_400}
YEAR_SECONDS = 365 * 86_400
BASIS_POINT = 1e-4

_DURATION = re.compile(r"^([1-9][0-9]*)(s|min|h|D)$")
_LOOSE = re.compile(r"([1-9][0-9]*) *(s|min|h|d)", re.IGNORECASE)


def parse_duration(text: str) -> int:
    """Seconds in a duration such as "15min", "8h" or "7D"; InputError for anything else."""
    match = _DURATION.match(text) if isinstance(text, str) else None
    if match is None:
        raise InputError(
            "a duration is a whole positive number and a unit: s, min, h or D",
            got=text,
            hint=_respelt(text) or 'Write for example "15min", "8h" or "7D"',
        )
    return int(match[1]) * SECONDS[match[2]]


def _respelt(text: object) -> str:
    """The hint for a duration that lacks only the right case, or holds a space: "7d" is 7D."""
    match = _LOOSE.fullmatch(text) if isinstance(text, str) else None
    return f'Write "{match[1]}{match[2].upper() if match[2] in "dD" else match[2].lower()}"' if match else ""


def format_duration(seconds: int) -> str:
    """The shortest duration string: 86400 gives "1D", 5400 gives "90min"."""
    for unit, size in reversed(SECONDS.items()):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    raise ValueError(f"{seconds!r} is not a whole number of seconds")


def years(seconds: float) -> float:
    """Seconds in years of 365 days."""
    return seconds / YEAR_SECONDS
