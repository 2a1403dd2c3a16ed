"""Finished runs: listed, read, told apart, forgotten."""

from datetime import timedelta

import icechunk
import numpy as np
import pytest
import xarray as xr
from store.sample import make_dataset, make_provenance

from stresslab.errors import InputError
from stresslab.store import RunRecord, open_store


def small(**attrs) -> xr.Dataset:
    return make_dataset(**attrs)[["hits", "status"]]


def add(store, key="key", **attrs) -> str:
    with store.begin(key) as run:
        return run.finish(small(**attrs), make_provenance())


def test_a_run_reads_back_identical(tmp_path, dataset, provenance):
    store = open_store(tmp_path)
    tag = store.begin("key").finish(dataset, provenance)
    for back in (store.read(), store.read(tag), open_store(tmp_path, create=False).read()):
        xr.testing.assert_identical(back, dataset)
        for name, variable in dataset.variables.items():
            assert back[name].dtype == variable.dtype
            assert back[name].values.tobytes() == variable.values.tobytes()
            assert isinstance(back[name].variable._data, np.ndarray) or name in back.indexes  # in memory
    assert store.provenance() == store.provenance(tag) == provenance | {"tag": tag}


def test_the_same_dataset_twice_is_the_same_bytes(tmp_path, dataset):
    one, two = (open_store(tmp_path / name).begin("key").finish(dataset, make_provenance()) for name in ("one", "two"))
    assert one == two
    left, right = (open_store(tmp_path / name).read() for name in ("one", "two"))
    xr.testing.assert_identical(left, right)
    assert list(left.variables) == list(right.variables) == list(dataset.variables)
    assert all(left[name].values.tobytes() == right[name].values.tobytes() for name in left.variables)


def test_a_dataset_without_sweep(tmp_path, dataset):
    alone = dataset.isel(model=0, leverage=0, drop=True).assign_attrs(swept="[]")
    store = open_store(tmp_path)
    store.begin("key").finish(alone, make_provenance())
    xr.testing.assert_identical(store.read(), alone)
    assert store.read()["status"].dtype == alone["status"].dtype


def test_a_record(tmp_path):
    store = open_store(tmp_path)
    tag = add(store)
    assert store.runs() == [
        RunRecord(
            tag=tag,
            study="btc-perp-nightly",
            study_hash="1a2b3c4d5e6f",
            seed=2**32 - 1,
            as_of="2026-11-21T00:00:00Z",
            started="2026-11-21T00:00:05Z",
            seconds=12.3,
            finished="2026-11-21T00:00:17Z",
            device="cpu",
        )
    ]


def test_tags_are_readable_and_never_reused(tmp_path):
    store = open_store(tmp_path)
    assert add(store) == "20261121T000000Z-btc-perp-nightly-1a2b3c4d"
    assert add(store) == "20261121T000000Z-btc-perp-nightly-1a2b3c4d-2"
    assert add(store, as_of="2026-11-20T23:00:00-01:00") == "20261121T000000Z-btc-perp-nightly-1a2b3c4d-3"
    assert store.expire(keep=1) == 2
    assert add(store) == "20261121T000000Z-btc-perp-nightly-1a2b3c4d-4"  # the first two are free, and stay unused
    assert add(store, study_name="../a b/é:*") == "20261121T000000Z-a-b-1a2b3c4d"
    assert add(store, study_name="///") == "20261121T000000Z-1a2b3c4d"
    assert len(add(store, study_name="x" * 400)) < 120


def test_runs_are_listed_newest_last(tmp_path):
    store = open_store(tmp_path)
    tags = [add(store, study_name=name) for name in ("c", "a", "b")]
    assert [record.tag for record in store.runs()] == tags
    assert store.read().attrs["study_name"] == "b"
    assert store.read(tags[0]).attrs["study_name"] == "c"


def test_a_store_made_later_is_seen(tmp_path):
    reader = open_store(tmp_path / "store")
    add(open_store(tmp_path / "store"))
    assert len(reader.runs()) == 1


def test_unknown_tags_and_empty_stores(tmp_path):
    store = open_store(tmp_path)
    store.begin("key").close()
    for ask in (store.read, store.provenance):
        with pytest.raises(InputError, match="holds no finished run"):
            ask()
    tags = [add(store, study_name=name) for name in ("alpha", "beta", "gamma", "delta")]
    rule = "run = '20261121T000000Z-bet-1a2b3c4d': there is no such run"
    with pytest.raises(InputError, match=f"{rule}. Name one that `stresslab runs` lists, such as {tags[1]}"):
        store.read("20261121T000000Z-bet-1a2b3c4d")
    with pytest.raises(InputError, match=f"such as {' or '.join(tags[1:])}"):
        store.provenance("?")


def test_a_tag_of_somebody_elses_is_no_run(tmp_path):
    store = open_store(tmp_path)
    tag = add(store)
    from_outside = open_repository(tmp_path)
    from_outside.create_tag("mine", list(from_outside.ancestry(branch="main"))[-1].id)
    assert [record.tag for record in store.runs()] == [tag]
    with pytest.raises(InputError, match="there is no such run"):
        store.read("mine")


def open_repository(folder):
    return icechunk.Repository.open(icechunk.local_filesystem_storage(str(folder)))


def leave(store, key) -> None:
    with store.begin(key) as run:
        run.commit({"a": {"x": np.random.default_rng(1).random(1000)}})


def size(folder) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def test_expire_keeps_the_newest_and_frees_space(tmp_path):
    store = open_store(tmp_path)
    tags = [add(store, study_name=name) for name in "abcde"]
    leave(store, "unfinished")
    before = size(tmp_path)
    assert store.expire(keep=9) == 0
    assert store.expire(keep=2) == 3
    assert size(tmp_path) < before * 0.7
    assert [record.tag for record in store.runs()] == tags[3:]
    for tag in tags[3:]:
        xr.testing.assert_identical(store.read(tag), small(study_name=tag.split("-")[1]))
    assert store.read().attrs["study_name"] == "e"
    with store.begin("unfinished") as run:
        assert run.done() == {"a"}
        assert run.read("a")["x"].shape == (1000,)
    with pytest.raises(InputError, match="at least one run is kept"):
        store.expire(0)


def test_expire_drops_abandoned_runs(tmp_path, monkeypatch):
    store = open_store(tmp_path)
    leave(store, "old")
    add(store)
    leave(store, "new")
    store.begin("not a commit yet").close()
    assert store.expire(1) == 0
    assert len(open_repository(tmp_path).list_branches()) == 4  # they are not a week old
    monkeypatch.setattr("stresslab.store.history.ABANDONED", timedelta(0))
    assert store.expire(1) == 0
    assert len(open_repository(tmp_path).list_branches()) == 3
    with store.begin("new") as run:
        assert run.done() == {"a"}


def test_expire_drops_what_finished_runs_left(tmp_path):
    store = open_store(tmp_path)
    with store.begin("key") as run:
        run.commit({"a": {"x": np.random.default_rng(1).random(100_000)}})
        run.finish(make_dataset(), make_provenance())
    assert size(tmp_path) > 700_000
    store.expire(1)
    assert size(tmp_path) < 200_000
