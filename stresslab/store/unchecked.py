"""Consistency checks for runs of earlier versions, which have no digest."""

import json

import icechunk
import xarray as xr

ROUNDING = 1e-9


def noticed(repository: icechunk.Repository, session: icechunk.Session, group: str, dataset: xr.Dataset) -> str | None:
    """A sentence about damage to a dataset that was read from `group`, or None."""
    return _missing_chunk(repository, session, group, dataset) or _contradiction(dataset)


def _contradiction(dataset: xr.Dataset) -> str | None:
    """A contradiction among the numbers, or None: a probability must be hits over paths."""
    if not {"probability", "hits", "n_paths"} <= set(dataset.variables):
        return None
    paths = dataset["n_paths"].where(dataset["n_paths"] > 0)
    if bool((abs(dataset["hits"] / paths - dataset["probability"]) > ROUNDING).any()):  # false for a cell not run: NaN
        return "its probabilities differ from hits over paths"
    return None


def _missing_chunk(
    repository: icechunk.Repository, session: icechunk.Session, group: str, dataset: xr.Dataset
) -> str | None:
    """Whether fewer arrays have their chunk than the snapshot counts; Zarr would read the fill value instead."""
    counted = sum(
        m["num_chunk_refs"] for m in json.loads(repository.inspect_snapshot(session.snapshot_id))["manifests"]
    )
    found = sum(
        session.chunk_type(f"/{group}/{name}", [0] * variable.ndim) != icechunk.ChunkType.UNINITIALIZED
        for name, variable in dataset.variables.items()
    )
    return None if found >= counted else f"{counted - found} of its arrays cannot be found"
