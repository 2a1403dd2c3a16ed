"""How long the bars of a record are: the distance of two rows between which none is missing."""

import numpy as np

from stresslab.errors import InputError
from stresslab.units import format_duration

RUN = 20  # equal distances in a row that are no holes: a market without trades leaves none so regular
COMMON = 0.9  # share of distances from which on the others are the odd ones


def bar_length(stamps: np.ndarray, file: str) -> int:
    """The shortest distance of two rows, in seconds.

    Raises:
        InputError: it does not divide all other distances; or many rows in succession stand twice as far apart or
            farther, as where bars of two lengths stand in one file, or a running bar is the last row.
    """
    widths = np.diff(stamps)
    bar = int(widths.min())
    lengths, counts = np.unique(widths, return_counts=True)
    usual = int(lengths[counts.argmax()])
    off_usual = np.flatnonzero(widths % usual)
    if (widths % bar).any() and off_usual.size <= (1 - COMMON) * len(widths):
        bar = usual  # a few rows stand in the wrong place, and the distances between them say nothing
    odd = np.flatnonzero(widths % bar)
    kind = "most frequent" if bar == usual else "shortest"
    if odd.size:
        rule = f"bars must start a whole number of bars ({format_duration(bar)}, the {kind} distance) apart"
        hint = f"{odd.size} of {len(widths)} distances are not. Give bars of one length"
        raise InputError(rule, file=file, key="timestamp", got=_at(stamps, int(odd[0])), hint=hint)
    _require_one_length(stamps, widths, bar, file)
    return bar


def _require_one_length(stamps: np.ndarray, widths: np.ndarray, bar: int, file: str) -> None:
    edges = np.flatnonzero(np.concatenate([[True], np.diff(widths) != 0, [True]]))
    long = (np.diff(edges) >= RUN) & (widths[edges[:-1]] > bar)
    if not long.any():
        return
    start = int(edges[np.flatnonzero(long)[0]])
    other = int(widths[start])
    shortest = np.flatnonzero(widths == bar)
    few = len(shortest) <= (1 - COMMON) * len(widths)
    rule = (
        f"bars must have one length: rows stand {format_duration(other)} apart from "
        f"{np.datetime64(int(stamps[start]), 's')}Z on, and {format_duration(bar)} elsewhere"
    )
    hint = (
        f"Remove the rows that are no bars of {format_duration(other)}"
        if few
        else "Split the file into bars of one length"
    )
    place = int(shortest[0]) if few else start
    raise InputError(rule, file=file, key="timestamp", got=_at(stamps, place), hint=hint)


def _at(stamps: np.ndarray, place: int) -> str:
    """The row behind a distance."""
    return f"{np.datetime64(int(stamps[place + 1]), 's')}Z"
