"""Running a study: plan, executor, memory, dataset. The library's `run`, and what the command line does around it."""

import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import jax
import jaxlib
import numpy as np
import xarray as xr

import stresslab
from stresslab import device
from stresslab.config.schema import Study
from stresslab.grid.assemble import assemble
from stresslab.grid.block import Summary
from stresslab.grid.drive import Executor, Forgetful, Progress, drive
from stresslab.grid.plan import Plan, Task, check_runnable, check_strictly, make_plan
from stresslab.grid.serial import Serial
from stresslab.store import OpenRun, Store

COMMIT_SECONDS = 2.0  # how much work a kill may cost beyond the block under way


def run(
    study: Study,
    executor: Executor | None = None,
    progress: Progress = lambda done, planned: None,
    strict: bool = False,
) -> xr.Dataset:
    """Run a study in this process (or on the executor given) and return its dataset. Nothing is stored.

    Doubts are in the attribute `warnings`, a JSON list of sentences; with `strict` the first one is raised as an
    InputError.
    """
    plan = make_plan(study)
    if strict:
        check_strictly(plan)
    return run_plan(plan, executor or Serial(), progress)


def run_plan(plan: Plan, executor: Executor, progress: Progress = lambda done, planned: None) -> xr.Dataset:
    """Run a plan without a store."""
    check_runnable(plan)
    return assemble(plan, drive(plan, executor, Forgetful(), progress), versions())


@dataclass
class StoredRun:
    """What a run into a store gave."""

    dataset: xr.Dataset
    provenance: dict[str, Any]
    tag: str


def run_into_store(
    plan: Plan, executor: Executor, store: Store, fresh: bool, progress: Progress, report: Callable[[str], None] = print
) -> StoredRun:
    """Run a plan; finished tasks are committed as they come, so that a killed run goes on where it was."""
    check_runnable(plan)
    started, clock = datetime.now(UTC), time.perf_counter()
    with store.begin(plan_key(plan), fresh=fresh) as open_run:
        memory = _StoreMemory(open_run)
        if memory.recalled:
            report(f"resuming: {len(memory.recalled)} tasks were finished before")
        totals = drive(plan, executor, memory, progress)
        memory.flush()
        dataset = assemble(plan, totals, versions())
        provenance = {
            "started": _stamp(started),
            "finished": _stamp(datetime.now(UTC)),
            "seconds": round(time.perf_counter() - clock, 3),
            "device": device.describe(),
            "host_cpu": platform.processor() or platform.machine(),
            "workers": executor.workers,
            "resumed_tasks": len(memory.recalled),
            "evaluation": sorted({ladder.evaluation for ladder in plan.ladders}),
            "gap_records_lost": int(sum(total.summary["gaps_lost"] for total in totals)),
            "data": [] if plan.study.recorded is None else plan.study.recorded.words(),
            "versions": versions(),
        }
        tag = open_run.finish(dataset, provenance)
    return StoredRun(dataset, {**provenance, "run": tag}, tag)


def plan_key(plan: Plan) -> str:
    """What must be equal for a partial result to be used again: the study, its rulebooks, and the code and device
    kind.
    """
    return "/".join((plan.study.hash, *versions().values(), device.backend(), device.cpu_features()))


def versions() -> dict[str, str]:
    """Versions that the numbers depend on."""
    return {
        "stresslab": stresslab.__version__,
        "jax": jax.__version__,
        "jaxlib": jaxlib.__version__,
        "numpy": np.__version__,
    }


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


@dataclass
class _StoreMemory:
    """Committed tasks, and those that wait for the next commit."""

    open_run: OpenRun
    waiting: dict[str, Summary] = field(default_factory=dict)
    since: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.recalled = self.open_run.done()

    def recall(self, task: Task) -> Summary | None:
        return self.open_run.read(task.name) if task.name in self.recalled else None

    def keep(self, task: Task, summary: Summary) -> None:
        self.waiting[task.name] = summary
        if time.monotonic() - self.since >= COMMIT_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Commit what waits; no commit is empty."""
        if self.waiting:
            self.open_run.commit(self.waiting)
        self.waiting, self.since = {}, time.monotonic()
