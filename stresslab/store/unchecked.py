"""Runs of earlier versions, which have no digest: what can be noticed of damage all the same."""

import json

import icechunk
import xarray as xr

ROUNDING = 1e-9


def noticed(repository: icechunk.Repository, session: icechunk.Session, group: str, dataset: xr.Dataset) -> str | None:
    """What is seen to be wrong with a dataset that was read from `group`, or None."""
    return _missing_chunk(repository, session, group, dataset) or _contradiction(dataset)


def _contradiction(dataset: xr.Dataset) -> str | None:
    """What in the numbers contradicts itself: a probability is the share of the paths that were hit."""
    if not {"probability", "hits", "n_paths"} <= set(dataset.variables):
        return None
    paths = dataset["n_paths"].where(dataset["n_paths"] > 0)
    if bool((abs(dataset["hits"] / paths - dataset["probability"]) > ROUNDING).any()):  # false for a cell not run: NaN
        return "its probabilities are not its hits over its paths"
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
