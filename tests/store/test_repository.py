"""What is a store, what is not, and that looking leaves nothing behind."""

import os
import subprocess
import sys
from pathlib import Path

import icechunk
import numpy as np
import pytest
import zarr
from helpers.patience import PATIENCE
from store.sample import CHILD

from stresslab.errors import InputError, RunError
from stresslab.store import open_store
from stresslab.store.lock import LOCK_NAME
from stresslab.store.repository import ASIDE, MARKER


def everything(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


def make_icechunk(folder: Path, **attrs) -> None:
    repository = icechunk.Repository.create(icechunk.local_filesystem_storage(str(folder)))
    session = repository.writable_session("main")
    zarr.create_group(session.store, attributes=attrs)
    session.commit("made by a test")


def test_nothing_is_created_before_the_first_write(tmp_path):
    for place in (tmp_path / "new", tmp_path / "deep" / "er"):
        store = open_store(place)
        assert store.runs() == []
        assert store.expire(1) == 0
        with pytest.raises(InputError, match="no finished run"):
            store.read()
    assert everything(tmp_path) == []


@pytest.mark.parametrize("name", ["results", "with space", "é#%41日本", "a:b"])
def test_the_first_run_makes_the_folder(tmp_path, name):
    open_store(str(tmp_path / name)).begin("key").close()
    assert open_store(tmp_path / name, create=False).runs() == []
    assert [child.name for child in tmp_path.iterdir()] == [name]


def test_a_file_url_is_a_folder(tmp_path):
    open_store(f"file://{tmp_path}/x").begin("key").close()
    assert (tmp_path / "x" / "refs").is_dir()


@pytest.mark.parametrize("url", ["", " results", "s3://", "gs:///x", "az://a/b", "http://host/x"])
def test_other_urls_are_refused(url):
    with pytest.raises(InputError, match="a store is a folder, s3://"):
        open_store(url)


def test_a_store_that_does_not_exist(tmp_path):
    (tmp_path / "empty").mkdir()
    for url in (tmp_path / "none", tmp_path / "empty", "memory://"):
        with pytest.raises(InputError, match="there is no store here"):
            open_store(url, create=False)
    assert everything(tmp_path) == [tmp_path / "empty"]


def a_file(place: Path) -> None:
    place.write_text("hello")


def a_folder(place: Path) -> None:
    place.mkdir()
    (place / "notes.txt").write_text("hello")


def a_zarr(place: Path) -> None:
    zarr.create_group(place, attributes={MARKER: 1})


def an_icechunk(place: Path) -> None:
    make_icechunk(place, title="somebody else's")


def an_empty_icechunk(place: Path) -> None:
    icechunk.Repository.create(icechunk.local_filesystem_storage(str(place)))


def an_icechunk_array(place: Path) -> None:
    repository = icechunk.Repository.create(icechunk.local_filesystem_storage(str(place)))
    session = repository.writable_session("main")
    zarr.create_array(session.store, shape=(2,), dtype="f8", attributes={MARKER: 1})
    session.commit("an array at the root")


@pytest.mark.parametrize("make", [a_file, a_folder, a_zarr, an_icechunk, an_empty_icechunk, an_icechunk_array])
@pytest.mark.parametrize("create", [True, False])
def test_a_store_that_is_not_ours(tmp_path, make, create):
    place = tmp_path / "place"
    make(place)
    before = everything(tmp_path)
    with pytest.raises(InputError, match="not a stresslab store but a"):
        open_store(place, create=create)
    assert everything(tmp_path) == before


def test_a_store_of_another_format(tmp_path):
    make_icechunk(tmp_path / "new", **{MARKER: 2})
    with pytest.raises(InputError, match="has format 2, this stresslab knows 1"):
        open_store(tmp_path / "new")


def test_a_folder_under_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is not a folder"):
        open_store(tmp_path / "file" / "store")


def test_a_folder_that_cannot_be_written_to(tmp_path, monkeypatch):
    open_store(tmp_path / "store").begin("key").close()
    monkeypatch.setattr(os, "access", lambda *_: False)  # permissions do not bind root, who may run this
    for place in (tmp_path / "store", tmp_path / "new"):
        with pytest.raises(InputError, match="cannot be written to"):
            open_store(place)
    assert open_store(tmp_path / "store", create=False).runs() == []  # reading needs no such right


def test_a_folder_that_cannot_be_read(tmp_path, monkeypatch):
    def refuse(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(InputError, match="the folder cannot be read .Permission denied."):
        open_store(tmp_path, create=False)


def test_a_folder_that_cannot_be_made(tmp_path):
    store = open_store(tmp_path / "store")
    (tmp_path / "store").write_text("somebody was faster")
    with pytest.raises(InputError, match="cannot be written to"):
        store.begin("key")


def test_an_interrupted_creation_is_taken_up(tmp_path):
    open_store(tmp_path / "whole").begin("key").close()
    store = tmp_path / "store"
    (store / ASIDE / "refs").mkdir(parents=True)
    (store / LOCK_NAME).touch()
    (tmp_path / "whole" / "snapshots").rename(store / "snapshots")  # moved in, then killed
    with pytest.raises(InputError, match="there is no store here"):
        open_store(store, create=False)
    open_store(store).begin("key").close()
    assert open_store(store, create=False).runs() == []
    assert not (store / ASIDE).exists()


def test_a_damaged_store_is_one_line(tmp_path, dataset, provenance):
    store = open_store(tmp_path / "store")
    tag = store.begin("key").finish(dataset, provenance)
    for file in (tmp_path / "store" / "snapshots").iterdir():
        file.write_bytes(b"damaged")
    with pytest.raises(RunError, match=r"could not open the store: ") as caught:
        open_store(tmp_path / "store")
    assert "\n" not in str(caught.value) and tag


def test_damaged_numbers_are_an_error(tmp_path, dataset, provenance):
    store = open_store(tmp_path / "store")
    dataset["large"] = ("x", np.arange(500.0))
    store.begin("key").finish(dataset, provenance)
    for file in (tmp_path / "store" / "chunks").iterdir():
        damaged = bytearray(file.read_bytes())
        damaged[len(damaged) // 2] ^= 1  # one bit
        file.write_bytes(damaged)
    with pytest.raises(RunError, match="could not read the run: ") as caught:
        store.read()
    assert "\n" not in str(caught.value)


QUIET = """
import sys
from stresslab.store import open_store
from store.sample import make_dataset, make_provenance
store = open_store(sys.argv[1])
with store.begin("key") as run:
    run.finish(make_dataset(), make_provenance())
store.read(); store.provenance(); store.runs(); store.expire(1)
"""


def test_nothing_is_said_on_the_terminal(tmp_path):
    command = [sys.executable, "-W", "default", "-c", QUIET, str(tmp_path / "store")]
    done = subprocess.run(command, env=CHILD, capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_icechunk_log_is_respected(monkeypatch):
    asked = []
    monkeypatch.setattr(icechunk, "set_logs_filter", asked.append)
    for value in ("", "icechunk=debug"):
        monkeypatch.setenv("ICECHUNK_LOG", value)
        open_store("memory://")
    assert asked == ["off", "icechunk=debug"]
