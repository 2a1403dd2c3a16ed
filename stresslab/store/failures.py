"""One-line messages for errors of a store: damage, and errors of Icechunk, which span pages of Rust."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

import icechunk
from zarr.errors import NodeNotFoundError

from stresslab.errors import RunError, StresslabError
from stresslab.files.targets import FULL

DAMAGE = (icechunk.IcechunkError, NodeNotFoundError, RuntimeError, OSError)  # RuntimeError is what a decoder raises
RESTORE = "Restore it from a copy, or run the study again into another store"
MARKS = re.compile(r"^\s*(?:[x×|│]\s+)*")  # decoration of a line of an Icechunk error
FRESH = "Run again with --fresh to start over without them"
AWAY = "Check the address, the credentials and the network, and try again"  # an object store may not answer for a while


@contextmanager
def store_errors(url: str, doing: str) -> Iterator[None]:
    """Turn the store's errors during a write into RunErrors; the caller's own errors pass."""
    try:
        yield
    except icechunk.ConflictError:
        raise RunError(f"{url}: could not {doing}: another process is writing the same run") from None
    except StresslabError:
        raise
    except BaseException as error:
        if isinstance(error, DAMAGE) or _is_panic(error):
            raise RunError(f"{url}: could not {doing}: {_causes(error)}") from error
        raise


@contextmanager
def reading(url: str, doing: str, hint: str = RESTORE) -> Iterator[None]:
    """Turn any error during a read into a RunError: the store is damaged or out of reach."""
    try:
        yield
    except (StresslabError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:
        raise RunError(f"{url}: could not {doing}: {_causes(error)}. {_next_move(url, error, hint)}") from error


def _next_move(url: str, error: BaseException, hint: str) -> str:
    if "ermission denied" in str(error):
        return "Check the permissions of its files"
    is_remote = "://" in url and not url.startswith("file://")
    return f"{AWAY}. If that does not help: {hint[0].lower()}{hint[1:]}" if is_remote else hint


def damaged(url: str, what: str, why: str, hint: str = RESTORE) -> RunError:
    """The error for stored data that fail their check."""
    return RunError(f"{url}: {what}: damaged: {why}. {hint}")


def _is_panic(error: BaseException) -> bool:
    """Whether this is a Rust panic: a BaseException of a type that cannot be imported."""
    return type(error).__name__ == "PanicException"


def _causes(error: BaseException) -> str:
    """The first and the last cause of an Icechunk error; between them it lists Rust's call stack."""
    if any(os.strerror(number) in str(error) for number in FULL):
        return "No space left on device. Free some space, or name another store"
    lines = [MARKS.sub("", line).rstrip() for line in str(error).splitlines()] or [type(error).__name__]
    last = [line.split("-> ", 1)[1] for line in lines if "-> " in line]
    return ": ".join(dict.fromkeys([lines[0], *last[-1:]]))
