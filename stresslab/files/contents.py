"""The bytes of a file that other people wrote, decompressed and bounded.

The compression is told by the first bytes, whatever the name says. Nothing is read past `MOST_BYTES`: three megabytes
of gzip may hold three gigabytes.
"""

import bz2
import gzip
import hashlib
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, NamedTuple

import pyarrow

from stresslab.errors import InputError, require

MOST_BYTES = 512 * 2**20
FORMATS = "CSV, JSON, Parquet or Feather, plain or compressed by gzip, zip, bzip2, xz or zstd"
SPLIT = "Split the file in time and name the parts: several files are joined"

_READERS: dict[bytes, Callable[[IO[bytes]], Any]] = {
    b"\x1f\x8b": lambda raw: gzip.GzipFile(fileobj=raw),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
    b"\x28\xb5\x2f\xfd": lambda raw: pyarrow.CompressedInputStream(raw, "zstd"),
}
_UNREADABLE = (
    *(OSError, EOFError, ValueError, NotImplementedError, RuntimeError),
    *(zlib.error, lzma.LZMAError, zipfile.BadZipFile),
)


class Contents(NamedTuple):
    """What a file holds, and the hash of the file as it lies on the disk."""

    data: bytes
    sha256: str


def read_contents(path: Path, what: str = "table") -> Contents:
    """The decompressed bytes of a file of `what`; InputError where it cannot be read, or holds too much."""
    file, unreadable = str(path), f"the {what} cannot be read"
    try:
        require(path.is_file() or not path.exists(), f"{unreadable}: it is no file", file=file)
        with path.open("rb") as raw:
            sha256 = hashlib.file_digest(raw, "sha256").hexdigest()
            raw.seek(0)
            head = raw.read(512)
            raw.seek(0)
            if head.startswith(b"PK"):
                return Contents(_from_zip(raw, file), sha256)
            if head[257:262] == b"ustar":
                raise InputError(f"{unreadable}: it is a tar archive", file=file, hint="Unpack it and name the table")
            opened = next((reader for magic, reader in _READERS.items() if head.startswith(magic)), None)
            return Contents(_bounded(opened(raw) if opened else raw, file), sha256)
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(f"{unreadable}: there is no such file", file=file, hint=_beside(path)) from None
    except _UNREADABLE as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(f"{unreadable}: {why}", file=file, hint=f"Give a whole file: {FORMATS}") from None


def _bounded(stream: Any, file: str) -> bytes:
    data: bytes = stream.read(MOST_BYTES + 1)
    rule = f"holds more than {MOST_BYTES // 2**20} MB, which is the most that is read"
    require(len(data) <= MOST_BYTES, rule, file=file, hint=SPLIT)
    return data


def _from_zip(raw: IO[bytes], file: str) -> bytes:
    with zipfile.ZipFile(raw) as archive:
        names = [one.filename for one in archive.infolist() if not one.is_dir() and "__MACOSX" not in one.filename]
        rule = "an archive must hold one table"
        require(len(names) == 1, rule, file=file, got=names, hint="Unpack it and name the table")
        with archive.open(names[0]) as member:
            return _bounded(member, file)


def _beside(path: Path) -> str:
    return "" if path.parent.is_dir() else f"The folder {path.parent} does not exist"


def is_binary_table(data: bytes) -> bool:
    """Whether these are the bytes of a Parquet or Feather file."""
    return data.startswith((b"PAR1", b"ARROW1", b"FEA1"))


def as_file(data: bytes) -> IO[bytes]:
    """Bytes as something that a library reads from."""
    return io.BytesIO(data)
