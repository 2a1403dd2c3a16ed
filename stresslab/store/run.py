"""One open run: partial results on a branch of their own, then one finished, tagged snapshot.

The branch `run-...` collects partial results and survives a crash. `finish` writes the dataset on a second branch that
starts from the empty store, so that no partial result is in the history of a finished run; then a tag is set and `main`
moved, each in one atomic step. A reader of tags or of `main` never sees half a run.
"""

import hashlib
import itertools
import os
import re
from datetime import UTC, datetime
from typing import Any, Self

import icechunk
import numpy as np
import xarray as xr
import zarr
from zarr.core.sync import sync

from stresslab.errors import RunError
from stresslab.store.digest import of_bytes, of_json, sealed
from stresslab.store.encode import (
    COMPRESSOR,
    Arrays,
    array_of,
    json_values,
    outline_digest,
    pack,
    unpack,
    values_digest,
    write_dataset,
)
from stresslab.store.failures import FRESH, damaged, reading, store_errors
from stresslab.store.lock import WriterLock
from stresslab.store.repository import Location, root_snapshot
from stresslab.store.tagged import RECORD, SEALS

PARTIALS, DATASET, PROVENANCE = "partials", "dataset", "provenance"
CHECKED = "has_digests"  # an attribute of the root: the metadata of the commit hold digests
DIGEST = "sha256"  # the attribute of an array of partial results
COUNT = "stresslab_partials"  # the commit metadata of partial results: the number of their arrays
RUN_BRANCH, END_BRANCH = "run-", "end-"
FROM_ATTRIBUTES = {"study": "study_name", "study_hash": "study_hash", "seed": "seed", "as_of": "as_of"}
FROM_PROVENANCE = ("started", "seconds", "finished", "device")


class OpenRun:
    """A run that is being written. Close it (or use `with`): that releases the store for other writers."""

    def __init__(self, location: Location, repository: icechunk.Repository, run_key: str, lock: WriterLock) -> None:
        digest = hashlib.sha256(run_key.encode()).hexdigest()[:32]  # a key may hold what a branch name may not
        self._location, self._repository, self._lock = location, repository, lock
        self._branch, self._end = RUN_BRANCH + digest, END_BRANCH + digest
        self._where: dict[str, tuple[str, int]] = {}  # key -> the commit's array and the number of the part in it
        self._commits = 0
        self._partials: zarr.Group | None = None  # as of the last commit; opened when needed
        self._packed: dict[str, np.ndarray] = {}  # what was read: one read serves all the parts of a commit
        self._is_open = True
        self.unchecked = False  # whether partial results of an earlier version, without a digest, are resumed

    def resume(self, fresh: bool) -> None:
        """Resume from the partial results under the same key, or delete them (`fresh`) and start over.

        Where the branch itself is lost, everything is computed again.

        Raises:
            RunError: the partial results are damaged.
        """
        with reading(self._location.url, "open the store"):
            branches, root = self._repository.list_branches(), root_snapshot(self._repository)
        with store_errors(self._location.url, "open the run"):
            stale = {self._end} | ({self._branch} if fresh else set())
            for branch in branches & stale:
                self._drop(branch)
            if self._branch not in branches - stale:
                self._repository.create_branch(self._branch, root)
                return
        with reading(self._location.url, "read the partial results of this unfinished run", FRESH):
            head = self._repository.lookup_branch(self._branch)
            if head == root:  # nothing was committed
                return
            found = _names(self._repository.readonly_session(self._branch).store)
            counted = self._repository.lookup_snapshot(head).metadata.get(COUNT)
            if counted is not None and counted != len(found):
                raise self._damaged(f"{len(found)} of {counted} commits can be found")
            for name in found:
                attrs = self._open_partials()[name].attrs
                self._remember(name, list(attrs["keys"]))  # type: ignore[arg-type]
                self.unchecked |= DIGEST not in attrs

    def _drop(self, branch: str) -> None:
        """Delete a branch, even one whose file is damaged."""
        try:
            self._repository.delete_branch(branch)
        except icechunk.IcechunkError:
            if self._location.folder is None:
                raise
            (self._location.folder / "refs" / f"branch.{branch}" / "ref.json").unlink(missing_ok=True)

    def _open_partials(self) -> zarr.Group:
        if self._partials is None:
            store = self._repository.readonly_session(self._branch).store
            self._partials = zarr.open_group(store, path=PARTIALS, mode="r")
        return self._partials

    def _damaged(self, why: str) -> RunError:
        return damaged(self._location.url, "the partial results of this unfinished run", why, FRESH)

    def _remember(self, name: str, keys: list[str]) -> None:
        self._where.update({key: (name, number) for number, key in enumerate(keys)})
        self._commits += 1

    def done(self) -> set[str]:
        """The keys of the partial results that are committed."""
        return set(self._where)

    def read(self, key: str) -> Arrays:
        """One partial result, bit for bit.

        Raises:
            RunError: the partial result is damaged.
        """
        self._require_open()
        name, number = self._where[key]
        with reading(self._location.url, "read the partial results of this unfinished run", FRESH):
            if name not in self._packed:
                self._packed[name] = self._read_packed(name)
            return unpack(self._packed[name], number)

    def _read_packed(self, name: str) -> np.ndarray:
        array = array_of(self._open_partials(), name)
        packed = np.asarray(array[...])
        wanted = array.attrs.get(DIGEST)
        if wanted is not None and wanted != _digest(name, array.attrs["keys"], packed):
            raise self._damaged("they are not those that were saved")
        return packed

    def commit(self, parts: dict[str, Arrays]) -> None:
        """Make several partial results durable, all or none. A key that is there already is replaced."""
        self._require_open()
        if not parts:
            return
        # Names sort by age; the random part keeps writers apart that no lock keeps apart (object stores have none).
        name, packed, keys = f"{self._commits:06d}-{os.urandom(4).hex()}", pack(parts), list(parts)
        with store_errors(self._location.url, "commit partial results"):
            session = self._repository.writable_session(self._branch)
            before = self._count(session)
            # One array per commit, not one per result: what a snapshot costs grows with the number of its arrays.
            zarr.create_array(
                session.store,
                name=f"{PARTIALS}/{name}",
                data=packed,
                chunks=packed.shape,
                compressors=COMPRESSOR,
                attributes={"keys": keys, DIGEST: _digest(name, keys, packed)},
            )
            session.commit(f"{len(parts)} partial results", metadata={COUNT: before + 1})
        self._partials = None
        self._remember(name, keys)

    def _count(self, session: icechunk.Session) -> int:
        """Number of arrays of partial results, from the last commit or counted."""
        metadata = self._repository.lookup_snapshot(session.snapshot_id).metadata
        if COUNT in metadata:
            return int(metadata[COUNT])
        return len(_names(session.store))

    def finish(self, dataset: xr.Dataset, provenance: dict[str, Any]) -> str:
        """Publish the run: write, tag, move `main`, drop the partial results, release the store; the tag."""
        self._require_open()
        record = _record(dataset, provenance)
        repository = self._repository
        with store_errors(self._location.url, "finish the run"):
            branches = repository.list_branches()
            if self._branch not in branches:
                raise RunError(f"{self._location.url}: another process has finished this run, or started it anew")
            if self._end in branches:  # an earlier try to finish
                self._drop(self._end)
            repository.create_branch(self._end, root_snapshot(repository))
            session = repository.writable_session(self._end)
            root = zarr.open_group(session.store, mode="r+")
            root.attrs["layout"] = write_dataset(root.create_group(DATASET), dataset)
            root.attrs[CHECKED] = True
            root.create_group(PROVENANCE, attributes=json_values(provenance))
            seals = sealed(
                record,
                outline=outline_digest(dataset),
                values=values_digest(dataset),
                provenance=of_json(json_values(provenance)),
                written=datetime.now(UTC).isoformat(),
                after=repository.lookup_branch("main"),
            )
            snapshot = session.commit(f"Run of {record['study']}", metadata={RECORD: record, SEALS: seals})
            tag = _set_tag(repository, snapshot, record)
            repository.reset_branch("main", snapshot)
            self._drop(self._branch)
            self._drop(self._end)
        self.close()
        return tag

    def close(self) -> None:
        """Release the store. An unfinished run stays on its branch and can be resumed."""
        self._is_open = False
        self._packed.clear()
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _require_open(self) -> None:
        if not self._is_open:
            raise RunError(f"{self._location.url}: this run is closed")


def _names(store: icechunk.IcechunkStore) -> list[str]:
    """The names of the arrays of partial results. Zarr's own list opens all at once and prints errors."""

    async def listed() -> list[str]:
        return [name async for name in store.list_dir(PARTIALS) if name != "zarr.json"]

    return sorted(sync(listed()))


def _digest(name: str, keys: Any, packed: np.ndarray) -> str:
    return of_bytes(name.encode(), of_json(keys).encode(), packed.tobytes())


def _record(dataset: xr.Dataset, provenance: dict[str, Any]) -> dict[str, Any]:
    """The run's line in the history: who it is from the attributes, how it went from the provenance."""
    missing = [name for name in FROM_ATTRIBUTES.values() if name not in dataset.attrs]
    missing += [name for name in FROM_PROVENANCE if name not in provenance]
    if missing:
        raise RunError(f"the run cannot be filed: its attributes or provenance lack {', '.join(missing)}")
    who = {name: dataset.attrs[attribute] for name, attribute in FROM_ATTRIBUTES.items()}
    return json_values(who | {name: provenance[name] for name in FROM_PROVENANCE})


def _set_tag(repository: icechunk.Repository, snapshot: str, record: dict[str, Any]) -> str:
    """The first free tag. Icechunk refuses a tag that was ever used, deleted ones included."""
    as_of = datetime.fromisoformat(record["as_of"]).astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    study, study_hash = (re.sub(r"[^A-Za-z0-9._-]+", "-", record[name]).strip("-.") for name in ("study", "study_hash"))
    name = "-".join(part for part in (as_of, study[:80], study_hash[:8]) if part)
    for number in itertools.count(1):
        tag = name if number == 1 else f"{name}-{number}"
        try:
            repository.create_tag(tag, snapshot)
        except icechunk.IcechunkError as error:
            if "tag already exists" not in str(error):
                raise
        else:
            return tag
    raise AssertionError("unreachable: the count never ends")
