"""A rulebook's requirement in the words of the engine: the form of a leg, and its rates and tiers in the book's units.

A tier table is counted in the notional, which moves with the price, or in a size that the position fixes. In the engine
the first is `notional` relative to the book's scale, the second the leg's `size`. What picks the tier where the price
does not (marginal tiers by contracts, tiers fixed at entry) is the rate at the size of as_of: one row.
"""

import numpy as np

from stresslab.accounts.form import Leg, Shape
from stresslab.config.held import Held
from stresslab.config.venue import Venue
from stresslab.venues import Rulebook
from stresslab.venues.answers.demand import maintenance_rate, size_moves
from stresslab.venues.margin_kernel import Rates, with_fee
from stresslab.venues.schema.requirement import Affine, Marginal, Sqrt

_SHAPES: dict[str, Shape] = {"marginal": "marginal", "flat": "flat", "affine": "affine", "sqrt": "sqrt"}
ENDLESS = 1e30  # as a cap, in float32
WIDEST = 10.0  # times its spot: no book is expected to live to see a price beyond it


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
        fixed=rulebook.closing_fee_is_fixed or wanted.with_funding,
        dated=held.seconds is not None,
        # without a basis of the venue the mark is the index: one program for both
        funding="mark" if marked and rulebook.funding.notional_at == "mark" else "index",
        close_out=venue.depth.form if venue is not None and venue.depth is not None else (),
    )


def rates(held: Held, scale: float, lowest: float, highest: float) -> Rates:
    """Of one leg; tiers that matter for no notional between `lowest` and `highest` times today's are left out."""
    rulebook, wanted = held.rulebook, held.rulebook.requirement
    form = leg_form(held)
    moving = _rates(held, scale, lowest, highest)
    fee = rulebook.closing_fee_rate if wanted.include_close_fee == "on_notional" else 0.0
    return with_fee(form.shape, moving, np.float64(fee)) if fee else moving


def fixed(held: Held) -> float:
    """The part of the requirement that the price does not move, for each unit of size in money."""
    rulebook = held.rulebook
    fee = held.closing_fee if rulebook.closing_fee_is_fixed else 0.0
    adverse = max(held.funding_rate, 0.0) if rulebook.requirement.with_funding else 0.0
    return (fee + adverse * held.notional) / abs(held.unit)


def _rates(held: Held, scale: float, lowest: float, highest: float) -> Rates:
    """Without a closing fee."""
    rulebook, wanted = held.rulebook, held.rulebook.requirement
    per = _tier_unit(held) * scale  # tier units in one of the engine's
    if _is_fixed(rulebook):
        size = rulebook.size(held.quantity, held.entry)
        return _one_row(float(maintenance_rate(rulebook, size)))
    if isinstance(wanted, Affine):
        limit = ENDLESS if wanted.mmr_limit is None else wanted.mmr_limit
        return _one_row(wanted.mmr0, wanted.mmr_per_base * per, limit)
    if isinstance(wanted, Sqrt):
        return _one_row(wanted.base_maintenance, wanted.size_factor * np.sqrt(per), wanted.size_factor_base)
    table = wanted.table
    now = (held.notional if wanted.basis == "entry" else abs(held.unit)) / scale * per
    moving = size_moves(rulebook)
    first = int(np.searchsorted(table.cap, now * lowest))
    last = int(np.searchsorted(table.cap, now * (highest if moving else 1.0))) + 1
    first = min(first, len(table.mmr) - 1)
    return Rates(table.mmr[first:last], table.cum[first:last] / scale, np.minimum(table.cap[first:last] / per, ENDLESS))


def _is_fixed(rulebook: Rulebook) -> bool:
    wanted = rulebook.requirement
    return isinstance(wanted, Marginal) and not size_moves(rulebook)


def _tier_unit(held: Held) -> float:
    """Tier units for each unit of money: 1 where tiers are counted in the notional."""
    if size_moves(held.rulebook):
        return 1.0
    return float(held.rulebook.size(held.quantity, held.spot)) / abs(held.unit)


def _one_row(rate: float, growth: float = 0.0, cap: float = ENDLESS) -> Rates:
    return Rates(np.array([rate]), np.array([growth]), np.array([cap]))
