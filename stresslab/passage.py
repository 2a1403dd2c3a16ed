"""First-passage probabilities: will the price touch a barrier within a horizon, watched continuously."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax import Array, lax

from stresslab import device, random, scan
from stresslab.errors import require
from stresslab.estimate import intervals
from stresslab.models.base import Dynamics, Layout, Parameters, State
from stresslab.models.scheme_clock import check_steps
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

    def step(self, seen: tuple[Array, ...], track: scan.Track) -> tuple[Array, ...]:
        kept = iter(seen)
        low, high = next(kept) if self.below else None, next(kept) if self.above else None
        for piece in track.pieces:
            lowest, highest = (piece.end, piece.end) if isinstance(piece, scan.Gap) else (piece.low, piece.high)
            low = None if low is None else jnp.minimum(low, lowest)
            high = None if high is None else jnp.maximum(high, highest)
        return tuple(one for one in (low, high) if one is not None)


def first_passage(
    model: Parameters,
    *,
    barriers: Sequence[float | Mapping[str, float]],
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
    (barrier, horizon). Of a joint model a barrier is a fraction for every asset, or a mapping from assets to fractions
    (an asset that is left out has none); there is one more dimension in front, `asset`, which ends in `any` and `all`.
    """
    assets = model.asset_names
    levels, ends, dt = _checked(barriers, horizons, step, n_paths, antithetic, assets)
    model = model.at_spot(spot)
    model.check_step(parse_duration(step))
    model.check_horizon(parse_duration(horizons[-1]))
    check_steps(model, parse_duration(step), parse_duration(horizons[-1]))
    scan_paths = min(device.scan_paths(), max(8, 1 << (n_paths - 1).bit_length()))
    substeps = model.substeps(dt)
    fine = dt / substeps
    below, above = bool((levels < 1).any()), bool((levels > 1).any())
    shape = Shape(model.dynamics, model.layout(fine), antithetic, below, above, scan_paths)
    firsts = np.arange(0, n_paths, scan_paths)
    segments = np.diff(ends * substeps, prepend=0).astype(np.int32)
    given = (random.key(seed, stream), model.coefficients(fine), model.init(1), segments)
    low, high = (
        None if found is None else _paths_last(found, n_paths)
        for found in scan.launch((extremes,), shape, firsts, given)
    )
    rows = [_hit(low, high, level) for level in levels]
    counted = [_counted(row, antithetic) for row in rows]
    hits, both = (np.stack(parts, axis=1) for parts in zip(*counted, strict=True))
    hits, both = (part if assets else part[0] for part in (hits, both))
    found = intervals.from_pairs(hits, both, n_paths // 2) if antithetic else intervals.from_independent(hits, n_paths)
    return _dataset(found, hits, levels, list(barriers), list(horizons), assets)


def _hit(low: np.ndarray | None, high: np.ndarray | None, levels: np.ndarray) -> np.ndarray:
    """Whether one barrier was touched, (asset, segment, path); of several assets also whether any and all were."""
    rows = []
    for asset, level in enumerate(levels):
        if np.isfinite(level):
            # a barrier above is one below for the price upside down
            extreme = low[asset] if low is not None and level < 1 else -high[asset]  # type: ignore[index]
            rows.append(extreme <= np.float32(-abs(np.log(level))))
        else:
            rows.append(None)
    if len(levels) == 1:
        return np.stack(rows)
    touched = np.stack([row for row in rows if row is not None])
    never = np.zeros_like(touched[0])
    each = [never if row is None else row for row in rows]
    return np.stack([*each, touched.any(axis=0), touched.all(axis=0)])


def _counted(hit: np.ndarray, antithetic: bool) -> tuple[np.ndarray, np.ndarray]:
    """Paths that were hit, and antithetic pairs of which both were, (asset, segment)."""
    both = hit[..., 0::2] & hit[..., 1::2] if antithetic else hit
    return hit.sum(axis=-1), both.sum(axis=-1)


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
    barriers: Sequence[Any], horizons: Sequence[str], step: str, n_paths: int, antithetic: bool, assets: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray, float]:
    """Levels of each barrier and asset, (barrier, asset), NaN where there is none; ends of the horizons; the step."""
    levels, seconds = _levels(barriers, assets), parse_duration(step)
    ends = np.array([parse_duration(horizon) for horizon in horizons])
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


def _levels(barriers: Sequence[Any], assets: tuple[str, ...]) -> np.ndarray:
    rows = []
    for barrier in barriers:
        if isinstance(barrier, Mapping):
            unknown = [name for name in barrier if name not in assets]
            rule = f"names assets of a joint model, here {', '.join(assets)}" if assets else "needs a joint model"
            require(not unknown and len(barrier) > 0, f"a barrier for each asset {rule}", key="barriers", got=barrier)
            rows.append([barrier.get(name, np.nan) for name in assets])
        else:
            rows.append([barrier] * max(1, len(assets)))
    levels = np.asarray(rows, float)
    given = levels[~np.isnan(levels)] if assets else levels
    good = levels.ndim == 2 and given.size > 0 and bool(np.all((given > 0) & np.isfinite(given) & (given != 1)))
    require(good, "barriers are positive fractions of spot, below or above 1", key="barriers", got=list(barriers))
    return levels


def _dataset(
    found: intervals.Estimate,
    hits: np.ndarray,
    levels: np.ndarray,
    barriers: list[Any],
    horizons: list[str],
    assets: tuple[str, ...],
) -> xr.Dataset:
    dims = ("asset", "barrier", "horizon") if assets else ("barrier", "horizon")
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
    attributes = {"units": "fraction of spot", "long_name": "barrier"}
    if not assets:
        return xr.Dataset(variables, {"barrier": ("barrier", levels[:, 0], attributes), "horizon": horizons})
    named = any(isinstance(barrier, Mapping) for barrier in barriers)
    labels = [", ".join(f"{name} {level:g}" for name, level in _named(one, assets)) for one in barriers]
    each = np.concatenate([levels, np.full((len(levels), 2), np.nan)], axis=1).T
    coords = {
        "asset": [*assets, "any", "all"],
        "barrier": ("barrier", labels if named else levels[:, 0], attributes),
        "level": (("asset", "barrier"), each, attributes),
        "horizon": horizons,
    }
    return xr.Dataset(variables, coords)


def _named(barrier: Any, assets: tuple[str, ...]) -> list[tuple[str, float]]:
    return list(barrier.items()) if isinstance(barrier, Mapping) else [(name, barrier) for name in assets]
