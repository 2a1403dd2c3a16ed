"""The engine's loop written naively: one step after the other, each piece where it lies, nothing carried ahead."""

from typing import NamedTuple

import jax
import numpy as np
from jax import Array

from stresslab import random
from stresslab.models.base import Diffusion, Parameters
from stresslab.numerics import bridge_extremes


class Walked(NamedTuple):
    """Log price and variance after each step, shape (step + 1, path); lowest and highest log price on the way."""

    log_price: np.ndarray
    variance: np.ndarray
    low: np.ndarray
    high: np.ndarray


def walk(model: Parameters, dt: float, n_steps: int, n_paths: int, seed: int) -> Walked:
    """Words straight from the cipher, for each step anew; prices added up in float64."""
    layout, coefficients = model.layout(dt), model.coefficients(dt)
    path, advance = np.arange(n_paths, dtype=np.uint32)[None], jax.jit(model.dynamics.step)
    draw, bridge = jax.jit(random.words, static_argnums=3), jax.jit(_bridge)
    state, here = model.init(n_paths), np.zeros((1, n_paths))
    low, high, prices, variances = here, here, [here], [state.variance]
    state = model.dynamics.draw(coefficients, state, random.key(seed), path)
    for step in range(n_steps):
        words = draw(random.key(seed), path, np.uint32(step), layout.n_words + layout.n_bridges)
        state, pieces = advance(coefficients, state, words[: layout.n_words])
        bridges = iter(words[layout.n_words :])
        for piece in pieces:
            end = here + np.asarray(piece.move, float)
            if isinstance(piece, Diffusion):
                reach = bridge(here.astype(np.float32), end.astype(np.float32), piece.variance, next(bridges))
                low, high = np.minimum(low, reach[0]), np.maximum(high, reach[1])
            low, high, here = np.minimum(low, end), np.maximum(high, end), end
        prices.append(here)
        variances.append(np.broadcast_to(state.variance, here.shape))
    return Walked(np.concatenate(prices), np.concatenate(variances), low[0], high[0])


def _bridge(start: Array, end: Array, variance: Array, word: Array) -> tuple[Array, Array]:
    return bridge_extremes(start, end, variance, random.exponential(word))
