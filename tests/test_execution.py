"""Running studies: what is refused, what is stored, and what a run that was killed leaves for the next one."""

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from helpers import stored_run
from helpers.executors import Counting
from helpers.fingerprint import fingerprint
from helpers.studies import BLOCK, TWO_MARKETS, small
from store.sample import CHILD

import stresslab
from stresslab import execution
from stresslab.config import model_steps
from stresslab.errors import InputError, NotAllowed
from stresslab.execution import StoredRun, plan_key, run, run_into_store, run_plan
from stresslab.grid import plan as planning
from stresslab.grid.plan import Plan, make_plan
from stresslab.grid.serial import Serial
from stresslab.store import open_store


@pytest.fixture
def url(tmp_path) -> str:
    return str(tmp_path / "store")


def stored(plan: Plan, url: str, executor=None, fresh: bool = False, report=lambda text: None) -> StoredRun:
    return run_into_store(plan, executor or Serial(), open_store(url), fresh, lambda done, planned: None, report)


def test_a_book_that_is_not_allowed_alone_is_refused(tmp_path):
    study = small(tmp_path, {"book": {"side": "long", "leverage": 60.0}, "sweep": None})
    with pytest.raises(NotAllowed, match="at most 50") as caught:
        run(study)
    assert isinstance(caught.value, InputError)  # exit 2


def test_a_sweep_in_which_nothing_is_allowed_is_refused(tmp_path, url):
    """Nothing is run, and no store is made."""
    study = small(tmp_path, {"sweep": {"book.side": ["long", "short"], "book.leverage": [60.0, 70.0]}})
    with pytest.raises(InputError, match="no cell of the sweep is allowed"):
        run(study)
    with pytest.raises(InputError, match="no cell of the sweep is allowed"):
        stored(make_plan(study), url)
    assert not Path(url).exists()


def test_a_market_in_which_nothing_is_allowed_beside_one_that_runs(tmp_path):
    """At spot 100 the book of 1,500 bitcoin fits the venue, at a million it does not."""
    sweep = {"market.spot": [100.0, 1e6], "book.side": ["long", "short"], "book.leverage": [5.0, 12.0]}
    study = small(tmp_path, {"book": {"quantity": 1_500.0, "collateral": None}, "sweep": sweep})
    ds = run(study)
    assert (ds.status.sel(spot=100.0) == "ok").all() and (ds.status.sel(spot=1e6) == "not_allowed").all()
    dear = ds.sel(spot=1e6)
    assert dear.n_paths == 0 and dear.effective_sample_size == 0 and dear.stopped_by == "not_run"
    assert np.isnan(dear.probability).all() and (dear.hits == 0).all()


def test_a_book_whose_money_overflows_fails_alone(tmp_path, monkeypatch):
    """A drift of e^54 in a day, which a study refuses: longs leave float32. The shorts are liquidated, and stand."""
    monkeypatch.setattr(model_steps, "MOST_GROWTH", np.inf)
    models = {"gbm": {"kind": "gbm", "sigma": 1.2, "mu": 20_000.0}}
    sweep = {"book.side": ["long", "short"], "book.leverage": [5.0, 12.0]}
    ds = run(small(tmp_path, {"models": models, "sweep": sweep, "funding": {"rate": 0.0}}))
    long, short = ds.sel(side="long"), ds.sel(side="short")
    assert (long.status == "failed").all() and (short.status == "ok").all()
    assert all("not finite" in reason for reason in long.status_reason.values)
    for name in ("probability", "mean_pnl", "value_at_risk", "survival", "liquidation_price"):
        assert np.isnan(long[name]).all() and np.isfinite(short[name]).all(), name
    assert (long.hits == 0).all() and (short.ruin_probability == 1).all()


def test_the_public_run_is_a_run_of_the_plan(tmp_path):
    study = small(tmp_path, TWO_MARKETS)
    assert fingerprint(stresslab.run(study)) == fingerprint(run_plan(make_plan(study), Serial()))


def test_progress_adds_up(tmp_path):
    """Path-steps done sum to those planned, which grow with a target."""
    told: list[tuple[int, int]] = []
    run(stored_run.study(tmp_path), progress=lambda done, planned: told.append((done, planned)))
    assert sum(done for done, _ in told) == told[-1][1]
    planned = [planned for _, planned in told]
    assert planned == sorted(planned) and planned[0] == 2 * 2 * BLOCK * 72 < planned[-1]


def test_a_stored_run_is_what_was_returned(tmp_path, url):
    found = stored(make_plan(small(tmp_path, TWO_MARKETS)), url)
    store = open_store(url)
    assert fingerprint(found.dataset) == fingerprint(run(small(tmp_path, TWO_MARKETS)))
    xr.testing.assert_identical(store.read(found.tag), found.dataset)
    kept = store.provenance(found.tag)
    assert kept["evaluation"] == ["static"] and kept["gap_records_lost"] == 0 and kept["resumed_tasks"] == 0
    assert kept["started"] <= kept["finished"] and kept["seconds"] >= 0 and "cpu" in kept["device"].lower()
    assert found.provenance["run"] == found.tag


def test_the_same_study_again_is_another_run_with_the_same_bytes(tmp_path, url):
    plan = make_plan(small(tmp_path, TWO_MARKETS))
    first, second = stored(plan, url), stored(plan, url)
    assert first.tag != second.tag and [record.tag for record in open_store(url).runs()] == [first.tag, second.tag]
    assert fingerprint(first.dataset) == fingerprint(second.dataset)
    assert second.provenance["resumed_tasks"] == 0  # a finished run leaves nothing to resume


def test_what_a_partial_result_is_kept_under(tmp_path):
    """Everything that its numbers depend on, and nothing else: not the file's name, not a limit's wording."""

    def key(changes, file="study", **rules):
        folder = tmp_path / file
        folder.mkdir(exist_ok=True)
        return plan_key(make_plan(small(folder, TWO_MARKETS | changes, **rules)))

    same = key({})
    assert key({}, file="elsewhere") == same
    for changes in ({"seed": 2}, {"funding": {"rate": 1e-4}}, {"sampling": {"paths": 4 * BLOCK}}):
        assert key(changes) != same
    assert key({}, taker=0.0004) != same  # the rulebook under the same name
    assert stresslab.__version__ in same


@pytest.fixture
def small_tasks(monkeypatch):
    """A task for each block, and a commit for each task, as in the child process."""
    monkeypatch.setattr(planning, "TASK_PATH_STEPS", 1)
    monkeypatch.setattr(execution, "COMMIT_SECONDS", 0.0)


class Stopped(Exception):
    pass


class Stopping(Counting):
    """Fails after some tasks, as a machine does that runs out of memory."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.after = after

    def run(self, plan, queue):
        for done in super().run(plan, queue):
            yield done
            if len(self.done) == self.after:
                raise Stopped


@pytest.mark.parametrize("after", [1, 4, 7])
def test_a_run_that_stops_is_gone_on_with(tmp_path, url, small_tasks, after):
    """Whatever was finished is not done again, and the bytes are those of a run that never stopped."""
    plan, first, second, said = make_plan(stored_run.study(tmp_path)), Stopping(after), Counting(), []
    with pytest.raises(Stopped):
        stored(plan, url, first)
    assert open_store(url).runs() == []
    found = stored(plan, url, second, report=said.append)
    assert found.provenance["resumed_tasks"] == after and said == [f"resuming: {after} tasks were finished before"]
    assert not set(first.done) & set(second.done)
    assert fingerprint(found.dataset) == fingerprint(run(plan.study))


def test_fresh_begins_anew(tmp_path, url, small_tasks):
    plan, first, second = make_plan(stored_run.study(tmp_path)), Stopping(3), Counting()
    with pytest.raises(Stopped):
        stored(plan, url, first)
    assert stored(plan, url, second, fresh=True).provenance["resumed_tasks"] == 0
    assert set(first.done) < set(second.done)


def test_another_study_does_not_take_up_what_lies_there(tmp_path, url, small_tasks):
    with pytest.raises(Stopped):
        stored(make_plan(stored_run.study(tmp_path)), url, Stopping(3))
    other = make_plan(small(tmp_path, TWO_MARKETS | {"seed": 3, "sampling": {"paths": 2 * BLOCK}}))
    assert stored(other, url).provenance["resumed_tasks"] == 0


def killed_after(url: str, folder: Path, tasks: int) -> list[str]:
    """A child process that was killed when it had said so many tasks, after which it waits."""
    command, said = [sys.executable, Path(stored_run.__file__), url, str(folder), str(tasks)], []
    with subprocess.Popen(command, env=CHILD, stdout=subprocess.PIPE, text=True) as child:
        while len(said) < tasks:
            line = child.stdout.readline().strip()
            assert line.startswith(("ladder-", "resuming")), line
            said += [line] if line.startswith("ladder-") else []
        child.send_signal(signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL
    return said


def test_a_killed_run_is_gone_on_with(tmp_path, url, small_tasks):
    """SIGKILL in the middle, here of a whole process; what it had committed is used, the rest is done, byte for
    byte.
    """
    done = killed_after(url, tmp_path, 3)
    executor = Counting()
    found = stored(make_plan(stored_run.study(tmp_path)), url, executor)
    assert not set(done) & set(executor.done)
    assert found.provenance["resumed_tasks"] >= len(done)
    assert fingerprint(found.dataset) == fingerprint(run(stored_run.study(tmp_path)))
    xr.testing.assert_identical(open_store(url).read(), found.dataset)
