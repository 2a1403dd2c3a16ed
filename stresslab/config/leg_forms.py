"""A rulebook's requirement in the words of the engine: the form of a leg, and its rates and tiers in the book's units.

A tier table is counted in the notional, which moves with the price, or in a size that the position fixes. In the engine
the first is `notional` relative to the book's scale, the second the leg's `size`. What picks the tier where the price
does not (marginal tiers by contracts, tiers fixed at entry) is the rate at the size of as_of: one row.
"""

from typing import NamedTuple

import numpy as np

from stresslab.accounts.form import Leg, Shape
from stresslab.config.held import Held
from stresslab.config.venue import Venue
from stresslab.venues import Rulebook
from stresslab.venues.answers.demand import maintenance_rate, size_moves
from stresslab.venues.schema.requirement import Affine, Flat, Marginal, Sqrt

_SHAPES: dict[str, Shape] = {"marginal": "marginal", "flat": "flat", "affine": "affine", "sqrt": "sqrt"}
ENDLESS = 1e30  # as a cap, in float32
WIDEST = 10.0  # times its spot: no book is expected to live to see a price beyond it


class Rates(NamedTuple):
    """The rows of a tier table, or the base rate and its growth; see `accounts.requirement`."""

    mmr: np.ndarray
    cum: np.ndarray
    cap: np.ndarray


def leg_form(held: Held, venue: Venue | None = None) -> Leg:
    """What of a position is compiled."""
    rulebook = held.rulebook
    wanted = rulebook.requirement
    moves, marked = size_moves(rulebook), venue is not None and venue.basis is not None
    return Leg(
        asset=held.row,
        contract=rulebook.contract.kind,
        shape="flat" if _is_fixed(rulebook) else _SHAPES[wanted.shape],
        tier_of="notional" if moves else "size",
        basis="entry" if wanted.basis == "entry" else "mark",
        close_fee=wanted.include_close_fee,
        dated=held.seconds is not None,
        # without a basis of the venue the mark is the index: one program for both
        funding="mark" if marked and rulebook.funding.notional_at == "mark" else "index",
        close_out=venue.depth.form if venue is not None and venue.depth is not None else (),
    )


def rates(held: Held, scale: float, lowest: float, highest: float) -> Rates:
    """Of one leg; tiers that matter for no notional between `lowest` and `highest` times today's are left out."""
    rulebook, wanted = held.rulebook, held.rulebook.requirement
    per = _tier_unit(held) * scale  # tier units in one of the engine's
    if _is_fixed(rulebook):
        size = rulebook.size(held.quantity, held.entry)
        return Rates(np.array([float(maintenance_rate(rulebook, size))]), np.zeros(1), np.array([ENDLESS]))
    if isinstance(wanted, Affine):
        return _growing(wanted.mmr0, wanted.mmr_per_base * per)
    if isinstance(wanted, Sqrt):
        return _growing(wanted.base_maintenance, wanted.size_factor * np.sqrt(per))
    table = wanted.table
    now = abs(held.unit) / scale * per
    moving = size_moves(rulebook)
    first = int(np.searchsorted(table.cap, now * lowest))
    last = int(np.searchsorted(table.cap, now * (highest if moving else 1.0))) + 1
    first = min(first, len(table.mmr) - 1)
    return Rates(table.mmr[first:last], table.cum[first:last] / scale, np.minimum(table.cap[first:last] / per, ENDLESS))


def _is_fixed(rulebook: Rulebook) -> bool:
    wanted = rulebook.requirement
    by_size = isinstance(wanted, Marginal) and not size_moves(rulebook)
    return by_size or (isinstance(wanted, Marginal | Flat) and wanted.tier_at == "entry")


def _tier_unit(held: Held) -> float:
    """Tier units for each unit of money: 1 where tiers are counted in the notional."""
    if size_moves(held.rulebook):
        return 1.0
    return float(held.rulebook.size(held.quantity, held.spot)) / abs(held.unit)


def _growing(base: float, growth: float) -> Rates:
    return Rates(np.array([base]), np.array([growth]), np.array([ENDLESS]))
