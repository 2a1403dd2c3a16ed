"""Stores to damage, ways to damage a file, and all that can be read of a store."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from store.sample import make_dataset, make_provenance

from stresslab.store import open_store

KINDS = ("chunks", "manifests", "snapshots", "refs", "transactions")  # the folders of an Icechunk repository


class Fault(NamedTuple):
    file: str  # below the store
    what: str  # bit, cut or gone
    at: int  # the bit that is flipped, or after which the file is cut


def make_finished(folder: Path) -> None:
    """Two runs; some arrays are large enough for chunks of their own, others lie in manifests."""
    store = open_store(folder)
    dataset = make_dataset()[["probability", "hits", "status", "converged"]].drop_vars("event")
    dataset["large"] = ("x", np.random.default_rng(1).random(300))
    for name in ("first", "second"):
        with store.begin(name) as run:
            run.finish(dataset.assign_attrs(study_name=name), make_provenance(seconds=float(len(name))))


def read_finished(folder: Path) -> list[str]:
    """The history, and each run with its provenance, to the bit; the newest without its tag too."""
    store = open_store(folder, create=False)
    records = store.runs()
    found = [repr(records)]
    for tag in [None, *(record.tag for record in records)]:
        dataset = store.read(tag)
        found += [repr(store.provenance(tag)), repr(sorted(dataset.attrs.items()))]
        for name, variable in sorted(dataset.variables.items()):
            found.append(f"{name} {variable.dims} {variable.dtype} {variable.attrs} {variable.values.tobytes()!r}")
    return found


def make_unfinished(folder: Path) -> None:
    rng = np.random.default_rng(2)
    with open_store(folder).begin("key") as run:
        run.commit({"0/0-8": {"x": np.arange(300.0)}, "0/8-16": {"x": np.arange(5.0), "n": np.array(2)}})
        run.commit({"1/0-8": {"x": np.arange(4)}})
        run.commit({"1/8-16": {"x": rng.random(200)}})


def read_unfinished(folder: Path) -> list[str]:
    with open_store(folder).begin("key") as run:
        return [
            f"{key} {name} {value.dtype} {value.shape} {value.tobytes()!r}"
            for key in sorted(run.done())
            for name, value in run.read(key).items()
        ]


STORES: dict[str, tuple[Callable[[Path], None], Callable[[Path], list[str]]]] = {
    "finished": (make_finished, read_finished),
    "unfinished": (make_unfinished, read_unfinished),
}


def faults(folder: Path, n: int, seed: int) -> list[Fault]:
    """`n` faults, the same number in the files of each kind; every file is cut or lost in one of ten."""
    rng = random.Random(seed)
    files = {kind: sorted(file for file in (folder / kind).rglob("*") if file.is_file()) for kind in KINDS}
    found = []
    for number in range(n):
        file = rng.choice(files[KINDS[number % len(KINDS)]])
        what = rng.choices(["bit", "cut", "gone"], [8, 1, 1])[0]
        found.append(Fault(str(file.relative_to(folder)), what, rng.randrange(8 * file.stat().st_size)))
    return found


def copy_with(store: Path, target: Path, fault: Fault) -> Path:
    """A copy of the store with this fault."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(store, target)
    file = target / fault.file
    if fault.what == "gone":
        file.unlink()
        return target
    content = bytearray(file.read_bytes())
    if fault.what == "cut":
        content = content[: fault.at // 8]
    else:
        content[fault.at // 8] ^= 1 << fault.at % 8
    file.write_bytes(content)
    return target
