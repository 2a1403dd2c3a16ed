"""What is doubtful about a run, for the page's first screen: the stored warnings, and a night that had not come yet."""

import json
from datetime import datetime
from typing import Any

import xarray as xr

from stresslab.config.doubts import future

SHOWN = 5  # more are folded away, with their number


def doubtful(ds: xr.Dataset, provenance: dict[str, Any]) -> list[tuple[str, str]]:
    """Each warning as its place, `KEY = VALUE`, and the sentence about it; none for a run stored without warnings."""
    stored = json.loads(ds.attrs.get("warnings", "[]"))
    return [_parted(text) for text in (*stored, *_future(ds, provenance))]


def _future(ds: xr.Dataset, provenance: dict[str, Any]) -> list[str]:
    """By the clock of the run: the page of a stored run says the same on every day that it is written."""
    try:
        as_of, started = (datetime.fromisoformat(str(text)) for text in (ds.attrs["as_of"], provenance["started"]))
        return [doubt.text for doubt in future(as_of, started)]
    except (KeyError, ValueError, TypeError):  # a run without a date, or whose date has no zone
        return []


def _parted(text: str) -> tuple[str, str]:
    place, separator, sentence = text.partition(": ")
    return (place, sentence[:1].upper() + sentence[1:]) if separator else ("", text)
