"""The pieces of a step as accounts see them."""

import jax.numpy as jnp
from jax import Array

from stresslab.accounts.point import rows
from stresslab.accounts.scene import Scene, now
from stresslab.accounts.state import Books
from stresslab.accounts.trigger import Piece
from stresslab.scan import Reach


def of_reach(scene: Scene, books: Books, reach: Reach) -> Piece:
    """A diffusion, from where the books stand."""
    low, high, end = (rows(jnp.exp(level)) for level in (reach.low, reach.high, reach.end))
    deviations = rows(jnp.sqrt(jnp.broadcast_to(reach.variance, reach.end.shape)))
    point = now(books)
    return Piece(
        point.prices, low, high, end, deviations, reach.exponential, scene.correlation, point.variance, point.step
    )


def after_jump(scene: Scene, books: Books, price: Array) -> Piece:
    """The price, (asset, path), after a jump, as a piece that stands still there."""
    end, still = rows(price), rows(jnp.zeros_like(price))
    return Piece(end, end, end, end, still, jnp.zeros_like(price), scene.correlation, books.variance, books.step)
