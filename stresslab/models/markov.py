"""A Markov chain of few states in continuous time: what is asked of its rates, and draws from tables by state."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

_ROUNDING = 1e-4  # relative: a row of the generator sums to 0, probabilities sum to 1; files hold five digits


def pick(table: Any, state: Array) -> Any:
    """The entry of each path's state: selections, which vectorise where a gather does not; rows give a tuple."""
    if table.ndim == 2:
        return tuple(pick(table[:, column], state) for column in range(table.shape[1]))
    value = jnp.broadcast_to(table[0], state.shape)
    for number in range(1, table.shape[0]):
        value = jnp.where(state == np.int32(number), table[number], value)
    return value


def first_above(cumulative: Any, at: Array) -> Array:
    """The first entry of a cumulative law above `at`; the last one with any mass where rounding leaves none."""
    found = jnp.zeros(at.shape, jnp.int32)
    for number in range(1, len(cumulative)):
        rises = cumulative[number] > cumulative[number - 1]
        found = jnp.where((at >= cumulative[number - 1]) & rises, np.int32(number), found)
    return found


def check_generator(rates: np.ndarray) -> None:
    off = rates - np.diag(np.diag(rates))
    if (off < 0).any():
        row, column = np.argwhere(off < 0)[0]
        raise ValueError(f"generator: the rate from state {row} to {column} is {off[row, column]:g}, below 0")
    sums, size = rates.sum(axis=1), np.maximum(np.abs(rates).max(axis=1), 1e-12)
    wrong = np.flatnonzero(np.abs(sums) > _ROUNDING * size)
    if wrong.size:
        raise ValueError(f"generator: row {wrong[0]} sums to {sums[wrong[0]]:g}, not 0: the diagonal is minus the rest")


def check_start(start: int | tuple[float, ...], n: int) -> None:
    if isinstance(start, tuple):
        if len(start) != n or abs(sum(start) - 1) > _ROUNDING:
            raise ValueError(f"initial_state must be {n} probabilities that sum to 1, one for each of sigmas")
    elif not 0 <= start < n:
        raise ValueError(f"initial_state must be one of the states 0 .. {n - 1}")
