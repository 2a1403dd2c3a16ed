"""Whole paths, for those who want to look at them: the same loop as a run, with every step kept."""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax import Array, lax

from stresslab import random, scan
from stresslab.errors import require
from stresslab.models.base import Dynamics, Layout, Parameters, State
from stresslab.models.scheme_clock import check_steps
from stresslab.units import parse_duration, years

_SCAN_PATHS = 1024


class _Shape(NamedTuple):
    dynamics: Dynamics
    layout: Layout
    n_steps: int
    substeps: int
    antithetic: bool
    n_paths: int


class _Nobody(NamedTuple):
    def step(self, seen: Any, track: scan.Track) -> Any:
        return seen


def simulate(
    model: Parameters,
    *,
    n_paths: int,
    horizon: str,
    step: str,
    seed: int,
    spot: float = 1.0,
    antithetic: bool = False,
    stream: int = 0,
) -> xr.Dataset:
    """Simulate paths of `model`.

    Returns `price` (quote currency) and `variance` (1/year), each float32 of shape (path, time), of a joint model
    (asset, path, time); `time` is in years from 0 to the horizon. `spot` is that of every asset. The paths are those of
    `first_passage` and of a run with the same seed, stream and step, to float32 rounding. Memory is 8 bytes per path
    and step.
    """
    seconds, span = parse_duration(step), parse_duration(horizon)
    require(n_paths >= 1, "at least one path is needed", key="n_paths", got=n_paths)
    require(span % seconds == 0, f"the step must divide the horizon {horizon}", key="step", got=step)
    model = model.at_spot(spot)
    model.check_step(seconds)
    model.check_horizon(span)
    check_steps(model, seconds, span)
    dt, n_steps = years(seconds), span // seconds
    scan_paths = min(_SCAN_PATHS, max(8, 1 << (n_paths - 1).bit_length()))
    substeps = model.substeps(dt)
    fine = dt / substeps
    shape = _Shape(model.dynamics, model.layout(fine), n_steps, substeps, antithetic, scan_paths)
    firsts = np.arange(0, n_paths, scan_paths)
    log_price, variance = scan.launch(
        (_keep_all,), shape, firsts, (random.key(seed, stream), model.coefficients(fine), model.init(1))
    )
    assets = model.asset_names
    dims = ("asset", "path", "time") if assets else ("path", "time")
    price, variance = (_paths_first(kept, n_paths) for kept in (log_price, variance))
    price = (spot * np.exp(price)).astype(np.float32)
    price, variance = (kept if assets else kept[0] for kept in (price, variance))
    return xr.Dataset(
        {
            "price": (dims, price, {"units": "quote currency", "long_name": "price"}),
            "variance": (dims, variance, {"units": "1/year", "long_name": "variance"}),
        },
        coords={
            **({"asset": list(assets)} if assets else {}),
            "path": np.arange(n_paths),
            "time": ("time", np.arange(n_steps + 1) * dt, {"units": "years", "long_name": "time from as_of"}),
        },
    )


def _keep_all(shape: _Shape, first: Array, key: random.Key, coefficients: Any, state: State) -> tuple[Array, Array]:
    """Log price and variance at every step, shape (step + 1, asset, path)."""
    walk = scan.Walk(
        shape.dynamics, shape.layout, shape.antithetic, key, scan.path_numbers(first, shape.n_paths), coefficients
    )
    start = scan.spread(shape.dynamics, state, shape.n_paths)

    def keep(place: scan.Place, _: None) -> tuple[scan.Place, tuple[Array, Array]]:
        place, _ = scan.many_steps(walk, place, _Nobody(), (), jnp.full((), shape.substeps, jnp.int32))
        return place, _seen(place.state)

    _, after = lax.scan(keep, scan.begin(walk, start), None, length=shape.n_steps)
    log_price, variance = (jnp.concatenate([one[None], many]) for one, many in zip(_seen(start), after, strict=True))
    return log_price, variance


def _seen(state: State) -> tuple[Array, Array]:
    return state.log_price, jnp.broadcast_to(state.variance, state.log_price.shape)


def _paths_first(scans: Array, n_paths: int) -> np.ndarray:
    """(scan, time, asset, path) as (asset, path, time), without the paths that only filled up the last scan."""
    array = np.asarray(scans)
    n_times, n_assets = array.shape[1:3]
    return np.moveaxis(array, (2, 0, 3), (0, 1, 2)).reshape(n_assets, -1, n_times)[:, :n_paths]
