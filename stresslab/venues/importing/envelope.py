"""The answers of interfaces: what is inside them, when they were given, and the errors that some of them are."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from stresslab.errors import InputError, require
from stresslab.venues.schema.base import moment

_FINE = frozenset({"0", "200", "200000"})
_INNER = ("data", "result")
_TIMES = ("serverTime", "time")
FIRST, LAST = datetime(2015, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def opened(found: Any) -> Any:
    """The content of an answer, or of a list of answers (pages, or one for each contract family) in one list.

    InputError with the venue's words for an answer that is an error, and where the last page is missing.
    """
    if isinstance(found, list) and found and all(_is_answer(one) for one in found):
        _refuse_part(found[-1])
        contents = [_content(one) for one in found]
        if all(isinstance(one, list) for one in contents):
            return [row for rows in contents for row in rows]
    if not isinstance(found, dict):
        return found
    _refuse_part(found)
    return _content(found)


def _content(found: Mapping[str, Any]) -> Any:
    _refuse_error(found)
    for name in _INNER:
        inner = found.get(name)
        if isinstance(inner, dict) and isinstance(inner.get("list"), list):
            return inner["list"]
        if isinstance(inner, list | dict):
            return inner
    return found


def _refuse_part(last: Mapping[str, Any]) -> None:
    """InputError where an answer names a page that follows it."""
    inner = last.get("result")
    cursor = inner.get("nextPageCursor") if isinstance(inner, dict) else None
    hint = "Fetch the further pages, and write all answers into one file as a JSON list"
    require(not cursor, "is not the last page of the answer", key="nextPageCursor", got=cursor, hint=hint)


def _is_answer(found: Any) -> bool:
    is_dict = isinstance(found, dict)
    return is_dict and ("code" in found or "retCode" in found) and any(name in found for name in _INNER)


def _refuse_error(found: Mapping[str, Any]) -> None:
    code = found.get("code", found.get("retCode"))
    words = next((found[name] for name in ("msg", "retMsg", "message", "label", "error") if found.get(name)), "")
    words = str(words or ", ".join(str(one) for one in found.get("errors") or ())).rstrip(".")
    is_error = found.get("result") == "error" or found.get("success") is False or "label" in found
    if is_error or (code is not None and str(code) not in _FINE):
        got = code if code is not None else found.get("label", found.get("error", "error"))
        hint = "The file holds the message in place of the tiers: fetch it again"
        raise InputError(f"the venue answered with an error: {words}", key="code", got=got, hint=hint)


def time_of(found: Any) -> datetime | None:
    """When the venue gave the answer, in UTC; None where it does not say."""
    if isinstance(found, list):
        times = [time for time in map(time_of, found[:1]) if time is not None]
        return times[0] if times and _is_answer(found[0]) else None
    if not isinstance(found, dict):
        return None
    for name in _TIMES:
        time = _time(found.get(name))
        if time is not None and FIRST < time < LAST:
            return time
    return None


def _time(given: Any) -> datetime | None:
    """ISO 8601, or milliseconds since 1970."""
    try:
        if isinstance(given, int | float) and not isinstance(given, bool):
            return datetime.fromtimestamp(given / 1000, UTC)
        if isinstance(given, str) and given.isdecimal():
            return datetime.fromtimestamp(int(given) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    found = moment(given) if isinstance(given, str) else None
    return found if isinstance(found, datetime) else None
