"""One writer at a time, and no lock outlives its holder."""

import errno
import os

import pytest

from stresslab.errors import InputError, RunError
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


@pytest.mark.parametrize("function", ["ftruncate", "pwrite"])
def test_the_text_is_no_reason_to_fail(tmp_path, monkeypatch, function):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(f"stresslab.store.lock.os.{function}", full)
    with WriterLock(tmp_path), pytest.raises(InputError, match="another run is writing to this store"):
        WriterLock(tmp_path)
    WriterLock(tmp_path).release()


def test_a_full_disk_is_no_wrong_input(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("stresslab.store.lock.os.open", full)
    with pytest.raises(RunError, match="store: could not write: No space left on device. Free some space"):
        WriterLock(tmp_path / "store")
