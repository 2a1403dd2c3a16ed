"""First-passage probabilities: will the price touch a barrier within a horizon, watched continuously."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax import Array, lax

from stresslab import device, random, scan
from stresslab.errors import require
from stresslab.estimate import intervals
from stresslab.models.base import Dynamics, Layout, Parameters, State
from stresslab.units import parse_duration, years


class Shape(NamedTuple):
    """What the compiled loop depends on beside its arguments."""

    dynamics: Dynamics
    layout: Layout
    antithetic: bool
    below: bool
    above: bool
    n_paths: int


class _Extremes(NamedTuple):
    """The running extreme below and above spot, as far as a barrier lies there."""

    below: bool
    above: bool

    def step(self, seen: tuple[Array, ...], pieces: tuple[scan.Reach | scan.Gap, ...]) -> tuple[Array, ...]:
        kept = iter(seen)
        low, high = next(kept) if self.below else None, next(kept) if self.above else None
        for piece in pieces:
            lowest, highest = (piece.end, piece.end) if isinstance(piece, scan.Gap) else (piece.low, piece.high)
            low = None if low is None else jnp.minimum(low, lowest)
            high = None if high is None else jnp.maximum(high, highest)
        return tuple(one for one in (low, high) if one is not None)


def first_passage(
    model: Parameters,
    *,
    barriers: Sequence[float],
    horizons: Sequence[str],
    step: str,
    n_paths: int,
    seed: int,
    spot: float = 1.0,
    antithetic: bool = False,
    stream: int = 0,
) -> xr.Dataset:
    """Probability that the price touches each barrier within each horizon, with 95 % intervals.

    Barriers are fractions of `spot`, below 1 (touched from above) or above 1 (from below). All barriers and horizons
    come from one pass over the same paths. Returns `probability`, `lower`, `upper`, `standard_error`, `hits` of shape
    (barrier, horizon).
    """
    levels, ends, dt = _checked(barriers, horizons, step, n_paths, antithetic)
    model = model.at_spot(spot)
    model.check_step(parse_duration(step))
    scan_paths = min(device.scan_paths(), max(8, 1 << (n_paths - 1).bit_length()))
    substeps = model.substeps(dt)
    fine = dt / substeps
    below, above = bool((levels < 1).any()), bool((levels > 1).any())
    shape = Shape(model.dynamics, model.layout(fine), antithetic, below, above, scan_paths)
    firsts = np.arange(0, n_paths, scan_paths)
    segments = np.diff(ends * substeps, prepend=0).astype(np.int32)
    given = (random.key(seed, stream), model.coefficients(fine), model.init(1), segments)
    found_extremes = scan.launch((extremes,), shape, firsts, given)
    low, high = (None if found is None else _paths_last(found, n_paths)[0] for found in found_extremes)
    # a barrier above is one below for the price upside down
    extreme = [low if level < 1 else None if high is None else -high for level in levels]
    hit = [
        one <= np.float32(-abs(np.log(level))) for one, level in zip(extreme, levels, strict=True) if one is not None
    ]
    hits = np.array([row.sum(axis=1) for row in hit])
    if antithetic:
        both = np.array([(row[:, 0::2] & row[:, 1::2]).sum(axis=1) for row in hit])
        found = intervals.from_pairs(hits, both, n_paths // 2)
    else:
        found = intervals.from_independent(hits, n_paths)
    return _dataset(found, hits, levels, list(horizons))


def extremes(
    shape: Shape, first: Array, key: random.Key, coefficients: Any, state: State, segments: Array
) -> tuple[Array | None, Array | None]:
    """Running minimum and maximum of the log price at the end of each segment, shape (segment, asset, path), where
    asked for.
    """
    walk = scan.Walk(
        shape.dynamics, shape.layout, shape.antithetic, key, scan.path_numbers(first, shape.n_paths), coefficients
    )
    start = scan.spread(shape.dynamics, state, shape.n_paths)
    observer = _Extremes(shape.below, shape.above)

    def segment(carry: Any, n_steps: Array) -> Any:
        place, seen = scan.many_steps(walk, carry[0], observer, carry[1], n_steps)
        return (place, seen), seen

    nothing_yet = (start.log_price,) * (shape.below + shape.above)
    _, found = lax.scan(segment, (scan.begin(walk, start), nothing_yet), segments)
    return (found[0] if shape.below else None), (found[-1] if shape.above else None)


def _paths_last(scans: Array, n_paths: int) -> np.ndarray:
    """(scan, segment, asset, path) as (asset, segment, path), without the paths that only filled up the last scan."""
    array = np.moveaxis(np.asarray(scans), (2, 1), (0, 1))
    return array.reshape(*array.shape[:2], -1)[..., :n_paths]


def _checked(
    barriers: Sequence[float], horizons: Sequence[str], step: str, n_paths: int, antithetic: bool
) -> tuple[np.ndarray, np.ndarray, float]:
    levels, seconds = np.asarray(barriers, float), parse_duration(step)
    ends = np.array([parse_duration(horizon) for horizon in horizons])
    good = levels.ndim == 1 and levels.size > 0 and bool(np.all((levels > 0) & np.isfinite(levels) & (levels != 1)))
    require(good, "barriers are positive fractions of spot, below or above 1", key="barriers", got=list(barriers))
    rising = len(ends) > 0 and bool(np.all(np.diff(ends) > 0))
    require(rising, "horizons must be given, each longer than the one before", key="horizons", got=list(horizons))
    divides = bool(np.all(ends % seconds == 0))
    require(divides, "the step must divide every horizon", key="step", got=step)
    require(n_paths >= 1, "at least one path is needed", key="n_paths", got=n_paths)
    require(
        not antithetic or n_paths % 2 == 0,
        "antithetic paths come in pairs: give an even number",
        key="n_paths",
        got=n_paths,
    )
    return levels, ends // seconds, years(seconds)


def _dataset(found: intervals.Estimate, hits: np.ndarray, levels: np.ndarray, horizons: list[str]) -> xr.Dataset:
    dims = ("barrier", "horizon")
    names = {
        "probability": "first-passage probability",
        "lower": "lower end of the 95 % interval",
        "upper": "upper end of the 95 % interval",
        "standard_error": "standard error of the probability",
    }
    variables: dict[str, Any] = {
        name: (dims, getattr(found, name), {"units": "1", "long_name": text}) for name, text in names.items()
    }
    variables["hits"] = (dims, hits, {"units": "paths", "long_name": "paths that touched the barrier"})
    barrier = ("barrier", levels, {"units": "fraction of spot", "long_name": "barrier"})
    return xr.Dataset(variables, coords={"barrier": barrier, "horizon": horizons})
