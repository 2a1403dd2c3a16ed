"""Names of unfinished files, and the removal of those that killed commands left behind.

A file is made as `.NAME.PID.part` beside its place and moved in when it is whole. Its writer holds an `flock` on it,
which the kernel releases however the writer dies. Only a file that carries such a name, belongs to this user, is not
locked and has no living writer is removed.
"""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import stat
import time
from pathlib import Path

LONGEST_NAME = 180  # bytes of a target's name that the name of its unfinished file repeats; file systems take 255
SETTLED = 60.0  # seconds without a change after which a file of an earlier version, which names no process, is dead


def part_of(target: Path) -> Path:
    """Where `target` is made before it is moved in place."""
    return target.with_name(f".{_stem(target.name)}.{os.getpid()}.part")


def old_of(target: Path) -> Path:
    """Where a folder steps aside while another takes its place."""
    return target.with_name(f".{_stem(target.name)}.{os.getpid()}.old")


def sweep(folder: Path, target: Path) -> None:
    """Remove from `folder` what killed writers of `target` left; a folder that had stepped aside goes back."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            match = _pattern(target.name).fullmatch(entry.name)
            if match and _is_ours(entry) and _is_dead(entry, match["pid"]):
                if match["kind"] == "old" and not os.path.lexists(target):
                    os.rename(entry.path, target)
                else:
                    remove(Path(entry.path))


def is_leftover(name: str, target: Path) -> bool:
    """Whether a file of this name is an unfinished `target`."""
    return _pattern(target.name).fullmatch(name) is not None


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _stem(name: str) -> str:
    """The name, cut short where the name of the unfinished file would be too long for the file system."""
    whole = os.fsencode(name)
    if len(whole) <= LONGEST_NAME:
        return name
    return f"{os.fsdecode(whole[: LONGEST_NAME // 4])}.{hashlib.sha256(whole).hexdigest()[:16]}"


def _pattern(name: str) -> re.Pattern[str]:
    """Names of this version, and what earlier versions took from `tempfile`: eight characters, not a word or date."""
    random = rf"\.{re.escape(name)}\.(?=[0-9_]*[a-z])(?=[a-z]*[0-9_])[a-z0-9_]{{8}}"
    return re.compile(rf"\.{re.escape(_stem(name))}\.(?P<pid>\d{{1,10}})\.(?P<kind>part|old)|{random}")


def _is_ours(entry: os.DirEntry[str]) -> bool:
    found = entry.stat(follow_symlinks=False)
    return found.st_uid == os.geteuid() and (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode))


def _is_dead(entry: os.DirEntry[str], pid: str | None) -> bool:
    """Whether nobody writes this file any more."""
    if pid is None:  # made by `tempfile`: private until it is whole
        found = entry.stat(follow_symlinks=False)
        quiet = time.time() - found.st_mtime > SETTLED
        return stat.S_ISREG(found.st_mode) and stat.S_IMODE(found.st_mode) == 0o600 and quiet
    # The same number may be a process of another container that shares this folder: the lock tells.
    return (int(pid) == os.getpid() or not _is_alive(int(pid))) and _is_unlocked(entry.path)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


def _is_unlocked(path: str) -> bool:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        pass
    finally:
        os.close(handle)
    return True
