"""`stresslab --help`: how long somebody waits for the first word."""

import subprocess
import sys
from pathlib import Path

from benchmarks.harness import Case, Figure, Section, Size, measure

SECONDS = 0.5
TITLE = "stresslab --help, wall time"


def cases(size: Size) -> list[Case]:
    """The command, beside a Python that does nothing."""
    command = Path(sys.executable).parent / "stresslab"
    return [
        Case("stresslab --help", lambda: _call(str(command), "--help"), 1, "calls"),
        Case("python -c pass", lambda: _call(sys.executable, "-c", "pass"), 1, "calls"),
    ]


def run(size: Size) -> Section:
    """Time it; the first call fills the disk cache and is not counted."""
    command = Path(sys.executable).parent / "stresslab"
    if not command.exists():
        return Section(TITLE, notes=[f"left out: there is no {command.name} command beside this Python"])
    section = measure(TITLE, size, cases(size), [])
    section.figures = [Figure("stresslab --help, wall time", section.timings[0].seconds, "s", SECONDS, at_most=True)]
    return section


def _call(*command: str) -> int:
    return subprocess.run(command, stdout=subprocess.DEVNULL, check=True).returncode
