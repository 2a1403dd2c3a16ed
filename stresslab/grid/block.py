"""The work itself: blocks of paths in, integer counts and float64 sums out.

Counts merge exactly in any order. Sums of money are kept for each block and are added up in block order at the end, so
that no partition into tasks, no order and no retry changes a bit.
"""

from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from stresslab import device, scan
from stresslab.books.outcome import CAUSES
from stresslab.condense import GROUP, Condensed
from stresslab.estimate import tails
from stresslab.grid.ladder import Ladder

Summary = dict[str, np.ndarray]
Scan = tuple[tuple[Condensed, ...], np.ndarray]  # the condensed sides and the gaps lost on each path
_FEWEST_PATHS = 2 * GROUP  # of a scan: a whole group of antithetic pairs


def run_blocks(ladder: Ladder, first: int, blocks: int, block: int) -> Summary:
    """Run blocks `first` .. `first + blocks`, of `block` paths each; what comes back is some hundred kilobytes.

    event_count (book, event, bin, cause), both_hit (book, event, horizon): pairs with two hits; loss_count and
    loss_quanta (book, horizon, bin), gaps_lost; sums (block, money, power, book, horizon), relative to the notional at
    spot. With drawn parameters also hits_squared (book, event, bin): of the hits up to each bin, squared in each block.
    """
    totals: Summary = {}
    sums = []
    for scans in _blocks_of_scans(ladder, first, blocks, block):
        one = summarise(ladder, scans)
        if ladder.drawn:
            one["hits_squared"] = np.cumsum(one["event_count"].sum(axis=-1), axis=-1) ** 2
        sums.append(one.pop("sums"))
        totals = one if not totals else {name: totals[name] + one[name] for name in one}
    return {**totals, "sums": np.stack(sums)}


def _blocks_of_scans(ladder: Ladder, first: int, blocks: int, block: int) -> Iterator[list[Scan]]:
    """The scans of each block in order, while the next launch is under way."""
    together = 1 if ladder.drawn else min(blocks, device.blocks_per_launch(block))
    fitting = device.scan_paths(*ladder.bytes_per_path)
    paths = min(fitting, together * block // (2 * scan.usable_devices(block // _FEWEST_PATHS)))
    # the last launch is as wide as the others: one shape, one compilation
    offsets = np.arange(0, together * block, paths, dtype=np.int64)
    waiting: tuple[Any, int] | None = None
    for start in range(first, first + blocks, together):
        firsts = (start * block + offsets) % 2**32
        shape, given = ladder.at(start)
        launched = scan.launch(ladder.stages, shape._replace(n_paths=paths), firsts, tuple(given))
        if waiting is not None:
            yield from _regroup(*waiting, block)
        waiting = launched, min(together, first + blocks - start)
    if waiting is not None:
        yield from _regroup(*waiting, block)


def _regroup(launched: Any, wanted: int, block: int) -> Iterator[list[Scan]]:
    """The scans of a launch block by block; a scan of several blocks is cut."""
    scans = _scans(launched)
    width = scans[0][1].shape[-1]
    if width > block:
        scans = [
            jax.tree.map(lambda leaf, at=at: _part(leaf, at, width // block), one)
            for one in scans
            for at in range(width // block)
        ]
        width = block
    each = block // width
    for number in range(wanted):
        yield scans[number * each : (number + 1) * each]


def _part(leaf: np.ndarray, at: int, parts: int) -> np.ndarray:
    return np.split(leaf, parts, axis=-1)[at]


def _scans(launched: Any) -> list[Scan]:
    """Each scan's arrays, as views of what lies on the devices."""
    leaves, tree = jax.tree.flatten(launched)
    shards = [sorted(leaf.addressable_shards, key=lambda shard: shard.index[0].start or 0) for leaf in leaves]
    rows = [[one for shard in pieces for one in np.asarray(shard.data)] for pieces in shards]
    return [jax.tree.unflatten(tree, row) for row in zip(*rows, strict=True)]


def summarise(ladder: Ladder, scans: list[Scan]) -> Summary:
    """Counts and sums of one block."""
    parts = [_summarise_side(ladder, [sides[number] for sides, _ in scans]) for number in range(len(scans[0][0]))]
    axis = {"sums": 2}
    joined = {name: np.concatenate([part[name] for part in parts], axis=axis.get(name, 0)) for name in parts[0]}
    return {**joined, "gaps_lost": np.array(sum(int(lost.sum()) for _, lost in scans))}


def _summarise_side(ladder: Ladder, scans: list[Condensed]) -> Summary:
    moments = np.concatenate([one.moments for one in scans], axis=-1)
    sums = np.moveaxis(moments.sum(axis=-1, dtype=np.float64), 2, 3)
    counts = [_count_scan(ladder, one) for one in scans]
    return {**{name: np.sum([count[name] for count in counts], axis=0) for name in counts[0]}, "sums": sums}


def _count_scan(ladder: Ladder, one: Condensed) -> Summary:
    codes = one.codes[list(ladder.wanted)]
    n_events, n_books = codes.shape[:2]
    n_horizons = len(ladder.horizon_bins)
    both = np.zeros((n_events, n_books, n_horizons), np.int64)
    if ladder.shape.antithetic:
        both = _both_hit(codes, ladder.horizon_bins)
    binned = (n_horizons, n_books, tails.N_BINS)
    count, quanta = (
        np.moveaxis(total.reshape(binned), 0, 1).astype(np.int64) for total in _count_losses(one, int(np.prod(binned)))
    )
    return {
        "event_count": np.moveaxis(_count_codes(codes, ladder.n_bins), 0, 1),
        "both_hit": np.moveaxis(both, 0, 1),
        "loss_count": count,
        "loss_quanta": quanta,
    }


def _count_codes(codes: np.ndarray, n_bins: int) -> np.ndarray:
    """Events by bin and cause, shape (event, book, bin, cause), from codes of shape (event, book, path)."""
    width = n_bins * len(CAUSES) + 1  # the first column counts the paths on which it never came
    rows = codes.shape[0] * codes.shape[1]
    index = codes.reshape(rows, -1) + (np.arange(rows, dtype=np.int32) * width + 1)[:, None]
    counted = np.bincount(index.reshape(-1), minlength=rows * width).reshape(rows, width)[:, 1:]
    return counted.reshape(*codes.shape[:2], n_bins, len(CAUSES)).astype(np.int64)


def _both_hit(codes: np.ndarray, horizon_bins: np.ndarray) -> np.ndarray:
    """Antithetic pairs in which both paths were hit by each horizon, shape (event, book, horizon)."""
    ends = (horizon_bins + 1) * len(CAUSES)
    hit = (codes >= 0)[..., None] & (codes[..., None] < ends)
    return (hit[:, :, 0::2] & hit[:, :, 1::2]).sum(axis=2, dtype=np.int64)


def _count_losses(one: Condensed, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Count and sum of quanta of each bin; whole numbers add up exactly in float64."""
    index = one.loss_bin.reshape(-1)
    return np.bincount(index, minlength=size), np.bincount(index, weights=one.loss_quanta.reshape(-1), minlength=size)
