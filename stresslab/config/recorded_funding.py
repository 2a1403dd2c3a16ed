"""The payments of a record that a study replays: those after as_of and up to the last horizon, when they were made.

A payment at as_of is excluded, one at the last horizon is included. A record that lacks payments in between is refused
with the dates, because missing payments would count as zero funding.
"""

from typing import Any

import numpy as np

from stresslab.config.fields import instant_text
from stresslab.config.processes import ReplayFunding
from stresslab.config.schema import Study
from stresslab.errors import InputError
from stresslab.files.record_gaps import NEIGHBOURS, find_gaps
from stresslab.units import format_duration

LATE = 60  # seconds of delay before a payment counts as missing


def recorded_payments(study: Study, funding: ReplayFunding) -> tuple[np.ndarray, np.ndarray]:
    """Seconds from as_of and rate of each recorded payment, in the order of time; InputError where some are missing."""
    record = study.recorded
    assert record is not None  # read with the study
    start = int((funding.start or study.as_of).timestamp())
    end = start + study.market.horizon_seconds[-1]
    first, last = np.searchsorted(record.stamps, [start, end], side="right")
    near = record.stamps[max(first - 1 - NEIGHBOURS, 0) : last + 1 + NEIGHBOURS]
    missing = _missing(near, funding.interval_seconds, start, end)
    if missing:
        raise InputError(
            f"{missing}; the record runs from {_text(record.stamps[0])} to {_text(record.stamps[-1])}, "
            f"the study from {_text(start)} to {_text(end)}",
            key="funding.start" if funding.start else "funding.file",
            got=instant_text(funding.start) if funding.start else funding.file,
            hint="Add the missing payments to the file (rate 0 where none was made), or choose a funding.start from "
            "which the record covers the time up to the last horizon",
            file=study.file,
        )
    return record.stamps[first:last] - start, record.rates[first:last]


def _missing(stamps: np.ndarray, interval: int, start: int, end: int) -> str:
    """A sentence about the missing payments between two instants; empty where none is missing.

    `stamps` are those between them and enough of their neighbours to say what is usual.
    """
    gaps = find_gaps(stamps, interval)
    if stamps[0] - start > gaps.at_start + LATE:
        return f"the record begins at {_text(stamps[0])}, more than {_span(gaps.at_start)} after the study's time 0"
    if end - stamps[-1] > gaps.at_end - LATE:
        return f"the record ends at {_text(stamps[-1])}, {_span(gaps.at_end)} or more before the last horizon"
    holes, usual = gaps.holes, gaps.usual[gaps.holes]
    inside = holes[(stamps[holes + 1] - start > usual + LATE) & (end - stamps[holes] > usual - LATE)]
    if inside.size == 0:
        return ""
    hole = inside[0]
    others = f" (the first of {inside.size} holes)" if inside.size > 1 else ""
    return (
        f"the record has no payment between {_text(stamps[hole])} and {_text(stamps[hole + 1])}{others}, "
        f"where one every {_span(gaps.usual[hole])} is usual"
    )


def _span(seconds: float) -> str:
    return format_duration(round(seconds))


def _text(seconds: Any) -> str:
    return f"{np.datetime64(int(seconds), 's')}Z"
