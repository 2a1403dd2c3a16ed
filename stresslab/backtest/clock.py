"""The walk-forward clock: when a forecast is made, and what it may look at.

A forecast is made at the close of a bar, at times that are multiples of `every` since 1970-01-01T00:00Z (so at 00:00
UTC for 1D). It looks at the last `window` of returns up to that close and at nothing later; it is judged by the bars of
the `horizon` after it. A date is left out, and counted, where the bar that would close at it is missing. Where bars of
its horizon are missing, outcomes.py says which outcomes are still known.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np

from stresslab.calibrate import Bars, Returns, log_returns
from stresslab.errors import require
from stresslab.units import format_duration

LEAST_KNOWN = 0.9  # share of a window's returns that must be there at the first forecast


class Spans(NamedTuple):
    """The lengths that the clock works with, in seconds."""

    horizon: int
    every: int  # from one forecast to the next
    window: int  # of history that a forecast looks at
    refit: int  # from one fit of the parameters to the next


class Clock(NamedTuple):
    """One entry for each forecast."""

    dates: np.ndarray  # seconds since 1970, UTC
    rows: np.ndarray  # of the bar that closes then
    refits: np.ndarray  # whether parameters are fitted then
    left_out: int  # dates without a forecast, because the bar that closes then is missing


def check_spans(bars: Bars, spans: Spans) -> None:
    """InputError unless every length is a whole number of bars."""
    for name, seconds in spans._asdict().items():
        rule = f"must be a whole number of bars of {format_duration(bars.seconds)}"
        hint = "Give finer bars, or a longer one" if seconds < bars.seconds else ""
        require(seconds % bars.seconds == 0, rule, key=f"--{name}", got=format_duration(seconds), hint=hint)


def make_clock(bars: Bars, spans: Spans, start: int | None = None, end: int | None = None) -> Clock:
    """Forecasts from `start` to `end` (seconds since 1970, both included), by default as many as the bars allow."""
    check_spans(bars, spans)
    closes = bars.stamps + bars.seconds
    known = returns_before(bars)
    n_window, n_ahead = spans.window // bars.seconds, spans.horizon // bars.seconds
    enough = np.flatnonzero((closes - bars.stamps[0] >= spans.window) & (known >= LEAST_KNOWN * n_window))
    have, need = format_duration(int(known[-1]) * bars.seconds), format_duration(spans.window + spans.horizon)
    rule = f"the window and the horizon together need returns over {need}"
    hint = "Give more history before it, or a shorter --window"
    require(enough.size > n_ahead, f"too few bars: {rule}", key="--window", got=have, file=bars.file, hint=hint)
    first, last = int(closes[enough[0]]), int(closes[-1]) - spans.horizon
    earliest, latest = -(-first // spans.every) * spans.every, last // spans.every * spans.every
    start, end = _chosen(start, end, earliest, latest, bars.file)
    asked = np.arange(-(-start // spans.every) * spans.every, end + 1, spans.every)
    require(asked.size > 0, "no forecast date lies between them", key="--from, --to", got=f"{_day(start)} {_day(end)}")
    rows = np.searchsorted(closes, asked)
    whole = closes[rows] == asked
    dates, rows = asked[whole], rows[whole]
    require(
        dates.size > 0,
        "the bar that closes at the date is missing at every forecast date",
        key="--every",
        file=bars.file,
    )
    return Clock(dates, rows, _refits(dates, spans.refit), int((~whole).sum()))


def returns_before(bars: Bars) -> np.ndarray:
    """For each bar, how many returns end at it or earlier; a return that spans missing bars is none."""
    return np.concatenate([[0], np.cumsum(np.diff(bars.stamps) == bars.seconds)])


def trailing(bars: Bars, row: int, n_returns: int) -> Returns:
    """The last `n_returns` returns up to the close of bar `row`.

    Where bars are missing it reaches further back for the same number; only at the start of the prices there are fewer.
    """
    known = returns_before(bars)
    first = int(np.searchsorted(known, max(known[row] - n_returns, 0), side="right")) - 1
    kept = slice(first, row + 1)
    return log_returns(replace(bars, stamps=bars.stamps[kept], prices=bars.prices[kept]))


def _refits(dates: np.ndarray, refit: int) -> np.ndarray:
    """The first date, and each first date of another period of `refit` seconds after it."""
    period = (dates - dates[0]) // refit
    return np.diff(period, prepend=-1) > 0


def _chosen(start: int | None, end: int | None, earliest: int, latest: int, file: str) -> tuple[int, int]:
    start, end = earliest if start is None else start, latest if end is None else end
    hint = "Give more history before it, or a shorter --window"
    rule = f"with this window the first forecast can be made on {_day(earliest)}"
    require(start >= earliest, rule, key="--from", got=_day(start), file=file, hint=hint)
    rule = f"the last forecast whose horizon the bars cover is made on {_day(latest)}"
    require(end <= latest, rule, key="--to", got=_day(end), file=file)
    require(start <= end, "must not be before --from", key="--to", got=_day(end))
    return start, end


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%MZ").removesuffix("T00:00Z")
