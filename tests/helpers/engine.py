"""The engine's answer path by path: what a block gives before it is summed up."""

from typing import Any, NamedTuple

import jax
import numpy as np
from helpers.ledger import Money

from stresslab import evaluate, general, scan
from stresslab.grid.ladder import Ladder


class Paths(NamedTuple):
    """Of all books of a ladder, in its order. Codes are survival bin * len(CAUSES) + cause, -1 for never."""

    liquidation: np.ndarray  # (book, path)
    bankruptcy: np.ndarray
    loss: np.ndarray  # (level, book, path)
    pnl: np.ndarray  # (horizon, book, path), as all money relative to the notional at spot
    fees: np.ndarray
    funding: np.ndarray
    shortfall: np.ndarray
    gaps_lost: np.ndarray  # (path,)


def per_path(ladder: Ladder, n_paths: int, scan_paths: int = 512) -> Paths:
    """The first `n_paths` paths of a ladder, a whole number of scans."""
    shape, firsts = ladder.shape._replace(n_paths=scan_paths), np.arange(0, n_paths, scan_paths)
    return launched(shape, firsts, tuple(ladder.arguments))


def launched(shape: evaluate.Shape | general.Shape, firsts: np.ndarray, given: tuple[Any, ...]) -> Paths:
    """The engine without the condensing that a run adds; the books of all sides together."""
    if isinstance(shape, general.Shape):
        found = jax.tree.map(_paths_last, scan.launch((_codes_and_money,), shape, firsts, given))
        codes, money = found
        moved = (getattr(money, name) for name in Money._fields)
        lost = np.zeros(codes.liquidation.shape[-1], np.int32)  # the general engine loses no gap
        return Paths(codes.liquidation, codes.bankruptcy, codes.loss, *moved, gaps_lost=lost)
    found = jax.tree.map(_paths_last, scan.launch(evaluate.PATH_BY_PATH, shape, firsts, given))
    sides = [
        (closing.liquidation, closing.bankruptcy, closing.loss, *(getattr(money, name) for name in Money._fields))
        for closing, money in zip(found.closing, found.money, strict=True)
    ]
    joined = (np.concatenate(parts, axis=-2) for parts in zip(*sides, strict=True))
    return Paths(*joined, gaps_lost=found.gaps_lost[0])


def _codes_and_money(shape: general.Shape, first: Any, *given: Any) -> Any:
    found = general.walk(shape, first, *given)
    return found.codes, found.money


def _paths_last(scans: Any) -> np.ndarray:
    array = np.moveaxis(np.asarray(scans), 0, -2)
    return array.reshape(*array.shape[:-2], -1)
