"""The static ladder: isolated linear books whose trigger is known in advance, up to the funding that the path has paid.

Within a segment F is constant, so every level stands still, and the segment's running extreme decides for all books at once; no
book is touched inside the loop over steps. A jump that makes a new extreme is kept in a slot (price before, price after): a
level between the two was crossed by that gap and fills after it; any other level crossed fills at itself.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab.books.linear import LONG, TriggerLines
from stresslab.books.outcome import DIFFUSION, FUNDING, GAP, NEVER, Outcome, code


class Extreme(NamedTuple):
    """What the loop over steps carries for one side: log prices, shape (1, path) and (slot, 1, path)."""

    extreme: Array
    gap_from: Array
    gap_to: Array
    gaps_lost: Array  # int32, gaps that found no free slot


def worse(side: int, a: Array, b: Array) -> Array:
    """The price that is worse for the side."""
    return jnp.minimum(a, b) if side == LONG else jnp.maximum(a, b)


def beyond(side: int, price: Array, level: Array) -> Array:
    """Whether the price is at the level or worse for the side."""
    return price <= level if side == LONG else price >= level


def start_segment(side: int, log_price: Array, slots: int, gaps_lost: Array) -> Extreme:
    """A segment begins where the price stands; unused slots hold gaps that no level lies in."""
    never = jnp.full((slots, *log_price.shape), np.float32(np.inf if side == LONG else -np.inf))
    return Extreme(log_price, -never, never, gaps_lost)


def watch_diffusion(side: int, carry: Extreme, worst: Array) -> Extreme:
    """A continuous piece that reached as far as `worst`."""
    return carry._replace(extreme=worse(side, carry.extreme, worst))


def watch_jump(side: int, carry: Extreme, after: Array) -> Extreme:
    """A jump to `after`: a new extreme is a gap, put into the first slot."""
    if carry.gap_from.shape[0] == 0:
        return carry._replace(extreme=worse(side, carry.extreme, after))
    new = after < carry.extreme if side == LONG else after > carry.extreme
    lost = carry.gaps_lost + (new & jnp.isfinite(carry.gap_from[-1])).astype(jnp.int32)
    gap_from = jnp.where(new[None], jnp.concatenate([carry.extreme[None], carry.gap_from[:-1]]), carry.gap_from)
    gap_to = jnp.where(new[None], jnp.concatenate([after[None], carry.gap_to[:-1]]), carry.gap_to)
    return Extreme(worse(side, carry.extreme, after), gap_from, gap_to, lost)


def level(side: int, lines: TriggerLines, funding: Array) -> Array:
    """The price at which each line triggers, given F of each path, shape (1, path): shape (line, path)."""
    candidates = [
        (lines.offset[:, tier, None] + funding) * lines.scale[:, tier, None] for tier in range(lines.offset.shape[1])
    ]
    found = candidates[0]
    for candidate in candidates[1:]:
        # the requirement is the largest of its tiers, so the level is the one that is met first
        found = jnp.maximum(found, candidate) if side == LONG else jnp.minimum(found, candidate)
    return found


def start(n_books: int, n_fractions: int, n_paths: int) -> Outcome:
    """Nothing has happened yet."""
    return Outcome(
        liquidation=jnp.full((n_books, n_paths), NEVER),
        fill=jnp.zeros((n_books, n_paths), jnp.float32),
        funding=jnp.zeros((n_books, n_paths), jnp.float32),
        loss=jnp.full((n_fractions, n_books, n_paths), NEVER),
    )


def end_segment(
    side: int,
    outcome: Outcome,
    trigger: TriggerLines,
    loss: TriggerLines,
    seen: Extreme,
    funding: Array,
    bin_index: Array,
) -> Outcome:
    """Decide the segment that was seen, in which F was `funding`, for all books."""
    extreme, gap_from, gap_to = jnp.exp(seen.extreme), jnp.exp(seen.gap_from), jnp.exp(seen.gap_to)
    alive = outcome.liquidation == NEVER
    trigger_level = level(side, trigger, funding)
    hit = alive & beyond(side, extreme, trigger_level)
    fill, cause = _fill(side, trigger_level, gap_from, gap_to)
    losses = []
    for row in range(loss.offset.shape[0]):
        loss_level = level(side, TriggerLines(loss.offset[row][:, None], loss.scale[row][:, None]), funding)
        # a loss level behind the trigger is never seen: the position is closed by then
        first = ~hit | beyond(side, trigger_level, loss_level)
        crossed = (outcome.loss[row] == NEVER) & alive & first & beyond(side, extreme, loss_level)
        _, loss_cause = _fill(side, loss_level, gap_from, gap_to)
        losses.append(jnp.where(crossed, code(bin_index, loss_cause), outcome.loss[row]))
    return Outcome(
        liquidation=jnp.where(hit, code(bin_index, cause), outcome.liquidation),
        fill=jnp.where(hit, fill, outcome.fill),
        funding=jnp.where(hit, funding, outcome.funding),
        loss=jnp.stack(losses) if losses else outcome.loss,
    )


def pay_funding(
    side: int, outcome: Outcome, trigger: TriggerLines, loss: TriggerLines, price: Array, funding: Array, bin_index: Array
) -> Outcome:
    """Funding has just moved F to `funding`: a level that this carried to the price or past it fills at the price."""
    alive = outcome.liquidation == NEVER
    hit = alive & beyond(side, price, level(side, trigger, funding))
    by_funding = code(bin_index, np.int32(FUNDING))
    losses = []
    for row in range(loss.offset.shape[0]):
        loss_level = level(side, TriggerLines(loss.offset[row][:, None], loss.scale[row][:, None]), funding)
        crossed = (outcome.loss[row] == NEVER) & alive & beyond(side, price, loss_level)
        losses.append(jnp.where(crossed, by_funding, outcome.loss[row]))
    return Outcome(
        liquidation=jnp.where(hit, by_funding, outcome.liquidation),
        fill=jnp.where(hit, price, outcome.fill),
        funding=jnp.where(hit, funding, outcome.funding),
        loss=jnp.stack(losses) if losses else outcome.loss,
    )


def _fill(side: int, levels: Array, gap_from: Array, gap_to: Array) -> tuple[Array, Array]:
    """Fill price and cause of a crossing of `levels`, shape (line, path): after the gap that a level lies in, else at it."""
    fill, cause = levels, jnp.full(levels.shape, np.int32(DIFFUSION))
    for slot in range(gap_from.shape[0]):
        inside = beyond(side, gap_to[slot], levels) & ~beyond(side, gap_from[slot], levels)
        fill, cause = jnp.where(inside, gap_to[slot], fill), jnp.where(inside, np.int32(GAP), cause)
    return fill, cause
