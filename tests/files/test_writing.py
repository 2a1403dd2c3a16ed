"""Files are written whole or not at all: links, pipes, permissions, full disks, and what killed commands left."""

import errno
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from stresslab.errors import RunError
from stresslab.files import writing
from stresslab.files.leftovers import old_of, part_of
from stresslab.files.writing import write, write_folder

DEAD_PID = 2**22 + 1  # above the largest number that Linux gives a process


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(("content", "data"), [("é\n", b"\xc3\xa9\n"), (b"\x00\xff", b"\x00\xff"), ("", b"")])
def test_what_is_written(tmp_path, content, data):
    for _ in range(2):
        write(tmp_path / "new" / "x.html", content)
        assert (tmp_path / "new" / "x.html").read_bytes() == data
    assert names(tmp_path / "new") == ["x.html"]


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_permissions_are_what_the_mask_gives(tmp_path, mask):
    old = os.umask(mask)
    try:
        write(tmp_path / "x", "a")
        write_folder(tmp_path / "d", {"e/f": b"a"})
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o666 & ~mask
    assert stat.S_IMODE((tmp_path / "d/e/f").stat().st_mode) == 0o666 & ~mask
    assert stat.S_IMODE((tmp_path / "d/e").stat().st_mode) == 0o777 & ~mask


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666])
def test_a_replaced_file_keeps_its_permissions(tmp_path, mode):
    target = tmp_path / "x"
    target.write_text("old")
    target.chmod(mode)
    write(target, "new")
    assert target.read_text() == "new" and stat.S_IMODE(target.stat().st_mode) == mode


def test_a_link_is_followed(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "file").write_text("old")
    for name, behind in {"there": "far/file", "not_yet": "far/new", "chain": "there"}.items():
        (tmp_path / name).symlink_to(behind)
    for name in ("there", "not_yet", "chain"):
        write(tmp_path / name, name)
        assert (tmp_path / name).is_symlink() and (tmp_path / name).read_text() == name
    assert names(tmp_path / "far") == ["file", "new"] and (tmp_path / "far" / "file").read_text() == "chain"


def test_a_pipe_is_written_to(tmp_path):
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    (tmp_path / "link").symlink_to("pipe")
    for path in (pipe, tmp_path / "link"):
        reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
        reader.start()
        write(path, b"x" * 200_000)  # more than a pipe holds at a time
        reader.join()
    assert read == [b"x" * 200_000] * 2 and pipe.is_fifo() and names(tmp_path) == ["link", "pipe"]


def test_a_device_stays_a_device():
    before = os.stat("/dev/null")
    write("/dev/null", "gone")
    assert os.stat("/dev/null") == before and stat.S_ISCHR(before.st_mode)
    with pytest.raises(RunError, match="/dev/full: could not write: No space left on device. Free some space"):
        write("/dev/full", "x")


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_standard_output_in_a_file_goes_on_where_it_was(tmp_path, name):
    code = f"from stresslab.files.writing import write; write({name!r}, 'page\\n'); print('said')"
    out = tmp_path / "out"
    with out.open("ab") as file:
        file.write(b"before\n")
        file.flush()
        subprocess.run([sys.executable, "-c", code], stdout=file, check=True)
    assert out.read_text() == "before\npage\nsaid\n"


def test_a_folder_of_files(tmp_path):
    write_folder(tmp_path / "new" / "d", {"a": b"1", "b/c": b"2"})
    write_folder(tmp_path / "new" / "d", {"b/c": b"3"})
    assert [str(path.relative_to(tmp_path)) for path in sorted(tmp_path.rglob("*"))] == [
        "new",
        "new/d",
        "new/d/b",
        "new/d/b/c",
    ]
    assert (tmp_path / "new/d/b/c").read_bytes() == b"3"


def test_an_empty_folder_is_filled_not_replaced(tmp_path):
    target = tmp_path / "d"
    target.mkdir()
    before = target.stat().st_ino
    write_folder(target, {"a": b"1", "b/c": b"2"})
    assert target.stat().st_ino == before  # it may be mounted, or where a shell stands
    assert names(target) == ["a", "b"] and names(tmp_path) == ["d"]


def full(monkeypatch, after: int) -> None:
    """A disk that takes so many bytes more."""
    left, real = [after], os.write

    def short(handle, data):
        if left[0] <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken = real(handle, data[: left[0]])
        left[0] -= taken
        return taken

    monkeypatch.setattr(writing.os, "write", short)


@pytest.mark.parametrize("after", [0, 1, 5, 9])
def test_a_full_disk_leaves_everything_as_it_was(tmp_path, monkeypatch, after):
    (tmp_path / "x").write_text("old")
    write_folder(tmp_path / "d", {"old": b"1"})
    (tmp_path / "empty").mkdir()
    for use in (
        lambda: write(tmp_path / "x", b"0123456789"),
        lambda: write(tmp_path / "new" / "deep" / "x", b"0123456789"),
        lambda: write_folder(tmp_path / "d", {"a": b"01234", "b/c": b"56789"}),
        lambda: write_folder(tmp_path / "empty", {"a": b"01234", "b/c": b"56789"}),
        lambda: write_folder(tmp_path / "made" / "d", {"a": b"01234", "b/c": b"56789"}),
    ):
        with monkeypatch.context() as patch, pytest.raises(RunError, match="could not write: No space left") as caught:
            full(patch, after)
            use()
        assert "Free some space" in str(caught.value)
        assert names(tmp_path) == ["d", "empty", "x"] and names(tmp_path / "empty") == []
        assert (tmp_path / "x").read_text() == "old" and names(tmp_path / "d") == ["old"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failure_at_a_later_step_leaves_the_old(tmp_path, monkeypatch, step):
    (tmp_path / "x").write_text("old")

    def fail(*_):
        raise OSError(errno.EIO, "the disk is broken")

    monkeypatch.setattr(writing.os, step, fail)
    with pytest.raises(RunError, match="x: could not write: the disk is broken. Name another place"):
        write(tmp_path / "x", "new")
    assert names(tmp_path) == ["x"] and (tmp_path / "x").read_text() == "old"


def test_a_small_disk(tmp_path):
    """A real one of 64 kB: what fits is written, what does not leaves what was there."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(tmp_path)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("mounting a small file system needs root and the right to mount")
    try:
        write(tmp_path / "x", b"1" * 20_000)
        with pytest.raises(RunError, match="No space left"):
            write(tmp_path / "x", b"2" * 60_000)
        with pytest.raises(RunError, match="No space left"):
            write_folder(tmp_path / "d", {"a": b"2" * 20_000, "b": b"2" * 40_000})
        assert names(tmp_path) == ["x"] and (tmp_path / "x").read_bytes() == b"1" * 20_000
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_an_interrupt_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(writing.os, "fsync", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
    for use in (lambda: write(tmp_path / "n" / "x", "a"), lambda: write_folder(tmp_path / "n" / "d", {"a": b"a"})):
        with pytest.raises(KeyboardInterrupt):
            use()
    assert names(tmp_path) == []


KILLED = """
import os, signal, sys
from stresslab.files import writing
writing.os.fsync = lambda handle: os.kill(os.getpid(), signal.SIGKILL)
{use}
"""
USES = {
    "file": lambda path: f"writing.write({str(path)!r}, 'half')",
    "folder": lambda path: f"writing.write_folder({str(path)!r}, {{'a/b': b'half'}})",
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("is_there", [True, False])
def test_what_a_killed_command_left_goes_with_the_next(tmp_path, use, is_there):
    target = tmp_path / "x"
    if is_there:
        target.mkdir() if use == "folder" else target.write_text("old")
    done = subprocess.run([sys.executable, "-c", KILLED.format(use=USES[use](target))])
    assert done.returncode == -signal.SIGKILL
    left = [path for path in tmp_path.rglob("*") if path.name.endswith(".part")]
    assert len(left) == 1
    if use == "folder":
        write_folder(target, {"a/b": b"new"})
    else:
        write(target, "new")
    assert names(tmp_path) == ["x"] and not left[0].exists()


def test_only_what_is_ours_and_dead_is_removed(tmp_path):
    write(tmp_path / "x", "old")
    gone = [f".x.{DEAD_PID}.part", f".x.{DEAD_PID}.old", f".x.{os.getpid()}.part", ".x.k3jq_1g4"]
    stay = [
        f".x.{os.getppid()}.part",  # of a process that lives
        f".y.{DEAD_PID}.part",
        f".x.{DEAD_PID}.parts",
        f"x.{DEAD_PID}.part",
        ".x.swp",
        ".x.original",
        ".x.20261121",
        ".x.ab12cd34",  # not as `tempfile` leaves it: others may read it
        ".x.ab12cd35",  # it has just changed
    ]
    for name in gone + stay:
        (tmp_path / name).write_text("half")
        (tmp_path / name).chmod(0o644 if name == ".x.ab12cd34" else 0o600)
        if name != ".x.ab12cd35":
            os.utime(tmp_path / name, (0, 0))
    (tmp_path / f".x.{DEAD_PID - 1}.part").symlink_to("x")
    write(tmp_path / "x", "new")
    assert names(tmp_path) == sorted(["x", f".x.{DEAD_PID - 1}.part", *stay])


def test_a_locked_file_is_somebody_elses(tmp_path):
    """A process of another container has a number of its own: what it writes is known by its lock."""
    part = tmp_path / f".x.{DEAD_PID}.part"
    handle = writing._create(part)
    try:
        write(tmp_path / "x", "new")
        assert part.exists()
    finally:
        os.close(handle)
    write(tmp_path / "x", "new")
    assert names(tmp_path) == ["x"]


def test_a_folder_that_had_stepped_aside_comes_back(tmp_path):
    """Killed between the two renames: the old folder is the only one there is."""
    target = tmp_path / "d"
    write_folder(target, {"old": b"1"})
    target.rename(tmp_path / f".d.{DEAD_PID}.old")
    writing.sweep(tmp_path, target)
    assert names(tmp_path) == ["d"] and names(target) == ["old"]


def test_long_names(tmp_path):
    for name in ("n" * 255, "é" * 127):
        write(tmp_path / name, "a")
        assert part_of(tmp_path / name) != part_of(tmp_path / (name[:-1] + "x"))
        assert len(os.fsencode(old_of(tmp_path / name).name)) < 255
    assert len(names(tmp_path)) == 2
