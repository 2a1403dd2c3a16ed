"""Editions of a rulebook: which of them is in force at a moment.

A rulebook is a dated history. Each edition holds from `valid_from`, and was last seen in force at `last_seen`; a day
there means its end. Between the two, and on to the next edition, it is the one in force; before the first edition, and
after the last one was seen, the nearest is taken, which `outside` puts into words.
"""

import datetime
import re
from collections.abc import Sequence

from stresslab.errors import InputError, require
from stresslab.venues.rulebook import Rulebook

History = tuple[Rulebook, ...]  # editions of one rulebook, the oldest first

DAY = datetime.timedelta(days=1)
_PERIOD = re.compile(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]", re.ASCII)


def in_force(history: Sequence[Rulebook], moment: datetime.datetime) -> Rulebook:
    """The last edition that begins at or before the moment, or the first one."""
    begun = [edition for edition in history if edition.valid_from <= moment]
    return begun[-1] if begun else history[0]


def named(history: Sequence[Rulebook], date: str) -> Rulebook:
    """The edition in force at the end of a year, month or day, or at a time; InputError before the first one."""
    there = f"the editions begin on {', '.join(one.edition for one in history)}"
    try:
        moment = end_of(date)
    except InputError as error:
        raise InputError(f"{error.rule}; {there}", key=error.key, got=date, hint=error.hint) from None
    rule = f"is before the first edition; {there}"
    require(history[0].valid_from <= moment, rule, key="edition", got=date, hint="Name one of them after the @")
    return in_force(history, moment)


def outside(edition: Rulebook, moment: datetime.datetime) -> str | None:
    """How far the moment is from the time for which the edition is known; None within it."""
    if moment < edition.valid_from:
        return f"its rules are known from {edition.edition} on, {_apart(moment, edition.valid_from)} later"
    if moment > last_moment(edition):
        apart = _apart(edition.last_seen, moment)
        return f"its rules were last seen in force on {edition.last_seen:%Y-%m-%d}, {apart} before"
    return None


def last_moment(edition: Rulebook) -> datetime.datetime:
    """The last time at which the edition is known to have been in force: of a day its end."""
    seen = edition.last_seen
    return seen + DAY if seen.time() == datetime.time() else seen


def end_of(date: str) -> datetime.datetime:
    """The last microsecond of a year, month or day in UTC, or the time itself; InputError for other spellings.

    Other spellings of ISO 8601, 20250819 or 2025-W34, would be read as the midnight at which the day or week begins.
    """
    try:
        if _TIME.match(date):
            given = datetime.datetime.fromisoformat(date)
            return given.replace(tzinfo=datetime.UTC) if given.tzinfo is None else given.astimezone(datetime.UTC)
        period = _PERIOD.fullmatch(date)
        if period is not None:
            return _after(*period.groups()).replace(tzinfo=datetime.UTC) - datetime.timedelta(microseconds=1)
    except (ValueError, OverflowError):
        pass
    hint = "Write a date such as 2025-08-19, 2025-08 or 2025 after the @, or a time such as 2025-08-19T06:30"
    raise InputError("is no date of an edition", key="edition", got=date, hint=hint)


def _after(year: str, month: str | None, day: str | None) -> datetime.datetime:
    """When the next year, month or day begins; ValueError or OverflowError for a date that there is not."""
    if month is None:
        return datetime.datetime(int(year) + 1, 1, 1)
    if day is None:
        return (datetime.datetime(int(year), int(month), 1) + 31 * DAY).replace(day=1)
    return datetime.datetime(int(year), int(month), int(day)) + DAY


def check_order(history: Sequence[Rulebook]) -> None:
    """InputError unless each edition ends before the next begins; its key names the place under `earlier`."""
    for place, (older, newer) in enumerate(zip(history[:-1], history[1:], strict=True)):
        key = f"earlier[{len(history) - 2 - place}]"
        rule = f"must be before {newer.edition}, where the next edition begins"
        hint = "List the newest first, each with a valid_from of its own"
        require(older.valid_from < newer.valid_from, rule, key=f"{key}.valid_from", got=older.edition, hint=hint)
        rule = f"must not be after {newer.edition}, where the next edition begins"
        hint = f"Write the last day on which this edition was seen, at most {newer.edition}"
        seen = f"{older.last_seen:%Y-%m-%d}" if older.last_seen.time() == datetime.time() else str(older.last_seen)
        require(older.last_seen <= newer.valid_from, rule, key=f"{key}.last_seen", got=seen, hint=hint)


def _apart(first: datetime.datetime, second: datetime.datetime) -> str:
    """Days between two dates as a calendar counts them; the time where both are of one day."""
    days = (second.date() - first.date()).days
    if days > 0:
        return "1 day" if days == 1 else f"{days} days"
    minutes = (second - first) / datetime.timedelta(minutes=1)
    return f"{minutes / 60:.0f} hours" if minutes >= 90 else f"{minutes:.0f} minutes"
