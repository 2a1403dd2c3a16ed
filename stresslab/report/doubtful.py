"""The warnings on the first screen of a report: the stored ones, and an as_of later than the run itself."""

import json
from datetime import datetime
from typing import Any

import xarray as xr

from stresslab.config.doubts import future

SHOWN = 5  # further warnings are collapsed


def doubtful(ds: xr.Dataset, provenance: dict[str, Any]) -> list[tuple[str, str]]:
    """Each warning as its place, `KEY = VALUE`, and the sentence about it; none for a run stored without warnings."""
    stored = json.loads(ds.attrs.get("warnings", "[]"))
    return [_parted(text) for text in (*stored, *_future(ds, provenance))]


def unverified(ds: xr.Dataset) -> list[str]:
    """How many rules of each rulebook were not read at their source; the lines are in the last section of the page."""
    books = json.loads(ds.attrs.get("assumptions", "{}"))
    counts = {name: sum(str(line).startswith("Not verified: ") for line in lines) for name, lines in books.items()}
    return [f"{count} rule{'s' * (count > 1)} of {name}" for name, count in counts.items() if count]


def _future(ds: xr.Dataset, provenance: dict[str, Any]) -> list[str]:
    """Compare as_of with the start of the run, so that the report of a stored run does not depend on today's date."""
    try:
        as_of, started = (datetime.fromisoformat(str(text)) for text in (ds.attrs["as_of"], provenance["started"]))
        return [doubt.text for doubt in future(as_of, started)]
    except (KeyError, ValueError, TypeError):  # a run without a date, or whose date has no zone
        return []


def _parted(text: str) -> tuple[str, str]:
    place, separator, sentence = text.partition(": ")
    return (place, sentence[:1].upper() + sentence[1:]) if separator else ("", text)
