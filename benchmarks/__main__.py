"""`python -m benchmarks [--quick] [names]`: run, print, and keep the figures in benchmarks/results."""

import argparse
import json
import os
import sys
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from benchmarks import machine, report
from benchmarks.cold import add_cold
from benchmarks.harness import SIZES, Section, Size

HERE = Path(__file__).resolve().parent
NAMES = (
    "gbm_ladder",
    "heston_ladder",
    "ladder_width",
    "accounts",
    "general_accounts",
    "option_book",
    "model_speed",
    "garch",
    "memory",
    "cli_help",
)


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmarks that were named, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(NAMES)}; all where none is given")
    parser.add_argument(
        "--quick", dest="size", action="store_const", const="quick", default="full", help="a tenth of the work"
    )
    parser.add_argument("--tiny", dest="size", action="store_const", const="tiny", help="only to see that all runs")
    parser.add_argument("--no-cold", action="store_true", help="leave out the first calls of new processes")
    parser.add_argument("--results", type=Path, default=HERE / "results", help="folder for the JSON file")
    given = parser.parse_args(arguments)
    unknown = sorted(set(given.names) - set(NAMES))
    if unknown:
        parser.error(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(NAMES)}")
    size = SIZES[given.size]
    where = machine.describe()
    print(
        f"{where['processor']}, {where['cores']} cores, load {where['load_at_start']}; {where['device']}; {size.name}"
    )
    sections = {}
    for name in given.names or NAMES:
        sections[name] = _run(name, size, size.cold and not given.no_cold)
        path = _write(given.results, where, size, name, sections[name])
    print("\n".join(report.table(sections)))
    print(f"\nwritten to {path}")
    return 0


def _run(name: str, size: Size, cold: bool) -> Section:
    section = import_module(f"benchmarks.bench_{name}").run(size)
    if cold:
        add_cold(name, section, size.name)
    print("\n".join(report.section_lines(section)), flush=True)
    return section


def _write(folder: Path, where: dict[str, object], size: Size, name: str, section: Section) -> Path:
    """One file for each day, device and size; a benchmark that is run again replaces what the file says of it."""
    now = datetime.now(UTC)
    mark = "" if size.name == "full" else f"-{size.name}"
    path = folder / f"{now.date()}-{machine.slug()}{mark}.json"
    folder.mkdir(parents=True, exist_ok=True)
    kept = json.loads(path.read_text())["benchmarks"] if path.exists() else {}
    stamp = {"at": now.isoformat(timespec="seconds"), **where, "load_at_end": round(os.getloadavg()[0], 2)}
    kept[name] = {**report.as_json(section), "machine": stamp}
    path.write_text(json.dumps({"size": size.name, "benchmarks": kept}, indent=1) + "\n")
    return path


if __name__ == "__main__":
    sys.exit(main())
