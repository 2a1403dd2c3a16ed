"""Peak memory of a process that runs blocks: it must grow neither with the steps nor with the paths beyond a block.

Run as a script, it is that process: `python -m benchmarks.bench_memory DAYS BLOCKS BLOCK` prints its peak in MB.
"""

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import tasks
from benchmarks.cold import ROOT, with_cache
from benchmarks.harness import Figure, Section, Size
from stresslab.grid.block import run_blocks
from stresslab.grid.plan import make_plan

TITLE = "peak memory of a process, Heston, 64 leverages, full ladder"
GROWTH = 1.05  # what the allocator and the compiler are allowed to wander
FACTORS = (4, 16)
BASE = "  1 x"


def run(size: Size) -> Section:
    """Processes in turn. The first round compiles, which takes memory of its own; growth is read from the others."""
    block, days, rounds = size.pick(16384, 16384, 1024), size.pick(2, 1, 1), size.pick(4, 2, 1)
    factors = FACTORS[-1:] if size.name == "tiny" else FACTORS
    runs = {f"{factor:>3} x {axis}": (axis, factor) for axis in ("steps", "paths") for factor in factors}
    peaks: dict[str, list[float]] = {name: [] for name in (BASE, *runs)}
    with tempfile.TemporaryDirectory() as cache:
        for _ in range(rounds):
            peaks[BASE].append(_peak(days, 1, block, cache))
            for name, (axis, factor) in runs.items():
                span, blocks = (days * factor, 1) if axis == "steps" else (days, factor)
                peaks[name].append(_peak(span, blocks, block, cache))
    section = Section(f"{TITLE}; at 1 x {days}D of 15 min steps, one block of {block} paths")
    later = slice(1 if rounds > 1 else 0, None)
    for name, found in peaks.items():
        values = ", ".join(f"{peak:.0f}" for peak in found[later])
        section.notes.append(f"{name}: {values} MB; {found[0]:.0f} MB where it compiles")
        if name != BASE:
            growth = [most / least for most, least in zip(found[later], peaks[BASE][later], strict=True)]
            section.figures.append(
                Figure(f"peak at {name.strip()} over peak at 1 x", growth, "x", GROWTH, at_most=True)
            )
    return section


def _peak(days: int, blocks: int, block: int, cache: str) -> float:
    command = [sys.executable, "-m", "benchmarks.bench_memory", *map(str, (days, blocks, block))]
    done = subprocess.run(command, cwd=ROOT, env=with_cache(cache), stdout=subprocess.PIPE, check=True)
    return float(done.stdout)


def main(days: int, blocks: int, block: int) -> None:
    """Run the blocks and say how much memory that took at most."""

    (ladder,) = make_plan(tasks.study("heston", ["long"], tasks.LADDER, [f"{days}D"], block * blocks, block)).ladders
    run_blocks(ladder, 0, blocks, block)
    print(_own_peak() / 1e6)


def _own_peak() -> int:
    """Bytes. Linux's `ru_maxrss` begins with what the parent had, its VmHWM does not; macOS counts in bytes."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
