"""The serial executor is the specification: whoever does the work, in whatever pieces and order, gives the same bytes."""

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import xarray as xr
from helpers.executors import Shuffled
from helpers.fingerprint import fingerprint
from helpers.flaky import run_flaky, tries
from helpers.studies import BLOCK, small
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
    "antithetic": {"sampling": {"paths": 6 * BLOCK, "antithetic": True}},
    "target": {"sampling": {"paths": 2 * BLOCK, "target": TARGET}},
    "independent": {"sampling": {"paths": 4 * BLOCK, "streams": "independent"}},
}
TWO_MARKETS = {"sweep": {"models.gbm.sigma": [0.9, 1.2], "book.side": ["long", "short"], "book.leverage": [5.0, 12.0]}}


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


@pytest.fixture(scope="module", params=[1, 2, pytest.param(4, marks=pytest.mark.slow)])
def workers(request) -> Iterator[Cluster]:
    with cluster.local(request.param) as found:
        assert found.workers == request.param
        yield found


def test_the_cases_are_not_trivial(case, serial):
    """The target case stops at different numbers of paths in its two markets, and all see losses."""
    assert (serial.status == "ok").all()
    assert serial.hits.sel(event="liquidation", horizon="3D").min() > 100
    if case == "target":
        assert (serial.stopped_by == "target").all()
        assert serial.n_paths.min() > 2 * BLOCK


def test_local_workers_give_the_same_bytes(case, serial, workers, one_block_tasks, tmp_path):
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


@pytest.mark.parametrize("n_devices", [16, pytest.param(1, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.slow)])
def test_any_number_of_devices_gives_the_same_bytes(n_devices):
    """Plain and antithetic, two models: a process that splits each launch over 16 devices, against this one."""
    command = [sys.executable, Path(__file__).parents[1] / "helpers" / "summaries.py"]
    child = CHILD | {"STRESSLAB_CPU_DEVICES": str(n_devices)}
    here, there = (
        json.loads(subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout)
        for env in (CHILD, child)
    )
    assert there.pop("devices") == n_devices
    here.pop("devices")
    assert there == here


def flaky_plan(folder: Path) -> planning.Plan:
    sampling = {"paths": 8 * BLOCK}
    sweep = {"book.side": ["long", "short"], "book.leverage": [5.0, 12.0]}
    return make_plan(small(folder, {"sampling": sampling, "sweep": sweep}))


@pytest.mark.parametrize("script", [{0: "r", 3: "rrr"}, pytest.param({1: "k", 5: "rk"}, marks=pytest.mark.slow)])
def test_failures_are_tried_again(script, one_block_tasks, tmp_path, monkeypatch):
    """Tasks that raise once and three times; workers that die. The bytes are those of a run without trouble."""
    plan, folder = flaky_plan(tmp_path), tmp_path / "tries"
    folder.mkdir()
    monkeypatch.setattr(cluster, "run_blocks", partial(run_flaky, str(folder), script))
    with cluster.local(2) as workers:
        found = run_plan(plan, workers)
    assert fingerprint(found) == fingerprint(run_plan(plan, Serial()))
    for first in range(8):
        assert tries(str(folder), first) >= len(script.get(first, "")) + 1


def test_a_task_that_never_succeeds_fails_the_run(one_block_tasks, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "run_blocks", partial(run_flaky, str(tmp_path), {2: "rrrrrrrr"}))
    with cluster.local(1) as workers, pytest.raises(RunError, match="blocks-00000002-000001 failed.* 4 times.*scripted"):
        run_plan(flaky_plan(tmp_path), workers)
    assert tries(str(tmp_path), 2) == 4
