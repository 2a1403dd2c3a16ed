"""The price noise of several assets made to depend on each other, whatever else their models draw.

    n' = n + a (W' - a'n)        W' = L (a'n of each asset),  L L' = R

n are the independent normals of a model's step, a of unit length says how they make its Brownian motion; n' are again
independent standard normals, whose a'n' = W'. Rows of a model, one for each diffusion piece, are orthogonal, and each
is correlated with the row of the same number of the other assets.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jax import Array
from jax.tree_util import register_static

from stresslab.models import copula
from stresslab.models import correlation as correlations
from stresslab.random import normal


@register_static
@dataclass(frozen=True)
class Places:
    """Of each asset and row the normals that have a loading: no numbers of the loop."""

    of_assets: tuple[tuple[tuple[int, ...], ...], ...]


class Noise(NamedTuple):
    """Of the loop. A factor belongs to a row and the assets that have so many rows."""

    places: Places
    loadings: tuple[np.ndarray, ...]  # of each asset, (row, normal)
    factors: tuple[np.ndarray, ...]  # of each row
    mixing: Any  # of the t copula, or nothing


def noise(loadings: list[np.ndarray], matrix: np.ndarray, nu: float | None) -> Noise:
    """From the loadings of each asset and the correlation of their price noise."""
    most = max(map(len, loadings))
    held = [[asset for asset, one in enumerate(loadings) if len(one) > row] for row in range(most)]
    places = tuple(tuple(tuple(map(int, np.flatnonzero(row))) for row in one) for one in loadings)
    return Noise(
        Places(places),
        tuple(one.astype(np.float32) for one in loadings),
        tuple(correlations.factor(matrix[np.ix_(some, some)]).astype(np.float32) for some in held),
        copula.mixing(nu) if nu is not None else (),
    )


def correlated(n: Noise, normals: list[list[Array]], mixing: tuple[Array, ...]) -> list[list[Array]]:
    """The normals of each asset with its price noise replaced; `mixing` holds a word for each row of a t copula."""
    for row, factor in enumerate(n.factors):
        held = [asset for asset, rows in enumerate(n.places.of_assets) if len(rows) > row]
        own = [_projection(normals[asset], n.loadings[asset][row], n.places.of_assets[asset][row]) for asset in held]
        noise = mixed(factor, own)
        if n.mixing:
            noise = [copula.student_to_normal(n.mixing, one, normal(mixing[row])) for one in noise]
        for asset, before, after in zip(held, own, noise, strict=True):
            places = n.places.of_assets[asset][row]
            for place in places:
                change = n.loadings[asset][row][place] * (after - before)
                normals[asset][place] = after if len(places) == 1 else normals[asset][place] + change
    return normals


def _projection(normals: list[Array], loading: Array, places: tuple[int, ...]) -> Array:
    if len(places) == 1:
        return normals[places[0]]
    parts = [loading[place] * normals[place] for place in places]
    return sum(parts[1:], parts[0])


def mixed(factor: Any, own: list[Array]) -> list[Array]:
    """L times independent normals, row by row; the first is what it was."""
    found = own[:1]
    for row in range(1, len(own)):
        parts = [factor[row, column] * own[column] for column in range(row + 1)]
        found.append(sum(parts[1:], parts[0]))
    return found
