"""Lowest, highest and last log price of simulated paths: what every question of one forecast date is read from.

One program for all dates of a model: its parameters, state and stream are arguments. Each date has a stream of its own,
so that errors of dates are independent and average out in the scores; models on one date share it.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab import device, random, scan
from stresslab.backtest.baselines import Asked
from stresslab.backtest.outcomes import Excursions, liquidated, losses
from stresslab.models.base import Dynamics, Layout, Parameters, State
from stresslab.units import years


class Shape(NamedTuple):
    """What the compiled loop depends on beside its arguments."""

    dynamics: Dynamics
    layout: Layout
    antithetic: bool
    n_paths: int


class _Range(NamedTuple):
    """Keeps the running low and high."""

    def step(self, seen: tuple[Array, Array], track: scan.Track) -> tuple[Array, Array]:
        low, high = seen
        for piece in track.pieces:
            lowest, highest = (piece.end, piece.end) if isinstance(piece, scan.Gap) else (piece.low, piece.high)
            low, high = jnp.minimum(low, lowest), jnp.maximum(high, highest)
        return low, high


def simulated_moves(model: Parameters, seconds: int, n_steps: int, n_paths: int, key: random.Key) -> Excursions:
    """Moves of `n_paths` paths over `n_steps` steps of so many seconds; antithetic pairs are neighbours.

    A model without normals has nothing to mirror: its paths are independent, or the two of a pair would be the same.
    """
    model.check_step(seconds)
    model.check_horizon(seconds * n_steps)
    substeps = model.substeps(years(seconds))
    fine = years(seconds) / substeps
    scan_paths = min(device.scan_paths(), max(8, 1 << (n_paths - 1).bit_length()))
    layout = model.layout(fine)
    shape = Shape(model.dynamics, layout, layout.normals > 0, scan_paths)
    given = (key, model.coefficients(fine), model.init(1), np.int32(n_steps * substeps))
    found = scan.launch((run_paths,), shape, np.arange(0, n_paths, scan_paths), given)
    return Excursions(*(np.asarray(one)[:, 0].reshape(-1)[:n_paths] for one in found))


def run_paths(
    shape: Shape, first: Array, key: random.Key, coefficients: Any, state: State, n_steps: Array
) -> tuple[Array, Array, Array]:
    """Low, high and end after `n_steps` steps, each of shape (asset, path)."""
    numbers = scan.path_numbers(first, shape.n_paths)
    walk = scan.Walk(shape.dynamics, shape.layout, shape.antithetic, key, numbers, coefficients)
    start = scan.spread(shape.dynamics, state, shape.n_paths)
    nothing_yet = (start.log_price, start.log_price)
    place, (low, high) = scan.many_steps(walk, scan.begin(walk, start), _Range(), nothing_yet, n_steps)
    return low, high, place.state.log_price


def read_off(moves: Excursions, asked: Asked, place: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of the date at `place`: probability (side, leverage), its standard error, value at risk (side, confidence).

    The error is that of pairs of neighbours.
    """
    hit = liquidated(moves, asked.levels[:, :, place].astype(np.float32), asked.sides)
    pairs = (hit[..., 0::2].astype(float) + hit[..., 1::2]) / 2
    error = pairs.std(axis=-1, ddof=1) / np.sqrt(pairs.shape[-1])
    risk = np.quantile(losses(moves, asked.sides), asked.confidences, axis=1).T
    return pairs.mean(axis=-1), error, risk
