"""One writer at a time, and no lock outlives its holder."""

import os

import pytest

from stresslab.errors import InputError
from stresslab.store import open_store
from stresslab.store.lock import LOCK_NAME, WriterLock


def test_the_second_writer_of_one_process_too(tmp_path):
    store = open_store(tmp_path)
    with store.begin("key"), pytest.raises(InputError, match=f"pid {os.getpid()} on "):
        open_store(tmp_path).begin("another key")
    store.begin("another key").close()


def test_a_failure_to_begin_lets_go(tmp_path, monkeypatch):
    store = open_store(tmp_path)
    monkeypatch.setattr("stresslab.store.history.create", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        store.begin("key")
    monkeypatch.undo()
    store.begin("key").close()


def test_release_twice_and_an_unreadable_name(tmp_path):
    lock = WriterLock(tmp_path)
    (tmp_path / LOCK_NAME).write_text("{")
    with pytest.raises(InputError, match="has not yet written its name"):
        WriterLock(tmp_path)
    lock.release()
    lock.release()
    assert (tmp_path / LOCK_NAME).read_text() == ""


def test_nothing_to_lock_without_a_folder():
    with WriterLock(None), WriterLock(None):
        pass


def test_a_file_system_without_locks(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(InputError, match="gives no locks"):
        WriterLock(tmp_path)
