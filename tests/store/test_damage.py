"""What is read is what was written, or it is refused: bits flipped, files cut and lost, in every file of a store.

Faults are drawn with seeds 1 and 2. There is nothing random in what is asserted of them: each one, whatever it is, must
leave the content as it was or be refused in our words.
"""

import gc
import json
import shutil
import tarfile
from pathlib import Path

import icechunk
import numpy as np
import pytest
import xarray as xr
import zarr
from store.damage import STORES, Fault, copy_with, faults, read_unfinished
from store.sample import make_dataset, make_provenance

from stresslab.errors import RunError, StresslabError
from stresslab.store import digest, failures, open_store
from stresslab.store.encode import json_values, write_dataset
from stresslab.store.failures import FRESH

CASE = Path(__file__).resolve().parents[3] / "shared" / "cases" / "faults" / "store_one_bit.tar.gz"


@pytest.fixture(scope="module", params=STORES)
def whole(request, tmp_path_factory):
    """A store, how it is read, and what is in it."""
    make, read = STORES[request.param]
    folder = tmp_path_factory.mktemp(request.param) / "store"
    make(folder)
    before = copy_with(folder, folder.with_name("copy"), Fault("refs/branch.main/ref.json", "bit", 0))
    shutil.rmtree(before)
    shutil.copytree(folder, before)
    return folder, read, read(before)


def outcome(whole, tmp_path: Path, fault: Fault) -> str:
    """ "same" or "refused"; the test fails on another content and on another kind of exception."""
    folder, read, content = whole
    damaged = copy_with(folder, tmp_path / "damaged", fault)
    try:
        found = read(damaged)
    except StresslabError as error:
        assert str(damaged) in str(error) and "\n" not in str(error) and len(str(error)) < 1000, str(error)
        return "refused"
    assert found == content, f"{fault}: read as something else"
    return "same"


def run_faults(whole, tmp_path: Path, n: int, seed: int, caplog) -> None:
    drawn = [fault for fault in faults(whole[0], n, seed) if not is_lost_branch(fault)]
    outcomes = [outcome(whole, tmp_path, fault) for fault in drawn]
    gc.collect()  # asyncio logs the errors of tasks that nobody asked for when they are collected
    assert caplog.records == []
    assert outcomes.count("refused") > n / 4 and outcomes.count("same") > n / 10  # both are met, so both are tested


def is_lost_branch(fault: Fault) -> bool:
    """The file that names an unfinished run is gone: there is no unfinished run, and all is computed again."""
    return fault.what == "gone" and fault.file.startswith("refs/branch.run-")


def test_a_sample_of_faults(whole, tmp_path, caplog):
    run_faults(whole, tmp_path, n=60, seed=1, caplog=caplog)


@pytest.mark.slow
def test_a_thousand_faults(whole, tmp_path, caplog):
    run_faults(whole, tmp_path, n=1000, seed=2, caplog=caplog)


def test_every_file_lost_and_every_file_empty(whole, tmp_path):
    """Files of transactions serve writers only, and of a run's past nothing is read: those two kinds may be missed."""
    folder = whole[0]
    for file in sorted(path for path in folder.rglob("*") if path.is_file() and path.stat().st_size):
        for what in ("gone", "cut"):
            fault = Fault(str(file.relative_to(folder)), what, 0)
            if not is_lost_branch(fault):
                found = outcome(whole, tmp_path, fault)
                assert found == "refused" or file.parent.name in ("transactions", "snapshots"), fault


@pytest.fixture
def unfinished(tmp_path):
    STORES["unfinished"][0](tmp_path / "store")
    return tmp_path / "store"


@pytest.mark.parametrize("place", ["chunks/*", "refs/branch.run-*/ref.json", "snapshots/*", "manifests/*"])
def test_damaged_partial_results_can_be_left_behind(unfinished, place):
    of_the_store = {snapshot.id for snapshot in repository(unfinished).ancestry(branch="main")}
    for file in unfinished.glob(place):
        if file.name not in of_the_store:
            file.write_bytes(b"{" + file.read_bytes()[1:-1])
    with pytest.raises(RunError, match="partial results of this unfinished run.*Run again with --fresh") as caught:
        read_unfinished(unfinished)
    assert "\n" not in str(caught.value)
    with open_store(unfinished).begin("key", fresh=True) as run:  # the next move works
        assert run.done() == set()
        run.commit({"0/0-8": {"x": np.arange(3)}})
        assert run.read("0/0-8")["x"].tolist() == [0, 1, 2]
        tag = run.finish(make_dataset(), make_provenance())
    xr.testing.assert_identical(open_store(unfinished).read(tag), make_dataset())


def repository(folder: Path) -> icechunk.Repository:
    return icechunk.Repository.open(icechunk.local_filesystem_storage(str(folder)))


def test_partial_results_that_are_somebody_elses(unfinished, monkeypatch):
    """The bytes of one commit under the keys of another: each is whole in itself."""
    repo = repository(unfinished)
    (branch,) = repo.list_branches() - {"main"}
    session = repo.writable_session(branch)
    arrays = dict(sorted(zarr.open_group(session.store, path="partials").arrays()))
    one, two = (next(name for name in arrays if name.startswith(start)) for start in ("000000", "000001"))
    keys = arrays[one].attrs["keys"]
    arrays[one].attrs["keys"] = [*arrays[two].attrs["keys"], "x"]
    arrays[two].attrs["keys"] = keys
    session.commit("keys changed places", metadata={"stresslab_partials": 3})
    with pytest.raises(RunError, match="damaged: they are not those that were saved. Run again with --fresh"):
        read_unfinished(unfinished)


def test_a_lost_commit_of_partial_results(unfinished):
    repo = repository(unfinished)
    (branch,) = repo.list_branches() - {"main"}
    session = repo.writable_session(branch)
    group = zarr.open_group(session.store, path="partials")
    del group[min(group.array_keys())]
    session.commit("one lost", metadata={"stresslab_partials": 3})
    with pytest.raises(RunError, match="damaged: 2 of 3 commits can be found. Run again with --fresh"):
        read_unfinished(unfinished)


@pytest.fixture
def two_runs(tmp_path):
    STORES["finished"][0](tmp_path / "store")
    return tmp_path / "store", [record.tag for record in open_store(tmp_path / "store").runs()]


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("content", [None, b"", b"{"])
def test_a_run_does_not_go_missing_in_silence(two_runs, which, content):
    folder, tags = two_runs
    file = folder / "refs" / f"tag.{tags[which]}" / "ref.json"
    file.unlink() if content is None else file.write_bytes(content)
    store = open_store(folder)
    for use in (store.runs, store.read, store.provenance):  # the newest may be the one that is lost
        with pytest.raises(RunError, match="its tag is missing" if content is None else "file of its tag cannot be"):
            use()
    assert store.read(tags[1 - which]).attrs["study_name"] == ("second", "first")[which]  # the other one is there
    store.begin("third").close()


def test_a_run_can_be_read_beside_a_damaged_one(two_runs):
    folder, tags = two_runs
    repo = repository(folder)
    (folder / "snapshots" / repo.lookup_tag(tags[0])).write_bytes(b"damaged")
    store = open_store(folder)
    assert store.read(tags[1]).attrs["study_name"] == "second"
    with pytest.raises(RunError, match="could not read the run"):
        store.read(tags[0])


def test_dropped_runs_are_not_missed(two_runs):
    folder, tags = two_runs
    store = open_store(folder)
    with store.begin("third") as run:
        third = run.finish(make_dataset(study_name="third"), make_provenance())
    assert store.expire(1) == 2
    assert [record.tag for record in open_store(folder).runs()] == [third]


def rewritten(folder: Path, change) -> None:
    """The newest run, changed by somebody who knows Icechunk but not the digests."""
    repo = repository(folder)
    before = repo.lookup_snapshot(repo.lookup_branch("main"))
    metadata = {name: dict(value) for name, value in before.metadata.items()}
    repo.create_branch("changed", before.id)
    session = repo.writable_session("changed")
    change(zarr.open_group(session.store), metadata)
    snapshot = session.commit("changed", metadata=metadata)
    tags = [tag for tag in repo.list_tags() if repo.lookup_tag(tag) == before.id]
    repo.create_tag(tags[0] + "-changed", snapshot)
    repo.delete_tag(tags[0])
    repo.reset_branch("main", snapshot)
    repo.delete_branch("changed")


def change_value(root, metadata):
    root["dataset/probability"][1, 1, 1, 1] += 1e-15


def change_name(root, metadata):
    root["dataset/probability"].attrs["units"] = "%"


def change_shape(root, metadata):
    root["dataset/large"].resize((2**40,))


def change_attribute(root, metadata):
    root["dataset"].attrs["seed"] = 8


def change_provenance(root, metadata):
    root["provenance"].attrs["seconds"] = 1.0


def change_record(root, metadata):
    root.attrs["nothing"] = 1
    metadata["stresslab_run"]["seconds"] = 1.0


def change_digest(root, metadata):
    root.attrs["nothing"] = 1
    metadata["stresslab_digests"]["values"] = 64 * "0"


def lose_digests(root, metadata):
    root.attrs["nothing"] = 1
    del metadata["stresslab_digests"]


def lose_record(root, metadata):
    root.attrs["nothing"] = 1
    del metadata["stresslab_run"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (change_value, "its numbers are not those that were saved"),
        (change_name, "its variables are not those that were saved"),
        (change_shape, "large is not an array of one chunk"),
        (change_attribute, "its variables are not those that were saved"),
        (change_provenance, "its provenance is not the one that was saved"),
        (change_record, "its record is not the one that was saved"),
        (change_digest, "its record is not the one that was saved"),
        (lose_digests, "its digests are missing"),
        (lose_record, "its record is not the one that was saved"),
    ],
)
def test_each_part_of_a_run_is_checked(two_runs, change, why):
    folder, _ = two_runs
    rewritten(folder, change)
    store = open_store(folder, remark=lambda text: None)
    with pytest.raises(RunError, match=f"{why}. Restore it from a copy, or run the study again"):
        store.read()
        store.provenance()


def save_as_before(folder: Path, dataset: xr.Dataset, lose: str = "") -> None:
    """A run as versions without digests saved it, but for the chunk of `lose`."""
    open_store(folder).begin("key").close()
    repo = repository(folder)
    session = repo.writable_session("main")
    root = zarr.open_group(session.store)
    root.attrs["layout"] = write_dataset(root.create_group("dataset"), dataset)
    root.create_group("provenance", attributes=json_values(make_provenance()))
    record = {"study": "s", "study_hash": "1", "seed": 1, "as_of": "2026-01-01T00:00:00Z"}
    record |= {name: make_provenance()[name] for name in ("started", "seconds", "finished", "device")}
    repo.create_tag("run", session.commit("Run of s", metadata={"stresslab_run": record}))


def consistent(dataset: xr.Dataset) -> xr.Dataset:
    dataset["hits"] = dataset["hits"] % 65536
    dataset["probability"] = dataset["hits"] / dataset["n_paths"]
    dataset["zeros"] = ("x", np.zeros(4))  # Zarr writes no chunk that is all zeros
    return dataset


def test_a_store_of_an_earlier_version_opens_and_says_once_that_it_is_unchecked(tmp_path, dataset):
    save_as_before(tmp_path / "store", consistent(dataset))
    said = []
    store = open_store(tmp_path / "store", remark=said.append)
    for _ in range(2):
        xr.testing.assert_identical(store.read(), dataset)
        assert store.provenance("run")["seconds"] == 12.3
        assert [record.tag for record in store.runs()] == ["run"]
    assert len(said) == 2 and all("earlier version without digests; not checked" in text for text in said)
    assert "run run" in said[0] and "1 of 1 runs" in said[1]
    with pytest.warns(UserWarning, match="run run: saved by an earlier version without digests; not checked"):
        open_store(tmp_path / "store").read()
    with open_store(tmp_path / "store").begin("another") as run:
        new = run.finish(make_dataset(), make_provenance())
    said.clear()
    xr.testing.assert_identical(open_store(tmp_path / "store", remark=said.append).read(), make_dataset())
    assert said == [] and new != "run"


def test_contradictions_in_a_run_without_digest_are_noticed(tmp_path, dataset):
    consistent(dataset)["probability"][0, 1, 1, 1] = 0.0
    save_as_before(tmp_path / "store", dataset)
    with pytest.raises(RunError, match="run run: damaged: its probabilities differ from hits over paths"):
        open_store(tmp_path / "store").read()


def test_a_chunk_that_is_missing_from_a_run_without_digest_is_noticed(tmp_path, dataset, monkeypatch):
    save_as_before(tmp_path / "store", consistent(dataset))
    chunk_type = icechunk.Session.chunk_type
    monkeypatch.setattr(
        icechunk.Session,
        "chunk_type",
        lambda self, path, at: icechunk.ChunkType.UNINITIALIZED if "mean" in path else chunk_type(self, path, at),
    )
    with pytest.raises(RunError, match="run run: damaged: 1 of its arrays cannot be found"):
        open_store(tmp_path / "store").read()


def test_partial_results_of_an_earlier_version(tmp_path, monkeypatch):
    with monkeypatch.context() as patch, open_store(tmp_path).begin("key") as run:
        patch.setattr("stresslab.store.run.DIGEST", "unknown")
        run.commit({"a": {"x": np.arange(3)}})
    said = []
    with open_store(tmp_path, remark=said.append).begin("key") as run:
        assert run.read("a")["x"].tolist() == [0, 1, 2]
        run.commit({"b": {"x": np.arange(4)}})
    assert len(said) == 1 and "partial results" in said[0] and "not checked" in said[0]
    with open_store(tmp_path, remark=said.append).begin("key") as run:
        assert run.done() == {"a", "b"}


@pytest.mark.skipif(not CASE.exists(), reason="there is no ../shared")
def test_the_recorded_store_with_one_bit_changed(tmp_path):
    with tarfile.open(CASE) as archive:
        archive.extractall(tmp_path, filter="data")
    with pytest.raises(RunError, match="run 20250101T000000Z-s-3889673d: damaged: 1 of its arrays cannot be found"):
        open_store(tmp_path / "store_one_bit", create=False).read()


class PanicException(BaseException):
    """As Icechunk's library raises it: no `Exception`."""


@pytest.mark.parametrize(
    "error", [PanicException("index out of bounds"), MemoryError(), KeyError("keys"), OSError(5, "x")]
)
def test_whatever_a_library_raises_is_a_refusal(two_runs, monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("stresslab.store.history.read_dataset", fail)
    with pytest.raises(RunError, match="could not read the run: .*Restore it from a copy"):
        open_store(two_runs[0]).read()
    monkeypatch.setattr("stresslab.store.run.zarr.create_array", fail)
    if not isinstance(error, MemoryError | KeyError):  # those are no failures of a store that is written to
        with open_store(two_runs[0]).begin("key") as run, pytest.raises(RunError, match="could not commit"):
            run.commit({"a": {"x": np.arange(3)}})


def test_an_interrupt_is_no_damage(two_runs, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("stresslab.store.history.read_dataset", stop)
    with pytest.raises(KeyboardInterrupt):
        open_store(two_runs[0]).read()


def test_digests_do_not_depend_on_order_and_tell_where_a_part_ends():
    a, b = np.arange(3.0), np.arange(4)
    assert digest.of_arrays({"a": a, "b": b}) == digest.of_arrays({"b": b, "a": a})
    assert digest.of_json({"x": 1, "y": [2]}) == digest.of_json(json.loads('{"y": [2], "x": 1}'))
    assert digest.of_outline([["b"], ["a"]], {}) == digest.of_outline([["a"], ["b"]], {})
    assert digest.of_bytes(b"ab", b"c") != digest.of_bytes(b"a", b"bc")
    assert len({digest.of_arrays({"a": a}), digest.of_arrays({"b": a}), digest.of_arrays({"a": -a})}) == 3


@pytest.mark.parametrize(
    ("url", "error", "hint"),
    [
        ("store", ValueError("x"), "x. Run again with --fresh to start over without them"),
        ("file:///store", ValueError("x"), "x. Run again with --fresh to start over without them"),
        ("store", OSError(13, "Permission denied"), "Check the permissions of its files"),
        ("s3://a/b", ValueError("x"), "try again. If that does not help: run again with --fresh to start over without"),
    ],
)
def test_the_next_move_fits_the_place(url, error, hint):
    with pytest.raises(RunError, match=f"{url}: could not read it: .*{hint}"), failures.reading(url, "read it", FRESH):
        raise error
