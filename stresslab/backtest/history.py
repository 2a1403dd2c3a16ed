"""Bars from one file, or from several that follow each other: older ones give the trailing window its history."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np

from stresslab.calibrate import Bars, read_bars
from stresslab.errors import require
from stresslab.units import format_duration


def read_history(paths: Sequence[Path]) -> Bars:
    """The bars of the files in the order of time."""
    parts = sorted((read_bars(path) for path in paths), key=lambda bars: int(bars.stamps[0]))
    for part in parts:
        require(not part.close_only, "highs and lows are needed to see what happened", file=part.file, key="high, low")
    history = parts[0]
    for part in parts[1:]:
        history = _joined(history, part)
    return history


def _joined(older: Bars, newer: Bars) -> Bars:
    rule = f"bars of all files must have one length: those of {older.file} have {format_duration(older.seconds)}"
    require(newer.seconds == older.seconds, rule, file=newer.file, got=format_duration(newer.seconds))
    distance = int(newer.stamps[0] - older.stamps[-1])
    require(distance > 0, f"the first bar must be later than the last of {older.file}", file=newer.file)
    rule = f"bars must start a whole number of bars after those of {older.file}"
    require(distance % older.seconds == 0, rule, file=newer.file)
    return replace(
        older,
        stamps=np.concatenate([older.stamps, newer.stamps]),
        prices=np.concatenate([older.prices, newer.prices]),
        file=f"{older.file}, {newer.file}",
        sha256=sha256((older.sha256 + newer.sha256).encode()).hexdigest(),
    )
