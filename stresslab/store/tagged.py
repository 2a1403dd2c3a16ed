"""The finished runs of a repository: each tag with its record, checked, and none missing.

Icechunk leaves a tag whose file it cannot read out of its list. The newest run is known from `main`, each older one
from the run after it, which names its snapshot; the dropped ones keep a file that says so (in a local folder).
"""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import icechunk

from stresslab.store.digest import is_intact
from stresslab.store.failures import damaged
from stresslab.store.repository import Location, root_snapshot

RECORD = "stresslab_run"  # the commit metadata of a finished run: its line in the history
SEALS = "stresslab_digests"  # and its digests; runs of earlier versions have none
LOOK_UPS = 16  # at a time: an object store answers each in tens of milliseconds


class TaggedRun(NamedTuple):
    """A finished run. `seals` is empty for runs of earlier versions."""

    written: datetime
    tag: str
    snapshot: str
    record: dict[str, Any]
    seals: dict[str, Any]


def look_up(location: Location, repository: icechunk.Repository, tag: str) -> TaggedRun | None:
    """The run behind a tag; None for a tag that is not of a run.

    Raises:
        RunError: the record is damaged.
    """
    snapshot = repository.lookup_snapshot(repository.lookup_tag(tag))
    record, seals = snapshot.metadata.get(RECORD), snapshot.metadata.get(SEALS)
    if record is None and seals is None:
        return None
    if record is None or (seals is not None and not is_intact(record, seals)):
        raise damaged(location.url, f"run {tag}", "its record is not the one that was saved")
    written = datetime.fromisoformat(seals["written"]) if seals else snapshot.written_at
    return TaggedRun(written, tag, snapshot.id, record, seals or {})


def all_runs(location: Location, repository: icechunk.Repository) -> list[TaggedRun]:
    """All finished runs, oldest first.

    Raises:
        RunError: a run is missing, or a record is damaged.
    """
    head = repository.lookup_branch("main")  # first: a run that is finished meanwhile is tagged before `main` moves
    tags = sorted(repository.list_tags())
    with ThreadPoolExecutor(LOOK_UPS) as pool:
        found = list(pool.map(lambda tag: look_up(location, repository, tag), tags))
    runs = sorted(run for run in found if run is not None)
    _require_all(location, repository, head, tags, runs)
    return runs


def _require_all(
    location: Location, repository: icechunk.Repository, head: str, tags: list[str], runs: list[TaggedRun]
) -> None:
    known = {run.snapshot for run in runs} | {root_snapshot(repository)}
    named = {run.seals["after"]: run.tag for run in runs if run.seals} if location.folder else {}
    if location.folder is not None:
        unreadable, dropped = _files_of_tags(location.folder, set(tags))
        if unreadable:
            raise damaged(location.url, f"run {unreadable[0]}", "the file of its tag cannot be read")
        known |= dropped
    if head not in known:
        raise damaged(location.url, "the newest run", "its tag is missing")
    for snapshot, later in named.items():
        if snapshot not in known:
            raise damaged(location.url, f"the run before {later}", "its tag is missing")


def _files_of_tags(folder: Path, listed: set[str]) -> tuple[list[str], set[str]]:
    """The tags that have a file and are not listed, and the snapshots of those that were dropped on purpose."""
    unreadable, dropped = [], set()
    for place in sorted(folder.glob("refs/tag.*/ref.json")):
        tag = place.parent.name.removeprefix("tag.")
        if place.with_name("ref.json.deleted").exists():
            dropped.add(str(json.loads(place.read_bytes())["snapshot"]))
        elif tag not in listed:
            unreadable.append(tag)
    return unreadable, dropped
