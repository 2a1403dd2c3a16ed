"""The first call of a case in a new process: compilation cache empty (cold), and as that call left it (cached).

Run as a script, this is that process: `python -m benchmarks.cold BENCHMARK CASE SIZE` prints the seconds.
"""

import json
import os
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path

from benchmarks.harness import SIZES, Section, seconds

ROOT = Path(__file__).resolve().parents[1]


def add_cold(benchmark: str, section: Section, size: str) -> None:
    """Measure the cases that ask for it. Set-up is not counted: tracing, compiling and one run are."""
    for timing in section.timings:
        if timing.case.cold:
            with tempfile.TemporaryDirectory() as cache:
                timing.cold = {
                    name: first_call(benchmark, timing.case.name, size, cache) for name in ("cold", "cached")
                }


def first_call(benchmark: str, case: str, size: str, cache: str) -> float:
    """Seconds of the first call of a case in a process that keeps compiled code in the folder `cache`."""
    command = [sys.executable, "-m", "benchmarks.cold", benchmark, case, size]
    done = subprocess.run(command, cwd=ROOT, env=with_cache(cache), stdout=subprocess.PIPE, check=True)
    return float(json.loads(done.stdout))


def with_cache(folder: str) -> dict[str, str]:
    """The environment of a process that keeps compiled code in `folder`, and nowhere else."""
    return {
        **os.environ,
        "JAX_COMPILATION_CACHE_DIR": folder,
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }


def main(benchmark: str, case: str, size: str) -> None:
    """Time the first call."""
    module = import_module(f"benchmarks.bench_{benchmark}")
    wanted = next(found for found in module.cases(SIZES[size]) if found.name == case)
    print(json.dumps(seconds(wanted.run)))


if __name__ == "__main__":
    main(*sys.argv[1:])
