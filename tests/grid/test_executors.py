"""The serial executor is the specification: whoever does the work, in whatever pieces and order, gives the same
bytes.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import helpers.summaries
import pytest
import xarray as xr
from helpers.executors import Shuffled
from helpers.fingerprint import fingerprint
from helpers.flaky import run_flaky, tries
from helpers.studies import BLOCK, TWO_MARKETS, small
from store.sample import CHILD

from stresslab.config.schema import Study
from stresslab.errors import RunError
from stresslab.execution import run, run_plan
from stresslab.grid import cluster
from stresslab.grid import plan as planning
from stresslab.grid.cluster import Cluster
from stresslab.grid.plan import make_plan
from stresslab.grid.serial import Serial

TARGET = {"event": "loss_50", "absolute": 0.012, "max_paths": 16 * BLOCK, "horizon": "1D"}
CASES: dict[str, dict[str, Any]] = {
    "plain": {"sampling": {"paths": 6 * BLOCK}},
    "target": {"sampling": {"paths": 2 * BLOCK, "antithetic": True, "target": TARGET}},
    "independent": {"sampling": {"paths": 6 * BLOCK, "streams": "independent"}},
    "general": {
        "sampling": {"paths": 6 * BLOCK},
        "book": {"policies": [{"kind": "margin_top_up", "trigger": 1.2, "target": 1.4}], "reserve": 500.0},
        "venue": {"outage": {"per_year": 100.0, "lasts": "3h"}, "depth": {"depth": 1e7}},
    },
}


def study(folder: Path, case: str) -> Study:
    return small(folder, TWO_MARKETS | CASES[case])


@pytest.fixture(scope="module", params=list(CASES))
def case(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def serial(case, tmp_path_factory) -> xr.Dataset:
    """What the specification gives, every task being as large as it may be."""
    return run(study(tmp_path_factory.mktemp("serial"), case))


@pytest.fixture(scope="module")
def one_block_tasks() -> Iterator[None]:
    """Every block a task of its own: many of them, though the study is small."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planning, "TASK_PATH_STEPS", 1)
        yield


@pytest.fixture(scope="module", params=[2, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 4))])
def workers(request) -> Iterator[Cluster]:
    with cluster.local(request.param) as found:
        assert found.workers == request.param
        yield found


def test_the_cases_are_not_trivial(case, serial):
    """All books are liquidated now and then, and the target takes more paths than it begins with."""
    assert (serial.status == "ok").all()
    assert serial.hits.sel(event="liquidation", horizon="3D").min() > 30
    if case == "target":
        assert (serial.stopped_by == "target").all()
        assert serial.n_paths.min() > 2 * BLOCK


def test_local_workers_give_the_same_bytes(case, serial, workers, one_block_tasks, tmp_path, request):
    if case == "general" and not request.config.getoption("--slow"):
        pytest.skip("slow: run with --slow")  # every worker compiles the general engine
    assert fingerprint(run(study(tmp_path, case), workers)) == fingerprint(serial)


@pytest.mark.parametrize("seed", range(3))
def test_any_order_gives_the_same_bytes(case, serial, seed, one_block_tasks, tmp_path):
    executor = Shuffled(seed)
    assert fingerprint(run(study(tmp_path, case), executor)) == fingerprint(serial)
    assert executor.order != sorted(executor.order)


@pytest.mark.parametrize("blocks_each", [2, 5])
def test_any_partition_gives_the_same_bytes(case, serial, blocks_each, tmp_path, monkeypatch):
    monkeypatch.setattr(planning, "TASK_PATH_STEPS", blocks_each * BLOCK * 72)
    plan = make_plan(study(tmp_path, case))
    assert {task.blocks for task in plan.tasks(0, 0, 6)} == ({2} if blocks_each == 2 else {5, 1})
    assert fingerprint(run_plan(plan, Serial())) == fingerprint(serial)


def test_sixteen_devices_give_the_same_bytes():
    """A process that splits each launch over 16 devices against this one, which has one for each core."""
    cases = [("gbm", True, 256)]
    command = [sys.executable, Path(helpers.summaries.__file__), json.dumps(cases)]
    environment = CHILD | {"STRESSLAB_CPU_DEVICES": "16"}
    child = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    assert json.loads(child.stdout) == {"devices": 16, **helpers.summaries.summaries(cases)}


def flaky_plan(folder: Path, seed: int) -> planning.Plan:
    sweep = {"book.side": ["long", "short"], "book.leverage": [5.0, 12.0]}
    return make_plan(small(folder, {"seed": seed, "sampling": {"paths": 6 * BLOCK}, "sweep": sweep}))


def run_with_failures(workers: Cluster, folder: Path, script: dict[int, str]) -> xr.Dataset:
    """Six tasks, tried as the script says; `folder` keeps count."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cluster, "run_blocks", partial(run_flaky, str(folder), script))
        return run_plan(flaky_plan(folder, seed=workers.workers), workers)


def check_failures(workers: Cluster, folder: Path, script: dict[int, str]) -> None:
    found = run_with_failures(workers, folder, script)
    assert fingerprint(found) == fingerprint(run_plan(flaky_plan(folder, seed=workers.workers), Serial()))
    assert all(tries(str(folder), first) >= len(script.get(first, "")) + 1 for first in range(6))


def test_tasks_that_raise_are_tried_again(workers, one_block_tasks, tmp_path):
    check_failures(workers, tmp_path, {0: "r", 3: "rrr"})


def test_a_task_that_never_succeeds_fails_the_run(workers, one_block_tasks, tmp_path):
    script = {2: "rrrrrrrr"}
    with pytest.raises(RunError, match="blocks-00000002-000001 failed.* 4 times.*scripted failure"):
        run_with_failures(workers, tmp_path, script)
    assert tries(str(tmp_path), 2) == 4
