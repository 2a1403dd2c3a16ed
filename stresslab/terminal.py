"""What the command line shows: progress, tables and one-line answers."""

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from stresslab import device, execution, limits
from stresslab.config.doubts import future
from stresslab.config.schema import Study
from stresslab.config.sweep import Cell
from stresslab.errors import InputError, NotAllowed
from stresslab.grid import cluster
from stresslab.grid.drive import Executor
from stresslab.grid.drive import Progress as OnProgress
from stresslab.grid.funding_lines import funding_lines
from stresslab.grid.plan import Plan
from stresslab.grid.serial import Serial
from stresslab.store import RunRecord
from stresslab.venues import Rulebook, available

_OUT = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 240)
_ERR = Console(stderr=True, highlight=False)
_LOG_SECONDS = 5.0
_CELLS_SHOWN = 6
# path-steps per second of one core, in round figures, for the estimate that `check` prints
_NOMINAL_RATE = {"gbm": 150e6, "merton": 20e6, "heston": 40e6}


def say(text: str) -> None:
    """One line of result."""
    _OUT.print(text, markup=False)


def count_unverified(study: Study, remark: Callable[[str], None]) -> None:
    """A line for each rulebook: the edition that the study names, how many of its rules were not verified, and where
    they are listed.
    """
    for key, rulebook in study.rulebooks.items():
        name, count = f"{rulebook.id}@{rulebook.edition}", len(rulebook.unverified)
        said = ["the edition that the study names"] if key in study.chosen_editions else []
        if count > 0:
            place = f"`stresslab venues show {name}` lists" if rulebook.id in available() else "its file lists"
            said.append(f"{'1 rule is' if count == 1 else f'{count} rules are'} not verified; {place} them")
        if said:
            remark(f"{name}: {', '.join(said)}")


def print_unverified(rulebooks: Iterable[Rulebook], remark: Callable[[str], None]) -> None:
    """A line for each rule of these rulebooks that was not verified."""
    for rulebook in rulebooks:
        for line in rulebook.warnings:
            remark(f"not verified: {line}")


def warn(text: str) -> None:
    """A warning on standard error."""
    _ERR.print(f"warning: {text}", markup=False, soft_wrap=True)


def report_doubts(plan: Plan, strict: bool) -> None:
    """Print each doubt about the study on standard error; with `strict`, raise the first as an InputError."""
    latest = max((market.study.as_of for market in plan.markets), default=plan.study.as_of)
    found = [*plan.doubts, *future(latest, datetime.now(UTC))]
    for doubt in found[1:] if strict else found:
        warn(doubt.text)
    if strict and found:
        raise found[0].error(plan.study.file)


def quiet_or_print(quiet: bool) -> Callable[[str], None]:
    """The function that prints remarks: none with --quiet."""
    return (lambda text: None) if quiet else (lambda text: _ERR.print(text, markup=False, soft_wrap=True))


@contextmanager
def executor(scheduler: str | None, workers: int) -> Iterator[Executor]:
    """Where tasks run: in this process, in local processes, or on a Dask scheduler."""
    if scheduler is not None:
        if workers:
            raise InputError("give --scheduler or --workers, not both", key="--workers", got=workers)
        with cluster.remote(scheduler) as found:
            yield found
    elif workers:
        with cluster.local(workers) as found:
            yield found
    else:
        yield Serial()


@contextmanager
def progress(quiet: bool) -> Iterator[OnProgress]:
    """A bar on a terminal, plain lines elsewhere, nothing when quiet: done, rate, time left."""
    if quiet:
        yield lambda done, planned: None
    elif _ERR.is_terminal:
        with Progress(
            TextColumn("[bold]paths"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %  {task.fields[rate]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=_ERR,
        ) as bar:
            task = bar.add_task("run", total=None, rate="")
            counter = _Counter()

            def show(done: int, planned: int) -> None:
                counter.add(done)
                bar.update(task, advance=done, total=planned, rate=counter.rate())

            yield show
    else:
        yield _Lines()


class _Counter:
    def __init__(self) -> None:
        self.start, self.done = time.monotonic(), 0

    def add(self, done: int) -> None:
        self.done += done

    def per_second(self) -> float:
        return self.done / max(time.monotonic() - self.start, 1e-9)

    def rate(self) -> str:
        return f"{self.per_second() / 1e6:.0f} M path-steps/s"


class _Lines(_Counter):
    """Progress as lines of a log, one every few seconds and one at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.said = time.monotonic()

    def __call__(self, done: int, planned: int) -> None:
        self.add(done)
        now = time.monotonic()
        if now - self.said >= _LOG_SECONDS or self.done >= planned:
            self.said = now
            left = (planned - self.done) / max(self.per_second(), 1e-9)
            print(
                f"{100 * self.done / max(planned, 1):.0f} % done, {self.rate()}, {left:.0f} s left",
                file=sys.stderr,
                flush=True,
            )


def print_table(rows: Sequence[dict[str, Any]] | pd.DataFrame) -> None:
    """Rows of equal keys as a table."""
    records = rows.to_dict("records") if isinstance(rows, pd.DataFrame) else list(rows)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in records[0] if records else ():
        table.add_column(str(name), overflow="fold")
    for record in records:
        table.add_row(*(escape(str(value)) for value in record.values()))
    _OUT.print(table)


def percent(probability: float, lower: float, upper: float) -> str:
    """A probability with its interval; no hit is an upper bound."""
    if not np.isfinite(probability):
        return "-"
    if probability == 0:
        return f"< {100 * upper:.2g} %"
    digits = max(0, min(6, 1 - int(np.floor(np.log10(max(100 * (upper - lower), 1e-9))))))
    return f"{100 * probability:.{digits}f} % ({100 * lower:.{digits}f} to {100 * upper:.{digits}f})"


def print_answer(ds: xr.Dataset) -> None:
    """Ruin by horizon, one line for each cell."""
    swept = json.loads(ds.attrs["swept"])
    both = " (Monte Carlo error and parameter uncertainty)" if "drawn_parameters" in ds.attrs else ""
    say(f"\nprobability of {ds.attrs['ruin_event']} with 95 % interval{both}")
    rows = []
    for index in np.ndindex(*(ds.sizes[dim] for dim in swept)):
        at = ds.isel(dict(zip(swept, index, strict=True)))
        row = {dim: _short(at[dim].item()) for dim in swept}
        for horizon in ds["horizon"].values:
            one = at.sel(horizon=horizon)
            row[str(horizon)] = percent(*(float(one[f"ruin_{part}"]) for part in ("probability", "lower", "upper")))
        rows.append({**row, "status": str(at["status"].item())})
    print_table(rows)


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def print_limits(results: Sequence[limits.LimitResult]) -> None:
    """One line for each limit."""
    for result in results:
        measured = percent(result.probability, result.lower, result.upper)
        say(
            f"limit {result.name}: {result.effective_state}, {result.event} by {result.horizon} {measured}, "
            f"max {100 * result.maximum:g} %"
        )


def print_plan(plan: Plan) -> None:
    """What `check` says."""
    allowed = sum(not isinstance(book, NotAllowed) for book in plan.books)
    paths = plan.study.sampling.paths
    steps, most = plan.path_steps(plan.blocks), plan.path_steps(plan.most_blocks)
    cores = len(device.devices()) if device.on_cpu() else 1
    seconds = sum(
        plan.markets[ladder.market].n_steps
        * paths
        / _NOMINAL_RATE.get(plan.markets[ladder.market].study.model.kind, 20e6)
        for ladder in plan.ladders
    )
    widest = max((len(ladder.cells) for ladder in plan.ladders), default=0)
    horizons = len(plan.study.market.horizons)
    launch = plan.study.sampling.block * device.blocks_per_launch(plan.study.sampling.block)
    megabytes = launch * widest * (8 * horizons * 4 + 40) / 1e6
    kinds = ", ".join(sorted({ladder.evaluation for ladder in plan.ladders})) or "nothing"
    say(f"study {plan.study.study}, hash {plan.study.hash[:12]}")
    say(
        f"cells {len(plan.cells)} ({len(plan.cells) - allowed} not allowed), "
        f"market cells {len(plan.markets)}, ladders {len(plan.ladders)}"
    )
    own = ", each with parameters of its own" if plan.drawn else ""
    say(f"evaluation {kinds}; paths {paths} in blocks of {plan.study.sampling.block}{own}")
    say(f"path-steps {steps:.3g}" + (f", up to {most:.3g} for the target" if most > steps else ""))
    say(
        f"memory about {300 + 2 * megabytes:.0f} MB for each process; "
        f"time about {seconds / cores:.0f} s on {device.describe()}"
    )
    for line in funding_lines(plan):
        say(line)
    for name, book in plan.study.rulebooks.items():
        chosen = ", the edition that the study names" if name in plan.study.chosen_editions else ""
        say(f"rulebook {book.id}@{book.edition}, last seen in force on {book.as_of}{chosen}")
    print_unverified(plan.study.rulebooks.values(), say)
    for reason, cells in _refusals(plan).items():
        say(f"not allowed, {len(cells)} cells: {reason}")
        for cell in cells[:_CELLS_SHOWN]:
            say("    " + ", ".join(f"{name} {_short(value)}" for name, value in cell.coords.items()))
        if len(cells) > _CELLS_SHOWN:
            say(f"    and {len(cells) - _CELLS_SHOWN} more")


def _refusals(plan: Plan) -> dict[str, list[Cell]]:
    found: dict[str, list[Cell]] = {}
    for cell, book in zip(plan.cells, plan.books, strict=True):
        if isinstance(book, NotAllowed):
            found.setdefault(str(book), []).append(cell)
    return found


def print_runs(records: Sequence[RunRecord]) -> None:
    """The history of a store."""
    print_table(
        [
            {"run": r.tag, "study": r.study, "as_of": r.as_of, "started": r.started, "seconds": r.seconds}
            for r in records
        ]
    )


def print_data(lines: Iterable[str], quiet: bool = False) -> None:
    """Print the `data:` lines of an input file."""
    for line in () if quiet else lines:
        say(f"data: {line}")


def print_doctor() -> None:
    """Versions, devices and folders."""
    for name, version in execution.versions().items():
        say(f"{name} {version}")
    say(f"python {sys.version.split()[0]}")
    say(f"device: {device.describe()}")
    say(f"compilation cache: {device.cache_folder()}")
