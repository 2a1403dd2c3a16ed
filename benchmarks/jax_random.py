"""The same simulation as a good JAX user would write it: `jax.random` inside `lax.scan`, compiled as a whole.

Geometric Brownian motion with the bridge's minimum in every step. Nothing of the step is kept but the running
minimum, parameters are arguments, each step's keys are folded from its number. `one_device` leaves the two cores to
XLA; `all_devices` also spreads blocks over JAX's devices and asks for wide vectors, which is more than most users
would do.
"""

from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import Mesh, PartitionSpec

from stresslab import device


def _block(key: Any, n_paths: int, segments: tuple[int, ...], drift: Any, deviation: Any, variance: Any) -> Any:
    """Running minimum of the log price at the end of each segment, shape (segment, path)."""
    tiny = np.finfo(np.float32).tiny

    def step(carry: Any, number: Any) -> Any:
        price, low = carry
        for_normal, for_bridge = jax.random.split(jax.random.fold_in(key, number))
        move = drift + deviation * jax.random.normal(for_normal, (n_paths,))
        exponential = -jnp.log(jax.random.uniform(for_bridge, (n_paths,), minval=tiny))
        reach = jnp.sqrt(move * move + 2 * variance * exponential)
        return (price + move, jnp.minimum(low, price + 0.5 * (move - reach))), None

    carry, lows, start = (jnp.zeros(n_paths), jnp.zeros(n_paths)), [], 0
    for length in segments:
        carry, _ = lax.scan(step, carry, jnp.arange(start, start + length))
        lows.append(carry[1])
        start += length
    return jnp.stack(lows)


def _hits(keys: Any, levels: Any, n_paths: int, segments: tuple[int, ...], *coefficients: Any) -> Any:
    """Paths that passed each level by the end of each segment, shape (level, segment), over all blocks."""

    def count(key: Any) -> Any:
        low = _block(key, n_paths, segments, *coefficients)
        return (low[None] <= levels[:, None, None]).sum(axis=-1)

    return lax.map(count, keys).sum(axis=0)


@partial(jax.jit, static_argnames=("n_paths", "segments"))
def one_device(keys: Any, levels: Any, *coefficients: Any, n_paths: int, segments: tuple[int, ...]) -> Any:
    """Blocks one after another on the first device."""
    return _hits(keys, levels, n_paths, segments, *coefficients)


def all_devices(keys: Any, levels: Any, *coefficients: Any, n_paths: int, segments: tuple[int, ...]) -> Any:
    """Blocks shared out to all devices, with the compiler options that stresslab uses."""
    return _spread(n_paths, segments, len(coefficients))(keys, levels, *coefficients).sum(axis=0)


@cache
def _spread(n_paths: int, segments: tuple[int, ...], n_coefficients: int) -> Any:
    mesh = Mesh(np.array(jax.devices()), ("block",))

    def on_one(keys: Any, levels: Any, *coefficients: Any) -> Any:
        return _hits(keys, levels, n_paths, segments, *coefficients)[None]

    specs = (PartitionSpec("block"), *[PartitionSpec()] * (1 + n_coefficients))
    mapped = jax.shard_map(on_one, mesh=mesh, in_specs=specs, out_specs=PartitionSpec("block"), check_vma=False)
    return jax.jit(mapped, compiler_options=device.compiler_options())
