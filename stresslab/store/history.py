"""The store as its users see it: begin a run, list the finished ones, read one, forget old ones."""

import difflib
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import icechunk
import xarray as xr
import zarr

from stresslab.errors import InputError, RunError
from stresslab.store import unchecked
from stresslab.store.digest import of_json
from stresslab.store.encode import read_dataset, stored_digest, values_digest
from stresslab.store.failures import damaged, reading, store_errors
from stresslab.store.lock import WriterLock
from stresslab.store.repository import Location, check_writable, create, find, locate, remove_staged, root_snapshot
from stresslab.store.run import CHECKED, DATASET, END_BRANCH, PROVENANCE, RUN_BRANCH, OpenRun
from stresslab.store.tagged import TaggedRun, all_runs, look_up

ABANDONED = timedelta(days=7)  # an unfinished run is dropped with the runs of its time after this
IN_FLIGHT = timedelta(days=1)  # what nobody refers to in an object store may belong to a commit under way elsewhere
Remark = Callable[[str], None]


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


def _warn(text: str) -> None:
    warnings.warn(text, stacklevel=2)


def open_store(url: str | os.PathLike[str], create: bool = True, remark: Remark = _warn) -> "Store":
    """The store at a local folder, s3://bucket/prefix, gs://bucket/prefix or memory:// (this process only).

    `remark` receives one message for each run of an earlier version, which cannot be checked. Nothing is created here:
    a new store is created when its first run begins.

    Raises:
        InputError: this is not a store of ours, the folder cannot be written to (create=True), or there is no store
            (create=False).
        RunError: the store is damaged.
    """
    location = locate(os.fspath(url))
    repository = find(location)
    if create:
        check_writable(location)
    elif repository is None:
        raise InputError("there is no store here", file=location.url, hint="`stresslab run` makes one")
    return Store(location, remark)


class Store:
    """Finished runs, newest last, and the method that begins another. Made by `open_store`.

    Reading a damaged run raises RunError.
    """

    def __init__(self, location: Location, remark: Remark = _warn) -> None:
        self._location, self._remark = location, remark
        self._remarked: set[str] = set()

    def begin(self, run_key: str, fresh: bool = False) -> OpenRun:
        """Open the run of this key for writing, resuming what an earlier process left unless `fresh`."""
        lock = WriterLock(self._location.folder)
        try:
            repository = find(self._location) or create(self._location)
            if self._location.folder is not None:
                remove_staged(self._location.folder)
            run = OpenRun(self._location, repository, run_key, lock)
            run.resume(fresh)
            if run.unchecked:
                self._remark_unchecked("the partial results of this unfinished run")
            return run
        except BaseException:
            lock.release()
            raise

    def runs(self) -> list[RunRecord]:
        """All finished runs, newest last."""
        repository = find(self._location)
        with reading(self._location.url, "list the runs"):
            found = all_runs(self._location, repository) if repository else []
        if any(not run.seals for run in found):
            self._remark_unchecked(f"{sum(not run.seals for run in found)} of {len(found)} runs")
        return [RunRecord(tag=run.tag, **run.record) for run in found]

    def read(self, tag: str | None = None) -> xr.Dataset:
        """The dataset of a run, in memory; of the newest run without a tag."""
        with self._reading(tag) as (run, repository, session):
            root = zarr.open_group(session.store, mode="r")
            group, layout = root[DATASET], root.attrs["layout"]
            assert isinstance(group, zarr.Group)
            if CHECKED in root.attrs and not run.seals:
                raise self._damaged(run, "its digests are missing")
            # Checked before any array is read: a damaged shape could allocate terabytes.
            if run.seals and stored_digest(group, layout) != run.seals["outline"]:  # type: ignore[arg-type]
                raise self._damaged(run, "its variables are not those that were saved")
            dataset = read_dataset(group, layout)  # type: ignore[arg-type]
            if run.seals and values_digest(dataset) != run.seals["values"]:
                raise self._damaged(run, "its numbers are not those that were saved")
            noticed = None if run.seals else unchecked.noticed(repository, session, DATASET, dataset)
            if noticed:
                raise self._damaged(run, noticed)
        if not run.seals:
            self._remark_unchecked(f"run {run.tag}")
        return dataset

    def provenance(self, tag: str | None = None) -> dict[str, Any]:
        """How the run was made: start, end, seconds, device, versions; and its tag."""
        with self._reading(tag) as (run, _, session):
            found = dict(zarr.open_group(session.store, path=PROVENANCE, mode="r").attrs)
            if run.seals and of_json(found) != run.seals["provenance"]:
                raise self._damaged(run, "its provenance is not the one that was saved")
            return found | {"tag": run.tag}

    def expire(self, keep: int) -> int:
        """Forget all but the newest `keep` runs and free their space; how many were dropped.

        Unfinished runs older than all that is kept go too, once they have been left alone for a week.
        """
        if keep < 1:
            raise InputError("at least one run is kept", key="keep", got=keep)
        if find(self._location) is None:
            return 0
        with WriterLock(self._location.folder), store_errors(self._location.url, "drop old runs"):
            repository = find(self._location)
            assert repository is not None
            runs = all_runs(self._location, repository)
            for run in runs[:-keep]:
                repository.delete_tag(run.tag)
            if runs:
                repository.reset_branch("main", runs[-1].snapshot)
                _drop_abandoned(repository, older_than=runs[-keep:][0].written)
            in_flight = timedelta(0) if self._location.folder else IN_FLIGHT
            repository.garbage_collect(datetime.now(UTC) - in_flight)
            return len(runs[:-keep])

    @contextmanager
    def _reading(self, tag: str | None) -> Iterator[tuple[TaggedRun, icechunk.Repository, icechunk.Session]]:
        """A finished run (the newest one without a tag), and a session that reads it."""
        repository = find(self._location)
        with reading(self._location.url, "read the run"):
            if repository is None:
                raise InputError("this store holds no finished run", file=self._location.url)
            run = self._find(repository, tag)
            yield run, repository, repository.readonly_session(snapshot_id=run.snapshot)

    def _find(self, repository: icechunk.Repository, tag: str | None) -> TaggedRun:
        """The run of a tag, read without the other runs, which may be damaged; the newest run without a tag."""
        if tag is not None and tag in repository.list_tags():
            run = look_up(self._location, repository, tag)
            if run is not None:
                return run
        runs = all_runs(self._location, repository)
        if not runs:
            raise InputError("this store holds no finished run", file=self._location.url)
        if tag is not None:
            tags = [run.tag for run in runs]
            near = difflib.get_close_matches(tag, tags, n=3, cutoff=0.4) or tags[-3:]
            hint = f"Name one that `stresslab runs` lists, such as {' or '.join(near)}"
            raise InputError("there is no such run", file=self._location.url, key="run", got=tag, hint=hint)
        return runs[-1]

    def _damaged(self, run: TaggedRun, why: str) -> RunError:
        return damaged(self._location.url, f"run {run.tag}", why)

    def _remark_unchecked(self, what: str) -> None:
        if what not in self._remarked:
            self._remarked.add(what)
            place = self._location.url
            self._remark(f"{place}: {what}: saved by an earlier version without digests; not checked")


def _drop_abandoned(repository: icechunk.Repository, older_than: datetime) -> None:
    limit, root = min(older_than, datetime.now(UTC) - ABANDONED), root_snapshot(repository)
    for branch in repository.list_branches():
        head = repository.lookup_branch(branch)
        if not branch.startswith((RUN_BRANCH, END_BRANCH)) or head == root:  # no commit yet: it may have just begun
            continue
        if repository.lookup_snapshot(head).written_at < limit:
            repository.delete_branch(branch)
