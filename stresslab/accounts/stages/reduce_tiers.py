"""Down the tiers until the margin is enough there (OKX: two at a time; Bybit, BitMEX: to the tier that passes).

A leg in tier `from_tier` (counted from 1) or above is cut to the cap of the tier `tiers` below; if that does not
restore the margin after fees, again, from there. All at the price of the breach: these rounds take seconds. Where no
round is enough the stage does not apply, and the ladder goes on (to everything). OKX does it only for an account that
is above what the lowest tier asks for (`covers_first`). Bybit and BitMEX: tiers = 1, from_tier = 2. Legs need their
`cap`, with marginal tiers too. Sources: `stresslab.venues.tier_reduction`.
"""

import functools
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from stresslab.accounts.closing import Shares, Standing, excess_after
from stresslab.accounts.contracts import notional
from stresslab.accounts.form import Leg, LegNumbers
from stresslab.accounts.liquidation import Asked
from stresslab.accounts.point import leg_price
from stresslab.accounts.state import equity
from stresslab.accounts.tier_tables import UNROLLED, is_long, row_of, tier_at

_JUST = np.float32(1 - 1e-6)


@dataclass(frozen=True)
class ReduceTiers:
    """How far down at a time, and from where."""

    tiers: int = 2
    from_tier: int = 3
    covers_first: bool = True

    def start(self, numbers: tuple[()], nothing: Array) -> tuple[()]:
        """It remembers nothing."""
        return ()

    def ask(self, numbers: tuple[()], memory: Any, standing: Standing) -> tuple[Asked, Any]:
        """The first round after which the margin is enough."""
        form, own = standing.form, standing.numbers
        rows = max(leg.mmr.shape[1] for leg in own.legs)
        places = [_Place.of(*each, standing) for each in zip(form.legs, own.legs, standing.holding.sizes, strict=True)]
        none: Shares = tuple(jnp.zeros_like(size) for size in standing.holding.sizes)
        tried = _Tried(jnp.zeros(standing.holding.balance.shape, bool), none, none)
        rounds = range(0, rows - self.from_tier + 1, self.tiers)
        if len(rounds) <= UNROLLED:
            for done in rounds:
                tried = self._round(standing, places, tried, done)
        else:
            tried = self._many_rounds(standing, places, tried, rounds)
        return Asked(tried.found & self._may(standing, places), tried.chosen), memory

    def _round(self, standing: Standing, places: list["_Place"], tried: "_Tried", done: Any) -> "_Tried":
        """One more round, after `done` tiers have been stepped down."""
        cut = tuple(self._cut(place, before, done) for place, before in zip(places, tried.cut, strict=True))
        left = excess_after(standing, cut)
        is_cut = functools.reduce(jnp.logical_or, [share > np.float32(0) for share in cut])
        is_left = left >= np.float32(0) if standing.form.strict else left > np.float32(0)
        enough = ~tried.found & is_cut & is_left
        chosen = tuple(jnp.where(enough, a, b) for a, b in zip(cut, tried.chosen, strict=True))
        return _Tried(tried.found | enough, cut, chosen)

    def _many_rounds(self, standing: Standing, places: list["_Place"], tried: "_Tried", rounds: range) -> "_Tried":
        """The same rounds in a loop, which ends once no unfinished account has a leg in a tier to reduce from."""

        def goes_on(state: tuple[Array, _Tried]) -> Array:
            done, so_far = state
            is_high = [place.tier - done >= self.from_tier for place in places]
            return (done < rounds.stop) & jnp.any(~so_far.found & functools.reduce(jnp.logical_or, is_high))

        def further(state: tuple[Array, _Tried]) -> tuple[Array, _Tried]:
            done, so_far = state
            return done + np.int32(self.tiers), self._round(standing, places, so_far, done)

        return lax.while_loop(goes_on, further, (jnp.int32(0), tried))[1]

    def _cut(self, place: "_Place", before: Array, done: Any) -> Array:
        """The share of the leg that is closed after one more round, `done` tiers down already."""
        is_high = place.tier - done >= self.from_tier
        return jnp.where(is_high, place.share_to(place.tier - done - self.tiers), before)

    def _may(self, standing: Standing, places: list["_Place"]) -> Array:
        if not self.covers_first:
            return jnp.ones(standing.holding.balance.shape, bool)
        first = functools.reduce(
            jnp.add,
            [own.mmr[:, 0, None] * place.held for own, place in zip(standing.numbers.legs, places, strict=True)],
        )
        return equity(standing.form, standing.numbers, standing.holding, standing.at) > first


class _Tried(NamedTuple):
    """After some rounds, (book, path)."""

    found: Array  # whether one was enough
    cut: Shares  # of the last round
    chosen: Shares  # of the round that was enough


class _Place(NamedTuple):
    """Where a leg lies in its table."""

    held: Array  # notional
    measure: Array  # what tiers are counted in
    caps: Array  # (book, tier - 1)
    tier: Array  # from 1, int32

    @classmethod
    def of(cls, leg: Leg, own: LegNumbers, size: Array, standing: Standing) -> "_Place":
        held = jnp.abs(size) * notional(leg.contract, leg_price(leg, own, standing.at))
        measure = held if leg.tier_of == "notional" else jnp.abs(size)
        caps = own.cap[:, :-1]
        return cls(held, measure, caps, tier_at(caps, measure) + np.int32(1))

    def share_to(self, tier: Array) -> Array:
        """The share to close so that what is left fills that tier, just: on its cap rounding would choose the tier."""
        if is_long(self.caps):
            is_there = (tier >= 1) & (tier <= self.caps.shape[1])
            kept = jnp.where(is_there, row_of(self.caps, tier - np.int32(1)), np.float32(0))
        else:
            rows = range(self.caps.shape[1])
            left = [jnp.where(tier == row + 1, self.caps[:, row, None], np.float32(0)) for row in rows]
            kept = functools.reduce(jnp.add, left, jnp.zeros_like(self.measure))
        return np.float32(1) - _JUST * kept / jnp.maximum(self.measure, np.float32(1e-30))
