"""Commit, crash, resume, finish."""

from pathlib import Path

import icechunk
import numpy as np
import pytest
import xarray as xr
import zarr

from stresslab.errors import RunError
from stresslab.store import open_store


def repository(folder: Path) -> icechunk.Repository:
    return icechunk.Repository.open(icechunk.local_filesystem_storage(str(folder)))


def test_partial_results_survive_a_close(tmp_path):
    store = open_store(tmp_path)
    with store.begin("study + plan") as run:
        assert run.done() == set()
        run.commit({"a/0-8": {"x": np.arange(3)}, "a/8-16": {"x": np.arange(4.0), "n": np.array(2)}})
        run.commit({"b": {}})
    with store.begin("another") as run:
        assert run.done() == set()
    with store.begin("study + plan") as run:
        assert run.done() == {"a/0-8", "a/8-16", "b"}
        run.commit({"c": {"x": np.array(-0.0)}})
        assert np.array_equal(run.read("a/0-8")["x"], np.arange(3))
        assert run.read("a/8-16")["n"].shape == ()
        assert run.read("b") == {}
        assert np.signbit(run.read("c")["x"])
        with pytest.raises(KeyError):
            run.read("d")


def test_a_repeated_key_is_replaced(tmp_path):
    store = open_store(tmp_path)
    with store.begin("key") as run:
        run.commit({"a": {"x": np.array(1)}})
        run.commit({"a": {"x": np.array(2)}})
        assert run.read("a")["x"] == 2
    with store.begin("key") as run:
        assert run.read("a")["x"] == 2


def test_fresh_starts_anew(tmp_path):
    store = open_store(tmp_path)
    with store.begin("key") as run:
        run.commit({"a": {}})
    with store.begin("key", fresh=True) as run:
        assert run.done() == set()
        run.commit({"b": {}})
    with store.begin("key") as run:
        assert run.done() == {"b"}


def test_no_empty_commits(tmp_path):
    with open_store(tmp_path).begin("key") as run:
        run.commit({})
        (branch,) = repository(tmp_path).list_branches() - {"main"}
        before = repository(tmp_path).lookup_branch(branch)
        run.commit({})
        assert repository(tmp_path).lookup_branch(branch) == before
        run.commit({"a": {}})
        assert repository(tmp_path).lookup_branch(branch) != before


def test_readers_never_see_half_a_run(tmp_path, dataset, provenance):
    store = open_store(tmp_path)
    first = store.begin("one").finish(dataset, provenance)
    main = repository(tmp_path).lookup_branch("main")
    with store.begin("two") as run:
        run.commit({"a": {"x": np.arange(3)}})
        assert repository(tmp_path).lookup_branch("main") == main
        assert [record.tag for record in store.runs()] == [first]
        second = run.finish(dataset.assign_attrs(relative=0.2), provenance)
    assert repository(tmp_path).lookup_branch("main") == repository(tmp_path).lookup_tag(second)
    assert store.read().attrs["relative"] == 0.2
    assert store.read(first).attrs["relative"] == 0.1


def test_a_finished_run_is_dataset_and_provenance_only(tmp_path, dataset, provenance):
    with open_store(tmp_path).begin("key") as run:
        run.commit({"a": {"x": np.arange(3)}})
        tag = run.finish(dataset, provenance)
    repo = repository(tmp_path)
    assert repo.list_branches() == {"main"}
    assert (
        len(list(repo.ancestry(tag=tag))) == 3
    )  # Icechunk's first, the marker, this: partial results are not its past
    session = repo.readonly_session(tag=tag)
    assert sorted(zarr.open_group(session.store, mode="r").group_keys()) == ["dataset", "provenance"]
    opened = xr.open_zarr(session.store, group="dataset", consolidated=False).load()
    xr.testing.assert_identical(opened, dataset)


def test_a_closed_run_takes_nothing(tmp_path, dataset, provenance):
    run = open_store(tmp_path).begin("key")
    run.finish(dataset, provenance)
    for use in (lambda: run.commit({"a": {}}), lambda: run.read("a"), lambda: run.finish(dataset, provenance)):
        with pytest.raises(RunError, match="this run is closed"):
            use()


def test_a_run_that_cannot_be_filed_is_kept(tmp_path, dataset, provenance):
    store = open_store(tmp_path)
    with pytest.raises(RunError, match="lack study_hash, seconds"), store.begin("key") as run:
        run.commit({"a": {}})
        del dataset.attrs["study_hash"], provenance["seconds"]
        run.finish(dataset, provenance)
    with pytest.raises(TypeError, match="cannot be|only numbers"), store.begin("key") as run:
        assert run.done() == {"a"}
        times = dataset.assign_attrs(study_hash="x").assign(
            when=("t", np.array(["2026-01-01"], dtype="datetime64[ns]"))
        )
        run.finish(times, provenance | {"seconds": 1.0})
    with store.begin("key") as run:  # the failed try is cleared away
        assert run.done() == {"a"}
        run.finish(dataset.assign_attrs(study_hash="x"), provenance | {"seconds": 1.0})
    assert len(store.runs()) == 1


def test_a_second_try_to_finish(tmp_path, dataset, provenance):
    with open_store(tmp_path).begin("key") as run:
        with pytest.raises(ValueError, match="JSON compliant"):
            run.finish(dataset.assign_attrs(relative=float("nan")), provenance)
        assert run.finish(dataset, provenance)


def test_a_full_disk_is_one_line(tmp_path):
    with open_store(tmp_path).begin("key") as run:
        run.commit({"a": {"x": np.arange(3)}})
        (tmp_path / "snapshots").rename(tmp_path / "gone")
        (tmp_path / "snapshots").write_text("")  # nothing can be written there any more
        with pytest.raises(RunError, match="could not commit partial results") as caught:
            run.commit({"b": {"x": np.arange(3)}})
        assert "\n" not in str(caught.value)
        (tmp_path / "snapshots").unlink()
        (tmp_path / "gone").rename(tmp_path / "snapshots")
        assert run.done() == {"a"}
        run.commit({"b": {"x": np.arange(3)}})


def test_two_writers_of_one_run_without_a_lock(dataset, provenance):
    store = open_store("memory://")
    one, two = store.begin("key"), store.begin("key")
    one.commit({"a": {}})
    two.commit({"b": {"x": np.array(1)}})
    one.commit({"c": {}})
    assert two.read("b")["x"] == 1
    two.finish(dataset, provenance)
    with pytest.raises(RunError, match="another process has finished this run"):
        one.finish(dataset, provenance)
    with pytest.raises(RunError, match="could not commit partial results: ref not found"):
        one.commit({"d": {}})
    assert len(store.runs()) == 1
