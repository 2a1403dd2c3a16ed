"""Places that cannot be written to are refused before anything is done, and asking leaves nothing."""

import errno
import os
import socket
from pathlib import Path

import pytest

from stresslab.errors import InputError, RunError
from stresslab.files.targets import is_empty_folder, is_stream, require_writable


def refused(path: Path, words: str, kind: str = "file") -> None:
    with pytest.raises(InputError, match=words) as caught:
        require_writable(path, "--output", kind)
    assert str(caught.value).startswith("--output = ") and "Name a" in str(caught.value)


def test_places_that_can_be_written(tmp_path):
    (tmp_path / "file").write_text("old")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("nowhere")
    for name in ("new", "deep/er/new", "file", "link", "n" * 255):
        require_writable(tmp_path / name, "--output")
    for name in ("new", "deep/er/new", "folder"):
        require_writable(tmp_path / name, "DIR", "folder")
    for name in ("file", "folder", "new"):
        require_writable(tmp_path / name, "--data", "either")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "folder", "link"]


def test_places_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("old")
    (tmp_path / "loop").symlink_to("loop")
    refused(tmp_path, "is a folder. Name a file")
    refused(tmp_path / "file", "is a file. Name another place", "folder")
    refused(tmp_path / "file" / "x", "Not a directory")
    refused(tmp_path / "loop", "Too many levels of symbolic links")
    for kind in ("file", "folder"):
        refused(tmp_path / ("n" * 256), "File name too long", kind)
        refused(tmp_path / "new" / ("n" * 256), "File name too long", kind)
        refused(Path("/proc/x"), "cannot be written to", kind)  # root has every right there, and /proc takes no files


def test_a_socket_is_no_place(tmp_path):
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(tmp_path / "s"))
        refused(tmp_path / "s", "is a socket", "either")


def test_pipes_and_devices(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/null")
    for path in (tmp_path / "pipe", Path("/dev/null"), Path("/dev/stdout"), tmp_path / "link"):
        assert is_stream(path)
        require_writable(path, "--output")
        refused(path, "is a pipe or a device", "folder")
    assert not is_stream(tmp_path) and not is_stream(tmp_path / "new")


def test_protected_files_and_folders(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("old")
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path / "file")  # root may run this
    refused(tmp_path / "file", "the file is write-protected")
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)
    refused(tmp_path / "new", "is write-protected")


def test_a_full_disk_is_no_wrong_input(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("stresslab.files.targets.os.open", fail)
    with pytest.raises(RunError, match="new: could not write: No space left on device. Free some space"):
        require_writable(tmp_path / "new", "--output")


def test_empty_folders(tmp_path):
    folder = tmp_path / "d"
    assert not is_empty_folder(folder)
    folder.mkdir()
    (folder / ".d.123.part").mkdir()  # of a killed command
    assert is_empty_folder(folder)
    (folder / "x").touch()
    assert not is_empty_folder(folder)
