"""The work itself: blocks of paths in, integer counts and float64 sums out.

Counts merge exactly in any order. Sums of money are kept for each block and are added up in block order at the end, so that no
partition into tasks, no order and no retry changes a bit.
"""

from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from stresslab import device, scan
from stresslab.books.outcome import CAUSES, Settlement
from stresslab.errors import RunError
from stresslab.estimate import tails
from stresslab.evaluate import STAGES, Result
from stresslab.grid.plan import Ladder

MONEY = ("pnl", "fees", "funding", "shortfall")
Summary = dict[str, np.ndarray]


def run_blocks(ladder: Ladder, first: int, blocks: int, block: int) -> Summary:
    """Run blocks `first` .. `first + blocks`, of `block` paths each; what comes back is some hundred kilobytes.

    event_count (book, event, bin, cause), both_hit (book, event, horizon): pairs with two hits; loss_count and
    loss_quanta (book, horizon, bin), gaps_lost; sums (block, money, power, book, horizon), relative to the notional at spot.
    """
    totals: Summary = {}
    sums = []
    for result in _results(ladder, first, blocks, block):
        one = summarise(ladder, result)
        sums.append(one.pop("sums"))
        totals = one if not totals else {name: totals[name] + one[name] for name in one}
    return {**totals, "sums": np.stack(sums)}


def _results(ladder: Ladder, first: int, blocks: int, block: int) -> Iterator[Result]:
    """The result of each block in order, while the next launch is under way."""
    together = min(blocks, device.blocks_per_launch(block))
    paths = min(device.scan_paths(), together * block // scan.usable_devices(block))
    # a scan needs no more than its launch; the last launch is as wide as the others: one shape, one compilation
    offsets = np.arange(0, together * block, paths, dtype=np.int64)
    shape = ladder.shape._replace(n_paths=paths)
    waiting: tuple[Any, int] | None = None
    for start in range(first, first + blocks, together):
        firsts = (start * block + offsets) % 2**32
        launched = scan.launch(STAGES, shape, firsts, tuple(ladder.arguments)), min(together, first + blocks - start)
        if waiting is not None:
            yield from _split(*waiting, block)
        waiting = launched
    if waiting is not None:
        yield from _split(*waiting, block)


def _split(launched: Any, wanted: int, block: int) -> Iterator[Result]:
    """The launch's result block by block."""
    paths = jax.tree.map(_join, launched)
    for number in range(wanted):
        yield jax.tree.map(lambda leaf, at=number: leaf[..., at * block : (at + 1) * block], paths)


def _join(scans: Any) -> np.ndarray:
    """(scan, ..., path) as (..., path)."""
    array = np.asarray(scans)
    return np.moveaxis(array, 0, -2).reshape(*array.shape[1:-1], -1)


def summarise(ladder: Ladder, result: Result) -> Summary:
    """Counts and sums of one block."""
    parts = [
        _summarise_side(ladder, outcome.liquidation, money, np.asarray(side.positions.equity, np.float32))
        for outcome, money, side in zip(result.outcome, result.settlement, ladder.arguments.sides, strict=True)
    ]
    axis = {"sums": 2}
    joined = {name: np.concatenate([part[name] for part in parts], axis=axis.get(name, 0)) for name in parts[0]}
    return {**joined, "gaps_lost": np.int64(result.gaps_lost.sum())}


def _summarise_side(ladder: Ladder, liquidation: np.ndarray, money: Settlement, equity: np.ndarray) -> Summary:
    codes = np.stack([liquidation, money.bankruptcy, *money.loss])[list(ladder.wanted)]
    counts = _count_codes(codes, ladder.n_bins)
    pairs = ladder.shape.antithetic
    both = _both_hit(codes, ladder.horizon_bins) if pairs else np.zeros((*codes.shape[:2], len(ladder.horizon_bins)), np.int64)
    values = [getattr(money, name) for name in MONEY]
    sums = np.stack([_moments(value, pairs) for value in values])
    if not np.isfinite(sums).all():
        raise RunError("a sum of money is not finite: the model or the book left the range of float32")
    loss_count, loss_quanta = _count_losses(-money.pnl / equity[:, None])
    return {
        "event_count": np.moveaxis(counts, 0, 1),
        "both_hit": np.moveaxis(both, 0, 1),
        "loss_count": loss_count,
        "loss_quanta": loss_quanta,
        "sums": sums,
    }


def _count_codes(codes: np.ndarray, n_bins: int) -> np.ndarray:
    """Events by bin and cause, shape (event, book, bin, cause), from codes of shape (event, book, path)."""
    width = n_bins * len(CAUSES)
    rows = codes.shape[0] * codes.shape[1]
    flat = codes.reshape(rows, -1)
    row, path = np.nonzero(flat >= 0)
    counted = np.bincount(row * width + flat[row, path], minlength=rows * width)
    return counted.reshape(*codes.shape[:2], n_bins, len(CAUSES)).astype(np.int64)


def _both_hit(codes: np.ndarray, horizon_bins: np.ndarray) -> np.ndarray:
    """Antithetic pairs in which both paths were hit by each horizon, shape (event, book, horizon)."""
    ends = (horizon_bins + 1) * len(CAUSES)
    hit = (codes >= 0)[..., None] & (codes[..., None] < ends)
    return (hit[:, :, 0::2] & hit[:, :, 1::2]).sum(axis=2, dtype=np.int64)


def _moments(value: np.ndarray, pairs: bool) -> np.ndarray:
    """Sum and sum of squares over independent units, shape (power, book, horizon), in float64."""
    units = value.astype(np.float64)
    if pairs:
        units = (units[..., 0::2] + units[..., 1::2]) / 2
    return np.stack([units.sum(axis=-1).T, np.einsum("...p,...p->...", units, units).T])


def _count_losses(loss: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Count and sum (in quanta) of losses of shape (horizon, book, path) by bin, shape (book, horizon, bin)."""
    n_horizons, n_books, n_paths = loss.shape
    rows = np.repeat(np.arange(n_horizons * n_books), n_paths) * tails.N_BINS
    index = rows + tails.bin_of(loss).reshape(-1)
    size = n_horizons * n_books * tails.N_BINS
    count = np.bincount(index, minlength=size)
    # whole multiples of a quantum add up exactly in float64; a gain of more than a thousandfold counts as that
    quanta = np.rint(np.maximum(loss.reshape(-1).astype(np.float64), -1024.0) / tails.QUANTUM)
    total = np.bincount(index, weights=quanta, minlength=size)
    shape = (n_horizons, n_books, tails.N_BINS)
    return tuple(np.moveaxis(a.reshape(shape), 0, 1).astype(np.int64) for a in (count, total))  # type: ignore[return-value]
