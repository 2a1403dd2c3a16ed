"""One writer at a time in a local store: an operating-system lock on a file inside it.

A local folder has no compare-and-swap, so two writers would corrupt each other's branches. The kernel lets go of an
`flock` when its holder dies, however it dies: a lock is never stale. The file's text (who holds it) is for people only.
"""

import contextlib
import fcntl
import json
import os
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from stresslab.errors import InputError
from stresslab.files.targets import FULL, could_not_write

LOCK_NAME = "stresslab.lock"


class WriterLock:
    """The right to write to a store, held from here until `release` or the end of the process.

    Without a folder (an object store, memory) there is nothing to lock: commits there are compare-and-swap.
    """

    def __init__(self, folder: Path | None) -> None:
        self._descriptor: int | None = None
        if folder is not None:
            descriptor = _open(folder)
            try:
                _take(descriptor, folder)
            except BaseException:
                os.close(descriptor)
                raise
            self._descriptor = descriptor

    def release(self) -> None:
        """Let the next writer in. The file stays: removing it would race with somebody who has just opened it."""
        if self._descriptor is not None:
            _write(self._descriptor, "")
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.release()


def _open(folder: Path) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        if error.errno in FULL:
            raise could_not_write(folder, error) from error
        raise InputError(
            f"the store's folder cannot be written to ({error.strerror})",
            file=str(folder),
            hint="Check its permissions, or name another store",
        ) from None


def _take(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise InputError(
            f"another run is writing to this store: {_holder(descriptor)}",
            file=str(folder),
            hint="Wait until it ends, or name another store",
        ) from None
    except OSError as error:
        raise InputError(
            f"the file system of this folder gives no locks ({error.strerror})",
            file=str(folder),
            hint="Use a folder on another disk, or an object store",
        ) from None
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    _write(descriptor, json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": now}))


def _write(descriptor: int, text: str) -> None:
    with contextlib.suppress(OSError):  # a full disk: the lock holds without its text
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, text.encode(), 0)


def _holder(descriptor: int) -> str:
    """Who holds the lock, as far as its file says."""
    try:
        holder = json.loads(os.pread(descriptor, 4096, 0))
        return f"pid {holder['pid']} on {holder['host']}, since {holder['since']}"
    except (OSError, ValueError, KeyError):
        return "a process that has not yet written its name"
