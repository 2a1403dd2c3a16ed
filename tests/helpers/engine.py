"""The engine's answer path by path: what a block gives before it is summed up."""

from typing import NamedTuple

import jax
import numpy as np

from stresslab import scan
from stresslab.evaluate import STAGES
from stresslab.grid.plan import Ladder


class Paths(NamedTuple):
    """Of all books of a ladder, in its order. Codes are survival bin * 3 + cause, -1 for never; money per notional at spot."""

    liquidation: np.ndarray  # (book, path)
    bankruptcy: np.ndarray
    loss: np.ndarray  # (level, book, path)
    pnl: np.ndarray  # (horizon, book, path)
    fees: np.ndarray
    funding: np.ndarray
    shortfall: np.ndarray


def per_path(ladder: Ladder, n_paths: int, scan_paths: int = 512) -> Paths:
    """The first `n_paths` paths of a ladder, a whole number of scans."""
    shape, firsts = ladder.shape._replace(n_paths=scan_paths), np.arange(0, n_paths, scan_paths)
    found = jax.tree.map(_paths_last, scan.launch(STAGES, shape, firsts, tuple(ladder.arguments)))
    sides = [
        Paths(out.liquidation, money.bankruptcy, money.loss, money.pnl, money.fees, money.funding, money.shortfall)
        for out, money in zip(found.outcome, found.settlement, strict=True)
    ]
    return Paths(*(np.concatenate(parts, axis=-2) for parts in zip(*sides, strict=True)))


def _paths_last(scans) -> np.ndarray:
    array = np.moveaxis(np.asarray(scans), 0, -2)
    return array.reshape(*array.shape[:-2], -1)
