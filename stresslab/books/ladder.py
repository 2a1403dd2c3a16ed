"""The static ladder: isolated linear books whose trigger is known in advance, up to the funding that the path has paid.

Within a segment F is constant, so every trigger stands still and the segment's running extreme decides for all books at
once. In `distance` form, slope_i S - F against a book's constant, one number per path and distinct maintenance rate
serves the whole ladder: the loop over segments compares and keeps the number of the segment, nothing else. Cause and
fill are worked out once, after the loop, from the record of that one segment (`resolve`).

A jump that makes a new extreme is kept in a slot (price before, price after): a level between the two was crossed by
that gap and fills after it; any other level fills at itself. A level that funding carries to the price fills at the
price.
"""

import functools
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab.books.linear import LONG, Lines
from stresslab.books.outcome import DIFFUSION, FUNDING, GAP, NEVER, Outcome, code


class Gaps(NamedTuple):
    """Jumps to new extremes: log prices before and after, one (1, path) array for each slot; unused slots hold no
    level.
    """

    since: tuple[Array, ...]
    to: tuple[Array, ...]


class Extreme(NamedTuple):
    """What the loop over steps carries for one side; `fresh` are the gaps of the step seen last, not yet in `slots`."""

    extreme: Array  # log price, (1, path)
    fresh: Gaps
    slots: Gaps
    gaps_lost: Array  # int32, gaps that found no free slot


class Record(NamedTuple):
    """What is kept of a segment to settle the crossings in it; (1, path) arrays, prices."""

    extreme: Array
    price: Array  # at its end
    funding: Array  # F during it
    gap_since: tuple[Array, ...]
    gap_to: tuple[Array, ...]


class Crossings(NamedTuple):
    """For each line the segments that passed before it was crossed, so the number of the segment in which it was."""

    liquidation: Array  # int32 (book, path)
    loss: Array  # int32 (fraction, book, path)


def worse(side: int, a: Array, b: Array) -> Array:
    """The price that is worse for the side."""
    return jnp.minimum(a, b) if side == LONG else jnp.maximum(a, b)


def beyond(side: int, price: Array, level: Array) -> Array:
    """Whether the price is at the level or worse for the side."""
    return price <= level if side == LONG else price >= level


def start_segment(side: int, log_price: Array, jumps: int, slots: int, gaps_lost: Array) -> Extreme:
    """A segment begins where the price stands, without a gap."""
    nowhere = jnp.full_like(log_price, np.inf if side == LONG else -np.inf)
    fresh, kept = (Gaps((-nowhere,) * n, (nowhere,) * n) for n in (jumps, slots))
    return Extreme(log_price, fresh, kept, gaps_lost)


def watch_diffusion(side: int, seen: Extreme, worst: Array) -> Extreme:
    """A continuous piece that reached as far as `worst`."""
    return seen._replace(extreme=worse(side, seen.extreme, worst))


def watch_jump(side: int, seen: Extreme, after: Array) -> tuple[Extreme, tuple[Array, Array]]:
    """A jump to `after`; with the gap that it made if that is a new extreme, else one in which no level lies."""
    new = after < seen.extreme if side == LONG else after > seen.extreme
    nowhere = np.float32(np.inf if side == LONG else -np.inf)
    gap = jnp.where(new, seen.extreme, -nowhere), jnp.where(new, after, nowhere)
    return seen._replace(extreme=worse(side, seen.extreme, after)), gap


def shelve(seen: Extreme) -> Extreme:
    """Put the fresh gaps into slots, newest first."""
    since, to, lost = seen.slots.since, seen.slots.to, seen.gaps_lost
    for gap_since, gap_to in zip(seen.fresh.since, seen.fresh.to, strict=True):
        new = jnp.isfinite(gap_to)
        lost = lost + (new & jnp.isfinite(to[-1])).astype(jnp.int32)
        since = tuple(jnp.where(new, a, b) for a, b in zip((gap_since, *since[:-1]), since, strict=True))
        to = tuple(jnp.where(new, a, b) for a, b in zip((gap_to, *to[:-1]), to, strict=True))
    return seen._replace(slots=Gaps(since, to), gaps_lost=lost)


def record(seen: Extreme, log_price: Array, funding: Array) -> Record:
    """The segment that was seen, as prices."""
    slots = shelve(seen).slots
    return Record(
        jnp.exp(seen.extreme), jnp.exp(log_price), funding, *(tuple(jnp.exp(gap) for gap in gaps) for gaps in slots)
    )


def distances(side: int, slopes: Array, before: Array, done: Record, funding_after: Array) -> Array:
    """The worst of slope S - F up to a segment's end, the funding there included, for each slope: (slope, path)."""
    slope = slopes[:, None]
    return worse(side, before, worse(side, slope * done.extreme - done.funding, slope * done.price - funding_after))


def start(n_books: int, n_fractions: int, n_paths: int) -> Crossings:
    """No segment has passed; one less, because the first booking is made before any has."""
    return Crossings(
        jnp.full((n_books, n_paths), np.int32(-1)), jnp.full((n_fractions, n_books, n_paths), np.int32(-1))
    )


def cross(side: int, lines: Lines, before: Crossings, distance: Array) -> Crossings:
    """Count a segment for the lines that the worst distances so far leave uncrossed (the last is that of slope one)."""
    tiers = range(lines.offset.shape[1])
    open_ = [~beyond(side, distance[tier][None], lines.offset[:, tier, None]) for tier in tiers]
    unharmed = ~beyond(side, distance[-1][None, None], lines.loss_offset[:, :, None])
    return Crossings(
        before.liquidation + functools.reduce(jnp.logical_and, open_).astype(jnp.int32),
        before.loss + unharmed.astype(jnp.int32),
    )


def never(crossed: Crossings, n_segments: int) -> Crossings:
    """Lines that all segments left uncrossed marked NEVER."""
    return Crossings(*(jnp.where(passed == np.int32(n_segments), NEVER, passed) for passed in crossed))


def trigger_level(side: int, lines: Lines, funding: Array) -> Array:
    """The price at which each book is liquidated, given F (book, path): the requirement's largest tier is met first."""
    levels = [(lines.offset[:, tier, None] + funding) / lines.slopes[tier] for tier in range(lines.offset.shape[1])]
    return functools.reduce(jnp.maximum if side == LONG else jnp.minimum, levels)


def resolve_liquidation(
    side: int, lines: Lines, crossed: Array, at: Record, funding_after: Array, bins: Array
) -> Outcome:
    """Code, fill and F of each liquidation from the record of its segment; all fields (book, path). Losses are left
    out.
    """
    level = trigger_level(side, lines, at.funding)
    fill, cause = _fill(side, level, at)
    after = trigger_level(side, lines, funding_after)
    by_funding = ~beyond(side, at.extreme, level) & beyond(side, at.price, after)
    never = crossed == NEVER
    event = code(bins, jnp.where(by_funding, np.int32(FUNDING), cause))
    return Outcome(
        liquidation=jnp.where(never, NEVER, event),
        fill=jnp.where(by_funding, at.price, fill),
        funding=jnp.where(by_funding, funding_after, at.funding),
        loss=jnp.zeros((0, *crossed.shape), jnp.int32),
    )


def resolve_loss(
    side: int, lines: Lines, row: int, crossed: Crossings, at: Record, funding_after: Array, bins: Array
) -> Array:
    """Code of one loss level, (book, path): not crossed where the position was closed before, or by the same move
    first.
    """
    offset = lines.loss_offset[row][:, None]
    level = offset + at.funding
    _, cause = _fill(side, level, at)
    by_funding = ~beyond(side, at.extreme, level) & beyond(side, at.price, offset + funding_after)
    when, closed = crossed.loss[row], crossed.liquidation
    # a level behind the trigger is not reached by an open position: what was lost is known when it is closed
    in_front = beyond(side, trigger_level(side, lines, at.funding), level)
    is_open = (closed == NEVER) | (when < closed) | ((when == closed) & in_front)
    event = code(bins, jnp.where(by_funding, np.int32(FUNDING), cause))
    return jnp.where((when == NEVER) | ~is_open, NEVER, event)


def _fill(side: int, levels: Array, at: Record) -> tuple[Array, Array]:
    """Fill and cause of a crossing of `levels` (book, path): after the gap that a level lies in, else at it."""
    fill, cause = levels, jnp.full(levels.shape, np.int32(DIFFUSION))
    for since, to in zip(at.gap_since, at.gap_to, strict=True):
        inside = beyond(side, to, levels) & ~beyond(side, since, levels)
        fill, cause = jnp.where(inside, to, fill), jnp.where(inside, np.int32(GAP), cause)
    return fill, cause
