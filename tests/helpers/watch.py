"""Paths as an observer of the engine's own loop sees them: bridged extremes, extremes of the pieces' ends, and the end.

`first_passage` gives touch probabilities only. The joint law of extreme and last price (barrier options, exits from a
corridor), and what is seen where the bridge is left out, need this observer. The loop, the words and the models are
those of a run.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from stresslab import random, scan
from stresslab.models.base import Dynamics, Layout, Parameters, State
from stresslab.units import parse_duration, years


class Watched(NamedTuple):
    """Log prices relative to spot, float32 of shape (horizon, path)."""

    low: np.ndarray  # lowest so far, between the ends of pieces too
    high: np.ndarray
    end_low: np.ndarray  # lowest end of a piece so far: what is seen without a bridge
    end_high: np.ndarray
    end: np.ndarray  # at the horizon
    variance: np.ndarray


class _Shape(NamedTuple):
    dynamics: Dynamics
    layout: Layout
    antithetic: bool
    n_paths: int


class _All(NamedTuple):
    def step(self, seen: tuple[Array, ...], track: Any) -> tuple[Array, ...]:
        low, high, end_low, end_high = seen
        for piece in track.pieces:
            is_gap = isinstance(piece, scan.Gap)
            low = jnp.minimum(low, piece.end if is_gap else piece.low)
            high = jnp.maximum(high, piece.end if is_gap else piece.high)
            end_low, end_high = jnp.minimum(end_low, piece.end), jnp.maximum(end_high, piece.end)
        return low, high, end_low, end_high


def watch(
    model: Parameters,
    *,
    horizons: list[str],
    step: str,
    n_paths: int,
    seed: int,
    antithetic: bool = False,
    stream: int = 0,
) -> Watched:
    """What is seen of `n_paths` paths by each horizon; the arguments are those of `first_passage`."""
    seconds = parse_duration(step)
    dt = years(seconds)
    substeps = model.substeps(dt)
    scan_paths = min(8192, n_paths)
    shape = _Shape(model.dynamics, model.layout(dt / substeps), antithetic, scan_paths)
    ends = np.array([parse_duration(horizon) // seconds for horizon in horizons])
    segments = np.diff(ends * substeps, prepend=0).astype(np.int32)
    given = (random.key(seed, stream), model.coefficients(dt / substeps), model.init(1), segments)
    found = scan.launch((_scan,), shape, np.arange(0, n_paths, scan_paths), given)
    return Watched(*(np.moveaxis(np.asarray(a), 0, 1).reshape(len(ends), -1)[:, :n_paths] for a in found))


def _scan(shape: _Shape, first: Array, key: random.Key, coefficients: Any, state: State, segments: Array) -> Watched:
    walk = scan.Walk(
        shape.dynamics, shape.layout, shape.antithetic, key, scan.path_numbers(first, shape.n_paths), coefficients
    )
    start = scan.spread(shape.dynamics, state, shape.n_paths)

    def segment(carry: Any, n_steps: Array) -> Any:
        place, seen = scan.many_steps(walk, carry[0], _All(), carry[1], n_steps)
        log_price, variance, _ = place.state
        here = (*seen, log_price, jnp.broadcast_to(variance, log_price.shape))
        return (place, seen), tuple(field[0] for field in here)

    _, found = lax.scan(segment, (scan.begin(walk, start), (start.log_price,) * 4), segments)
    return Watched(*found)
