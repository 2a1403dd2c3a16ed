"""The pieces of several assets as pieces of all of them, shape (asset, path)."""

from functools import lru_cache

import jax
import jax.numpy as jnp
from jax import Array, lax

from stresslab.models.base import Diffusion, Jump, Parameters, Piece


def merged(kinds: list[tuple[type[Piece], ...]]) -> list[type[Piece]]:
    """One order of pieces that holds each asset's: diffusions as soon as any asset has one next, then jumps."""
    at, found = [0] * len(kinds), []
    while any(place < len(one) for place, one in zip(at, kinds, strict=True)):
        following = [one[place] if place < len(one) else None for place, one in zip(at, kinds, strict=True)]
        kind: type[Piece] = Diffusion if Diffusion in following else Jump
        at = [place + (there is kind) for place, there in zip(at, following, strict=True)]
        found.append(kind)
    return found


def together(pieces: list[tuple[Piece, ...]]) -> tuple[Piece, ...]:
    """The assets' pieces stacked to (asset, path); an asset that has none of a kind next does not move."""
    shape = jnp.broadcast_shapes((1, 1), *(jnp.shape(leaf) for leaf in jax.tree.leaves(pieces)))
    waiting, still = [list(one) for one in pieces], jnp.zeros(shape, jnp.float32)
    found: list[Piece] = []
    for kind in merged([tuple(map(type, one)) for one in pieces]):
        now = [one.pop(0) if one and isinstance(one[0], kind) else None for one in waiting]
        fields = [tuple(jnp.broadcast_to(leaf, shape) for leaf in one) if one else None for one in now]
        n_fields = len(kind._fields)
        rows = [[still if one is None else one[field] for one in fields] for field in range(n_fields)]
        found.append(kind(*(stacked(row) for row in rows)))
    return tuple(found)


def stacked(rows: list[Array]) -> Array:
    """The rows one below the other, by selection: XLA's CPU code of a concatenation is not vectorised."""
    number = lax.broadcasted_iota(jnp.int32, (len(rows), rows[0].shape[-1]), 0)
    found = jnp.broadcast_to(rows[0], number.shape)
    for row in range(1, len(rows)):
        found = jnp.where(number == row, jnp.broadcast_to(rows[row], number.shape), found)
    return found


@lru_cache(maxsize=256)
def kinds(model: Parameters, dt: float) -> tuple[type[Piece], ...]:
    """The kinds of a model's pieces in time order, found by tracing one step."""
    words = (jax.ShapeDtypeStruct((1, 8), jnp.uint32),) * model.layout(dt).n_words
    _, pieces = jax.eval_shape(model.dynamics.step, model.coefficients(dt), model.init(8), words)
    return tuple(map(type, pieces))
