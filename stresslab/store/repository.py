"""Where a store is and whether it is ours: URL -> Icechunk repository, with nothing created before the first write.

A store of ours is an Icechunk repository whose root group carries a marker. All runs branch off the snapshot of that
marker, so that no run's history holds another's. Icechunk creates folders by merely looking: we look at a folder first.
"""

import contextlib
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import icechunk
import zarr
from zarr.errors import ContainsArrayError

from stresslab.errors import InputError
from stresslab.store.failures import damaged, reading, store_errors
from stresslab.store.lock import LOCK_NAME

MARKER, VERSION = "stresslab_store", 1
STAGED = re.compile(r"([0-9A-HJKMNP-TV-Z]{20}|ref\.json)#\d+")  # an object of Icechunk before it is moved in place
ASIDE = ".creating"  # where a local repository is made before it is moved in place
SCHEMES = "a folder, s3://bucket/prefix, gs://bucket/prefix or memory://"


@dataclass(frozen=True)
class Location:
    """A store's address. `folder` is None for anything but a local folder, `storage` is None until a folder exists."""

    url: str
    folder: Path | None
    storage: icechunk.Storage | None


def locate(url: str) -> Location:
    """Parse a store's URL; touches neither disk nor network."""
    # Icechunk logs to standard output, warns about every local folder, and raises what it logs as an error.
    icechunk.set_logs_filter(os.environ.get("ICECHUNK_LOG") or "off")
    scheme, separator, rest = url.partition("://")
    if not separator or scheme == "file":
        folder = Path(rest if separator else url).expanduser().absolute()
        if url and url == url.strip():
            return Location(url, folder, None)
    elif scheme == "memory":
        return Location(url, None, icechunk.in_memory_storage())
    elif scheme in ("s3", "gs") and urlsplit(url).netloc:
        parts = urlsplit(url)
        return Location(url, None, _object_storage(scheme, parts.netloc, parts.path.strip("/") or None))
    raise InputError(f"a store is {SCHEMES}", key="store", got=url)


def _object_storage(scheme: str, bucket: str, prefix: str | None) -> icechunk.Storage:
    """Credentials and region come from the environment, as for the cloud's own tools."""
    if scheme == "gs":
        return icechunk.gcs_storage(bucket=bucket, prefix=prefix, from_env=True)
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    return icechunk.s3_storage(
        bucket=bucket,
        prefix=prefix,
        region=os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"),
        endpoint_url=endpoint,
        allow_http=(endpoint or "").startswith("http://"),
        force_path_style=bool(endpoint),  # stand-ins for S3 seldom serve one host name per bucket
        from_env=True,
    )


def find(location: Location) -> icechunk.Repository | None:
    """The store at `location`; None where there is nothing yet, InputError where there is something else."""
    storage = _folder_storage(location, location.folder) if location.folder else location.storage
    if storage is None:
        return None
    with reading(location.url, "open the store"):
        if icechunk.Repository.exists(storage):
            repository = icechunk.Repository.open(storage)
            # To Zarr, a snapshot that cannot be read looks like one without a root group: ask for it first.
            repository.lookup_snapshot(repository.lookup_branch("main"))
            _check_marker(location, repository)
            return repository
    if location.folder is None:
        return None
    if (location.folder / "refs").is_dir() and (location.folder / "snapshots").is_dir():
        raise damaged(location.url, "the store", "its branch main is missing")
    raise _not_ours(location, "a folder with other files")


def _folder_storage(location: Location, folder: Path) -> icechunk.Storage | None:
    """None for no folder, one that is empty but for a lock file, and a creation cut off (its branches come last)."""
    try:
        if not folder.exists():
            return None
        if not folder.is_dir():
            raise _not_ours(location, "a file")
        names = {child.name for child in folder.iterdir()}
    except OSError as error:
        raise InputError(f"the folder cannot be read ({error.strerror})", file=location.url) from None
    if names <= {LOCK_NAME} or (ASIDE in names and "refs" not in names):
        return None
    return icechunk.local_filesystem_storage(str(folder))


def _check_marker(location: Location, repository: icechunk.Repository) -> None:
    try:
        root = zarr.open_group(repository.readonly_session("main").store, mode="r")
    except (FileNotFoundError, ContainsArrayError):
        raise _not_ours(location, "an Icechunk repository without our marker") from None
    version = root.attrs.get(MARKER)
    if version is None:
        raise _not_ours(location, "an Icechunk repository without our marker")
    if version != VERSION:
        raise InputError(f"this store has format {version}, this stresslab knows {VERSION}", file=location.url)


def _not_ours(location: Location, what: str) -> InputError:
    return InputError(
        f"not a stresslab store but {what}",
        file=location.url,
        hint="Name another place; if it is a store whose creation was cut off, delete it",
    )


def check_writable(location: Location) -> None:
    """InputError unless the folder could be written to, or made. Object stores answer at the first write."""
    if location.folder is None:
        return
    place = location.folder
    while not place.exists():
        place = place.parent
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        problem = "cannot be written to" if place.is_dir() else "is not a folder"
        raise InputError(f"{place} {problem}", file=location.url, hint="Check its permissions, or name another store")


def create(location: Location) -> icechunk.Repository:
    """A new store. The caller holds the writer's lock of a local one."""
    with store_errors(location.url, "create the store"):
        if location.folder is None:
            return _create_marked(location, location.storage)
        # Made aside, moved in with the branches last: a killed creation is not taken for somebody else's repository.
        aside = location.folder / ASIDE
        shutil.rmtree(aside, ignore_errors=True)
        try:
            _create_marked(location, icechunk.local_filesystem_storage(str(aside)))
            for child in sorted(aside.iterdir(), key=lambda child: child.name == "refs"):
                target = location.folder / child.name
                shutil.rmtree(target, ignore_errors=True)
                child.rename(target)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        return icechunk.Repository.open(icechunk.local_filesystem_storage(str(location.folder)))


def remove_staged(folder: Path) -> None:
    """Remove the files that a killed writer had not yet moved in place. The caller holds the writer's lock."""
    with contextlib.suppress(OSError):
        for file in folder.glob("*/**/*#*"):
            if STAGED.fullmatch(file.name):
                file.unlink(missing_ok=True)


def _create_marked(location: Location, storage: icechunk.Storage | None) -> icechunk.Repository:
    assert storage is not None
    try:
        repository = icechunk.Repository.create(storage)
    except icechunk.IcechunkError as error:
        if "clean prefix" not in str(error):
            raise
        raise _not_ours(location, "a place with other files") from None
    session = repository.writable_session("main")
    zarr.create_group(session.store, attributes={MARKER: VERSION})
    session.commit("A stresslab store")
    return repository


def root_snapshot(repository: icechunk.Repository) -> str:
    """The snapshot of the marker: the last but one on the way back from main, before Icechunk's own first."""
    return list(repository.ancestry(branch="main"))[-2].id
