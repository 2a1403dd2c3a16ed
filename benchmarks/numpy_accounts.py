"""Plain accounts in NumPy: the rules of each step, vectorised over books and paths.

Geometric Brownian motion is drawn here too, by NumPy's Generator in float32 (ziggurat), a segment of steps at a time,
with the bridge's extreme in every step. Kept small: float32 and booleans, temporaries written in place, blocks that
stay in the cache, and whatever only a few accounts need is done for those alone. It does a little less than stresslab
does: it counts liquidations and loss levels, and leaves out the causes and the settlement of money.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from stresslab.evaluate import Arguments, Side

f32 = np.float32


class Walk(NamedTuple):
    """One segment of a block of paths: prices, shape (step, path), and what a long and a short see as the worst of
    each step.
    """

    price: np.ndarray
    low: np.ndarray
    high: np.ndarray


class Accounts:
    """All accounts of one side on one block of paths; arrays are (book, path)."""

    def __init__(self, side: int, given: Side, fractions: np.ndarray, n_paths: int) -> None:
        p = given.positions
        self.side, self.mmr, self.cum = f32(side), p.mmr[:, :, None], p.cum[:, :, None]
        # wealth <= floor, said of equity: the entry fee that was not paid out of the margin counts as lost
        self.floors = ((1 - fractions[:, None]) * p.equity + p.outside_fee).astype(f32)[..., None]
        shape = (len(p.margin), n_paths)
        # equity = base + side x price: the margin, less what the position cost
        self.base = np.broadcast_to((p.margin - self.side * p.entry)[:, None], shape).astype(f32)
        self.alive = np.ones(shape, bool)
        self.whole = np.ones((len(fractions), *shape), bool)  # the loss level was not reached yet
        self.fill, self.paid = np.zeros(shape, f32), np.zeros(shape, f32)
        self.equity, self.need, self.line = (np.empty(shape, f32) for _ in range(3))
        self.hit, self.lost = np.empty(shape, bool), np.empty(shape, bool)

    def look(self, price: np.ndarray, funding: np.ndarray, at_level: bool) -> None:
        """Test every account at `price`, shape (path,); a breach fills at the level (diffusion) or at the price
        (funding).
        """
        np.add(self.base, self.side * price, out=self.equity)
        self._requirement(price)
        np.less_equal(self.equity, self.need, out=self.hit)
        self.hit &= self.alive
        book, path = np.nonzero(self.hit)
        if len(book):
            level = self._trigger(book, path)
            self.fill[book, path] = level if at_level else price[path]
            self.paid[book, path] = funding[path]
            # of an account that is closed on the way, only what was lost by then counts
            self.equity[book, path] = self.base[book, path] + self.side * level
        for floor, whole in zip(self.floors, self.whole, strict=True):
            np.less_equal(self.equity, floor, out=self.lost)
            self.lost &= self.alive
            np.greater(whole, self.lost, out=whole)
        if len(book):
            self.alive[book, path] = False

    def pay(self, price: np.ndarray, rate: np.float32) -> None:
        """Pay `rate` of the notional out of the margin; a short receives it."""
        self.base -= self.side * rate * price

    def reached(self) -> np.ndarray:
        """Accounts liquidated, and past each loss level, by now: shape (book, event)."""
        return np.stack([(~kept).sum(axis=-1) for kept in (self.alive, *self.whole)], axis=1)

    def _requirement(self, price: np.ndarray) -> None:
        """The largest of the tiers' lines."""
        np.multiply(self.mmr[:, 0], price, out=self.need)
        self.need -= self.cum[:, 0]
        for tier in range(1, self.mmr.shape[1]):
            np.multiply(self.mmr[:, tier], price, out=self.line)
            self.line -= self.cum[:, tier]
            np.maximum(self.need, self.line, out=self.need)

    def _trigger(self, book: np.ndarray, path: np.ndarray) -> np.ndarray:
        """The price at which equity met the requirement, of a few accounts."""
        owed = self.base[book, path, None] + self.cum[book, :, 0]
        met = owed / (self.mmr[book, :, 0] - self.side)
        return met.max(axis=1) if self.side > 0 else met.min(axis=1)


def run(
    seed: int, n_paths: int, block: int, threads: int, sides: tuple[int, ...], a: Arguments, horizon_bins: np.ndarray
) -> np.ndarray:
    """Accounts liquidated and past each loss level by each horizon, shape (book, event, horizon), over all blocks."""
    seeds = np.random.SeedSequence(seed).spawn(n_paths // block)
    if threads == 1:
        return sum(_block(one, block, sides, a, horizon_bins) for one in seeds)  # type: ignore[return-value]
    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(lambda one: _block(one, block, sides, a, horizon_bins), seeds))  # type: ignore[return-value]


def _block(
    seed: np.random.SeedSequence, n_paths: int, sides: tuple[int, ...], a: Arguments, horizon_bins: np.ndarray
) -> np.ndarray:
    books = [Accounts(side, given, a.fractions, n_paths) for side, given in zip(sides, a.sides, strict=True)]
    counts, funding = [], np.zeros(n_paths, f32)
    segments = zip(*a.segments, strict=True)
    walks = _walks(np.random.Generator(np.random.SFC64(seed)), n_paths, a)
    for (_, rate, bin_index, _), walk, last in zip(segments, walks, _last_of_bin(a), strict=True):
        for low, high in zip(walk.low, walk.high, strict=True):
            for accounts in books:
                accounts.look(low if accounts.side > 0 else high, funding, at_level=True)
        if rate:
            price = walk.price[-1]
            funding = funding + rate * price
            for accounts in books:
                accounts.pay(price, rate)
                accounts.look(price, funding, at_level=False)
        if last and bin_index in horizon_bins:
            counts.append(np.concatenate([one.reached() for one in books]))
    return np.stack(counts, axis=-1)


def _last_of_bin(a: Arguments) -> np.ndarray:
    """Whether a segment is the last one of its survival bin."""
    return np.diff(a.segments.bin, append=a.segments.bin[-1] + 1) > 0


def _walks(random: np.random.Generator, n_paths: int, a: Arguments) -> Iterator[Walk]:
    """The paths, segment by segment."""
    here = np.zeros(n_paths, f32)
    for n_steps in a.segments.steps:
        move = random.standard_normal((n_steps, n_paths), dtype=f32)
        move *= a.coefficients.deviation
        move += a.coefficients.drift
        reach = random.standard_exponential((n_steps, n_paths), dtype=f32)
        reach *= 2 * a.coefficients.variance
        reach += move * move
        np.sqrt(reach, out=reach)
        end = np.cumsum(move, axis=0, dtype=f32)
        end += here
        middle = end - f32(0.5) * move
        reach *= f32(0.5)
        here = end[-1]
        yield Walk(np.exp(end), np.exp(middle - reach), np.exp(middle + reach))
