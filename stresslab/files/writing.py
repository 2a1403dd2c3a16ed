"""The one way in which commands write files: whole, or not at all.

Contents are made in memory first, so that no library ever meets a full disk. A file is written beside its place and
moved in; a link is followed, and a pipe or a device is written to. New files have the permissions of the user's mask,
and replaced ones keep theirs.
"""

import contextlib
import fcntl
import os
import stat
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

from stresslab.files.leftovers import old_of, part_of, remove, sweep
from stresslab.files.targets import could_not_write, descriptor, is_empty_folder, is_stream, real

_ONE_AT_A_TIME = threading.Lock()  # threads of one process share the names of unfinished files


def write(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Write a file; folders that are missing above it are made. Text is written in UTF-8.

    Raises:
        RunError: it could not be written; what was there is as it was, and nothing unfinished is left.
    """
    data = content.encode() if isinstance(content, str) else content
    with _reported(path):
        if is_stream(Path(path)):
            _pour(Path(path), data)
            return
        target = real(Path(path))
        with _ONE_AT_A_TIME, _parents(target), _unfinished(target) as part:
            _fill(part, data, target)
            _move(part, target)


def write_folder(path: str | os.PathLike[str], files: Mapping[str, bytes]) -> None:
    """Write a folder of files, by their paths in it. A folder that holds something is replaced, an empty one is filled.

    Raises:
        RunError: it could not be written; what was there is as it was, and nothing unfinished is left.
    """
    with _reported(path), _ONE_AT_A_TIME:
        target = real(Path(path))
        # An empty folder may be mounted, or be where the user's shell stands: it stays, and its entries are moved in.
        inside = is_empty_folder(target)
        with _parents(target), _unfinished(target / target.name if inside else target, target) as part:
            _fill_folder(part, files)
            if inside:
                _move_entries(part, target)
            else:
                _move(part, target)


@contextlib.contextmanager
def _reported(path: str | os.PathLike[str]) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise could_not_write(os.fspath(path), error) from error


@contextlib.contextmanager
def _parents(target: Path) -> Iterator[None]:
    """Make the folders above `target`, and remove those again if it does not come to be."""
    missing = [parent for parent in target.parents if not parent.exists()]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for parent in missing:
            with contextlib.suppress(OSError):  # not made, or in use by now
                parent.rmdir()
        raise


@contextlib.contextmanager
def _unfinished(place: Path, target: Path | None = None) -> Iterator[Path]:
    """A name for the unfinished `target` beside `place`; nothing is left there in the end."""
    part = part_of(place)
    sweep(part.parent, target or place)
    try:
        yield part
    finally:
        remove(part)


def _pour(path: Path, data: bytes) -> None:
    number = descriptor(path)
    with open(path if number is None else os.dup(number), "wb", buffering=0) as file:
        _write_all(file.fileno(), data)


def _fill(part: Path, data: bytes, replaced: Path | None = None) -> None:
    handle = _create(part)
    try:
        if replaced is not None:
            _copy_permissions(replaced, handle)
        _write_all(handle, data)
        os.fsync(handle)  # some file systems report a full disk only now
    finally:
        os.close(handle)


def _create(part: Path) -> int:
    """A new file, locked while it is open. A sweep between the two steps may have removed it: it is made again."""
    while True:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            return handle
        os.close(handle)


def _copy_permissions(replaced: Path, handle: int) -> None:
    try:
        old, new = os.stat(replaced), os.fstat(handle)
    except FileNotFoundError:
        return
    if not stat.S_ISREG(old.st_mode):
        return
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        with contextlib.suppress(OSError):  # only root may give files away
            os.fchown(handle, old.st_uid, old.st_gid)
    os.fchmod(handle, stat.S_IMODE(old.st_mode))


def _write_all(handle: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(handle, left) :]


def _fill_folder(part: Path, files: Mapping[str, bytes]) -> None:
    part.mkdir()
    lock = os.open(part, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(lock, fcntl.LOCK_EX)
        for name, data in files.items():
            file = part / name
            file.parent.mkdir(parents=True, exist_ok=True)
            _fill(file, data)
    finally:
        os.close(lock)


def _move(source: Path, target: Path) -> None:
    """Rename over whatever is there; a folder cannot be renamed over, so it steps aside first."""
    if not target.is_dir():
        os.replace(source, target)
        return
    aside = target.rename(old_of(target))
    try:
        source.rename(target)
    except OSError:
        aside.rename(target)
        raise
    remove(aside)


def _move_entries(source: Path, target: Path) -> None:
    moved: list[Path] = []
    try:
        for child in sorted(source.iterdir()):
            moved.append(child.rename(target / child.name))
    except OSError:
        for path in moved:
            remove(path)
        raise
