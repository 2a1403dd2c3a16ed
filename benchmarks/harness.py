"""Timing: cases take turns, so that what else the machine does falls on all; ratios are taken within a round.

The first call of a case is not timed here: it traces, compiles and warms up. What it costs is measured by `cold` in
processes of its own. A baseline may have several candidates (block sizes, ways to use the cores): a short trial picks
the fastest.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import jax

from stresslab import device

TRIALS = 3
PAUSE = 0.02  # seconds between two timings: thread pools that wait by spinning have stopped by then


@dataclass(frozen=True)
class Size:
    """How much is run: `full` is what is reported, `quick` shows the way, `tiny` is for the tests."""

    name: str
    rounds: int
    cold: bool

    def pick(self, full: int, quick: int, tiny: int) -> int:
        return {"full": full, "quick": quick, "tiny": tiny}[self.name]

    def paths(self, full: int, quick: int, tiny: int) -> int:
        """Paths of a case that runs on JAX's device: a GPU is given 64 times as many as the CPU."""
        number = self.pick(full, quick, tiny)
        return number if device.on_cpu() or self.name == "tiny" else 64 * number


SIZES = {size.name: size for size in (Size("full", 9, True), Size("quick", 5, True), Size("tiny", 2, False))}


@dataclass(frozen=True)
class Case:
    """Something to time. `check` gives the largest deviation of its result from the truth, in standard errors."""

    name: str
    run: Callable[[], Any]
    work: float
    unit: str = "path-steps"
    group: str = ""  # candidates for one baseline share it
    check: Callable[[Any], float] | None = None
    cold: bool = False  # whether the first call of a new process is measured too


@dataclass(frozen=True)
class Comparison:
    """How many times the speed of `baseline` is reached by `ours`; with `at_most`, how many times its time is taken."""

    ours: str
    baseline: str  # a case or a group
    target: float | None
    at_most: bool = False


@dataclass
class Timing:
    """What a case took, one entry for each round."""

    case: Case
    deviation: float | None = None
    seconds: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)  # seconds of all cores together: what a busy machine spoils least
    cold: dict[str, float] | None = None

    @property
    def rates(self) -> list[float]:
        return [self.case.work / seconds for seconds in self.seconds]


@dataclass(frozen=True)
class Figure:
    """One figure of the report, with the values it was found from."""

    name: str
    values: list[float]
    unit: str = "x"
    target: float | None = None
    at_most: bool = False

    @property
    def median(self) -> float:
        return median(self.values)

    @property
    def reached(self) -> bool | None:
        if self.target is None:
            return None
        return self.median <= self.target if self.at_most else self.median >= self.target


@dataclass
class Section:
    """All that one benchmark has to say."""

    title: str
    timings: list[Timing] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def measure(title: str, size: Size, cases: Sequence[Case], comparisons: Sequence[Comparison]) -> Section:
    """Warm up, check, pick the best candidates, take turns, compare. Comparisons with an absent case are left out."""
    started = [_start(case) for case in cases]
    timings, notes = _best(started)
    for _ in range(size.rounds):
        for timing in timings:
            busy = time.process_time()
            timing.seconds.append(seconds(timing.case.run))
            timing.busy.append(time.process_time() - busy)
    by_name = {name: timing for timing in timings for name in (timing.case.name, timing.case.group) if name}
    figures = [
        _figure(comparison, by_name[comparison.ours], by_name[comparison.baseline])
        for comparison in comparisons
        if comparison.ours in by_name and comparison.baseline in by_name
    ]
    return Section(title, timings, figures, notes)


def seconds(run: Callable[[], Any]) -> float:
    """Wall time of one call, until its result is there."""
    time.sleep(PAUSE)
    since = time.perf_counter()
    jax.block_until_ready(run())
    return time.perf_counter() - since


def _start(case: Case) -> Timing:
    result = jax.block_until_ready(case.run())
    return Timing(case, case.check(result) if case.check else None)


def _best(started: Sequence[Timing]) -> tuple[list[Timing], list[str]]:
    """Of each group its fastest member, and what the trial said of the others."""
    rate = {
        id(timing): timing.case.work / min(seconds(timing.case.run) for _ in range(TRIALS))
        for timing in started
        if timing.case.group
    }
    best: dict[str, Timing] = {}
    for timing in started:
        group = timing.case.group
        if group and (group not in best or rate[id(timing)] > rate[id(best[group])]):
            best[group] = timing
    tried = [f"{timing.case.name} {rate[id(timing)] / 1e6:.4g} M/s" for timing in started if timing.case.group]
    kept = [timing for timing in started if not timing.case.group or best[timing.case.group] is timing]
    return kept, [f"candidates tried (best of {TRIALS}): {'; '.join(tried)}"] if tried else []


def _figure(comparison: Comparison, ours: Timing, baseline: Timing) -> Figure:
    """The ratio in each round: of speeds, or with `at_most` of times."""
    pairs = zip(ours.rates, baseline.rates, strict=True)
    values = [theirs / mine if comparison.at_most else mine / theirs for mine, theirs in pairs]
    word = "time of" if comparison.at_most else "against"
    name = f"{ours.case.name} {word} {baseline.case.name}"
    return Figure(name, values, "x", comparison.target, comparison.at_most)
