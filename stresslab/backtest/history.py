"""The bars of a backtest, from one file or from several that follow each other in time."""

from collections.abc import Sequence
from pathlib import Path

from stresslab.calibrate import Bars, read_bars
from stresslab.errors import require
from stresslab.files.layout import AS_FOUND, Layout


def read_history(paths: Sequence[Path], layout: Layout = AS_FOUND) -> Bars:
    """The bars of the files; older ones give the trailing window its history."""
    bars = read_bars(paths, layout)
    rule = "a backtest needs highs and lows to decide whether a level was reached"
    require(not bars.close_only, rule, file=bars.file, key="high, low", hint="Give bars with open, high, low and close")
    return bars
