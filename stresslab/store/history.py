"""The store as its users see it: begin a run, list the finished ones, read one, forget old ones."""

import difflib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import icechunk
import xarray as xr
import zarr

from stresslab.errors import InputError
from stresslab.store.encode import read_dataset
from stresslab.store.lock import WriterLock
from stresslab.store.repository import Location, check_writable, create, find, locate, root_snapshot, store_errors
from stresslab.store.run import DATASET, END_BRANCH, PROVENANCE, RECORD, RUN_BRANCH, OpenRun

ABANDONED = timedelta(days=7)  # an unfinished run is dropped with the runs of its time after this
IN_FLIGHT = timedelta(days=1)  # what nobody refers to in an object store may belong to a commit under way elsewhere
LOOK_UPS = 16  # at a time: an object store answers each in tens of milliseconds


@dataclass(frozen=True)
class RunRecord:
    """One finished run, as the history lists it. Times are ISO 8601, UTC."""

    tag: str
    study: str
    study_hash: str
    seed: int
    as_of: str
    started: str
    seconds: float
    finished: str
    device: str


def open_store(url: str | os.PathLike[str], create: bool = True) -> "Store":
    """The store at a local folder, s3://bucket/prefix, gs://bucket/prefix or memory:// (this process only).

    InputError for what is not a store of ours, for a folder that cannot be written to (create=True), and for a store
    that does not exist (create=False). Nothing is created here: a new store comes into being when its first run begins.
    """
    location = locate(os.fspath(url))
    repository = find(location)
    if create:
        check_writable(location)
    elif repository is None:
        raise InputError("there is no store here", file=location.url, hint="`stresslab run` makes one")
    return Store(location)


class Store:
    """Finished runs, newest last, and the door to write another. Made by `open_store`."""

    def __init__(self, location: Location) -> None:
        self._location = location

    def begin(self, run_key: str, fresh: bool = False) -> OpenRun:
        """Open the run of this key for writing, resuming what an earlier process left unless `fresh`."""
        lock = WriterLock(self._location.folder)
        try:
            repository = find(self._location) or create(self._location)
            run = OpenRun(self._location, repository, run_key, lock)
            run.resume(fresh)
            return run
        except BaseException:
            lock.release()
            raise

    def runs(self) -> list[RunRecord]:
        """All finished runs, newest last."""
        repository = find(self._location)
        with store_errors(self._location, "list the runs"):
            return [record for _, record in _dated_runs(repository)] if repository else []

    def read(self, tag: str | None = None) -> xr.Dataset:
        """The dataset of a run, in memory; of the newest run without a tag."""
        with self._reading(tag) as (_, root):
            group, layout = root[DATASET], root.attrs["layout"]
            assert isinstance(group, zarr.Group)
            return read_dataset(group, layout)  # type: ignore[arg-type]

    def provenance(self, tag: str | None = None) -> dict[str, Any]:
        """How the run was made: start, end, seconds, device, versions; and its tag."""
        with self._reading(tag) as (known, root):
            return dict(root[PROVENANCE].attrs) | {"tag": known}

    def expire(self, keep: int) -> int:
        """Forget all but the newest `keep` runs and free their space; how many were dropped.

        Unfinished runs older than all that is kept go too, once they have been left alone for a week.
        """
        if keep < 1:
            raise InputError("at least one run is kept", key="keep", got=keep)
        if find(self._location) is None:
            return 0
        with WriterLock(self._location.folder), store_errors(self._location, "drop old runs"):
            repository = find(self._location)
            assert repository is not None
            dated = _dated_runs(repository)
            for _, record in dated[:-keep]:
                repository.delete_tag(record.tag)
            if dated:
                repository.reset_branch("main", repository.lookup_tag(dated[-1][1].tag))
                _drop_abandoned(repository, older_than=dated[-keep:][0][0])
            in_flight = timedelta(0) if self._location.folder else IN_FLIGHT
            repository.garbage_collect(datetime.now(UTC) - in_flight)
            return len(dated[:-keep])

    @contextmanager
    def _reading(self, tag: str | None) -> Iterator[tuple[str, zarr.Group]]:
        """The tag of a finished run (of the newest one without a tag) and its root group."""
        repository = find(self._location)
        with store_errors(self._location, "read the run"):
            tags = [record.tag for _, record in _dated_runs(repository)] if repository else []
            if repository is None or not tags:
                raise InputError("this store holds no finished run", file=self._location.url)
            if tag is not None and tag not in tags:
                near = difflib.get_close_matches(tag, tags, n=3, cutoff=0.4) or tags[-3:]
                raise InputError(
                    "no such run", file=self._location.url, got=tag, hint=f"The nearest: {', '.join(near)}"
                )
            known = tag or tags[-1]
            yield known, zarr.open_group(repository.readonly_session(tag=known).store, mode="r")


def _dated_runs(repository: icechunk.Repository) -> list[tuple[datetime, RunRecord]]:
    """The finished runs with the time of their last commit, oldest first."""

    def look_up(tag: str) -> icechunk.SnapshotInfo:
        return repository.lookup_snapshot(repository.lookup_tag(tag))

    tags = sorted(repository.list_tags())
    with ThreadPoolExecutor(LOOK_UPS) as pool:
        snapshots = zip(tags, pool.map(look_up, tags), strict=True)
        ours = [
            (snapshot.written_at, tag, snapshot.metadata[RECORD])
            for tag, snapshot in snapshots
            if RECORD in snapshot.metadata
        ]
    return [(written, RunRecord(tag=tag, **record)) for written, tag, record in sorted(ours, key=lambda run: run[:2])]


def _drop_abandoned(repository: icechunk.Repository, older_than: datetime) -> None:
    limit, root = min(older_than, datetime.now(UTC) - ABANDONED), root_snapshot(repository)
    for branch in repository.list_branches():
        head = repository.lookup_branch(branch)
        if not branch.startswith((RUN_BRANCH, END_BRANCH)) or head == root:  # no commit yet: it may have just begun
            continue
        if repository.lookup_snapshot(head).written_at < limit:
            repository.delete_branch(branch)
