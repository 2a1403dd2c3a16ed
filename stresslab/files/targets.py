"""The place that a command was told to write to: what is there, and whether it can be written."""

import contextlib
import errno
import os
import re
import stat
from pathlib import Path

from stresslab.errors import InputError, RunError, require
from stresslab.files.leftovers import is_leftover, part_of, remove

DESCRIPTOR = re.compile(r"/dev/(stdin|stdout|stderr)|(?:/dev|/proc/self)/fd/(\d+)")
STANDARD = {"stdin": 0, "stdout": 1, "stderr": 2}
FULL = (errno.ENOSPC, errno.EDQUOT)
ANOTHER_PLACE = "Name another place"


def could_not_write(path: os.PathLike[str] | str, error: OSError) -> RunError:
    """The failed run that this error makes of writing to `path`."""
    next_move = "Free some space, or name another place" if error.errno in FULL else ANOTHER_PLACE
    return RunError(f"{path}: could not write: {error.strerror or error}. {next_move}")


def descriptor(path: Path) -> int | None:
    """The number of the open file that names such as /dev/stdout stand for; None for any other path."""
    match = DESCRIPTOR.fullmatch(str(path))
    return None if match is None else STANDARD[match[1]] if match[1] else int(match[2])


def is_stream(path: Path) -> bool:
    """Whether `path` is written to rather than replaced: an open file, a pipe or a device, or a link to one."""
    if descriptor(path) is not None:
        return True
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISBLK(mode)


def is_empty_folder(path: Path) -> bool:
    """Whether `path` is a folder with nothing in it but what killed commands left of it."""
    return path.is_dir() and all(is_leftover(child.name, real(path)) for child in path.iterdir())


def real(path: Path) -> Path:
    """The file behind all links. A link that points nowhere stands for the file that it names."""
    return Path(os.path.realpath(path))


def require_writable(path: Path, key: str, kind: str = "file") -> None:
    """Refuse `path` unless a "file", a "folder" or "either" could be written there; nothing is left there.

    Raises:
        InputError: the place cannot be written to, is of another kind, or its name is too long.
        RunError: there is no space left.
    """
    if is_stream(path):
        place = {"key": key, "got": str(path), "hint": ANOTHER_PLACE}
        require(kind != "folder", "is a pipe or a device, and a folder is written here", **place)
        require(descriptor(path) is not None or os.access(path, os.W_OK), "cannot be written to", **place)
        return
    try:
        target = real(path)
        _require_kind(target, path, key, kind)
        _try(target)
    except OSError as error:
        if error.errno in FULL:
            raise could_not_write(path, error) from error
        raise _refusal(path, key, error.strerror or str(error)) from None


def _refusal(path: Path, key: str, why: str) -> InputError:
    return InputError(f"cannot be written to ({why})", key=key, got=str(path), hint=ANOTHER_PLACE)


def _require_kind(target: Path, path: Path, key: str, kind: str) -> None:
    """Refuse what is there if it is of another kind, or a file that its owner has protected."""
    try:
        mode = os.stat(target).st_mode
    except FileNotFoundError:
        return
    found = "folder" if stat.S_ISDIR(mode) else "file" if stat.S_ISREG(mode) else "socket"
    if found != kind and (kind != "either" or found == "socket"):
        hint = "Name a file" if kind == "file" else ANOTHER_PLACE
        raise InputError(f"is a {found}", key=key, got=str(path), hint=hint)
    if found == "folder":
        return
    if not os.access(target, os.W_OK):
        raise _refusal(path, key, "the file is write-protected")


def _try(target: Path) -> None:
    """Raise the OSError that writing `target` would meet. Permissions alone do not tell: /proc takes no files."""
    parent = target if target.is_dir() else target.parent
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, f"{parent} is not a folder")
    longest = os.pathconf(parent, "PC_NAME_MAX")
    if any(len(os.fsencode(part)) > longest for part in target.parts):
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
    if not os.access(parent, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, f"{parent} is write-protected")
    trial = part_of(parent / target.name)
    with contextlib.suppress(FileExistsError):  # another thread's, or a killed command's: it could be written
        os.close(os.open(trial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666))
        remove(trial)
