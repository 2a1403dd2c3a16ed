"""What a rulebook demands of a position, as lines of the coordinate in which its PnL is linear (see `trigger`).

The size that picks a tier either is the notional itself, and moves with the price (quote for a linear contract, base or
coin for an inverse one, coin for a quanto), or it is fixed by the position (contracts, base for a linear contract,
quote for an inverse one): then the whole requirement is one rate of the notional.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from stresslab.errors import InputError
from stresslab.venues import margin_kernel
from stresslab.venues.inputs import FloatArray
from stresslab.venues.margin_kernel import Rates
from stresslab.venues.schema.contract import Quanto
from stresslab.venues.schema.requirement import Affine, Flat, Marginal, ShortOption, Sqrt
from stresslab.venues.schema.rules import Rules

MOVING = {"linear": ("quote",), "inverse": ("base", "coin"), "quanto": ("coin",), "option": ()}


class Leg(NamedTuple):
    """One position in coordinates: PnL = sign quantity (x - entry), notional = quantity x."""

    sign: FloatArray
    quantity: FloatArray
    entry: FloatArray


class Lines(NamedTuple):
    """requirement(x) = max_i (square_i x^2 + rate_i x - amount_i) + constant; i is the last axis of the three."""

    rate: FloatArray
    amount: FloatArray
    square: FloatArray
    constant: FloatArray


def size_moves(rules: Rules) -> bool:
    """Whether tiers are counted in the notional itself."""
    return rules.requirement.tier_unit in MOVING[rules.contract.kind]


def fixed_size(rules: Rules, quantity: FloatArray) -> FloatArray:
    """The size in the unit of the tiers where the price does not move it; `quantity` as callers give it."""
    if rules.requirement.tier_unit == "contracts" and not isinstance(rules.contract, Quanto):
        assert rules.contract.face is not None  # the schema: sizes in contracts need it
        return quantity / rules.contract.face
    return quantity


def maintenance_rate(rules: Rules, size: FloatArray) -> FloatArray:
    """Maintenance margin over notional for a size in the unit of the tiers; the last tier goes on above its cap."""
    return _rate(rules.requirement.shape, table(rules), size)


def _rate(shape: str, rates: Rates, size: FloatArray) -> FloatArray:
    asked = np.asarray(size, np.float64)
    held = np.where(asked > 0, asked, 1.0)  # of no size: the rate of the first tier
    least = np.where(asked > 0, asked, 0.0)[..., None]
    return np.asarray(margin_kernel.required(np, shape, rates, held[..., None], least)[..., 0] / held)


def table(rules: Rules) -> Rates:
    """The rates of a requirement without its closing fee, sizes in the unit of the tiers; tiers on the only axis."""
    wanted = rules.requirement
    if isinstance(wanted, Marginal | Flat):
        return Rates(wanted.table.mmr, wanted.table.cum, wanted.table.cap)
    if isinstance(wanted, Affine):
        limit = np.inf if wanted.mmr_limit is None else wanted.mmr_limit
        return _one_row(wanted.mmr0, wanted.mmr_per_base, limit)
    if isinstance(wanted, Sqrt):
        return _one_row(wanted.base_maintenance, wanted.size_factor, wanted.size_factor_base)
    raise _by_premium(wanted)


def _one_row(rate: float, growth: float, cap: float) -> Rates:
    return Rates(np.array([rate]), np.array([growth]), np.array([cap]))


def initial_rate(rules: Rules, size: FloatArray) -> FloatArray:
    """The least initial margin over notional for a size in the unit of the tiers. NotAllowed above the last cap."""
    wanted = rules.requirement
    if isinstance(wanted, Marginal | Flat):
        return 1 / wanted.table.at(size).max_leverage
    if isinstance(wanted, Affine):
        limit = np.inf if wanted.imr_limit is None else wanted.imr_limit
        return _rate("affine", _one_row(wanted.imr0, wanted.imr_per_base, limit), size)
    if isinstance(wanted, Sqrt):
        return _rate("sqrt", _one_row(wanted.base_initial, wanted.size_factor, wanted.size_factor_base), size)
    raise _by_premium(wanted)


def jumps(rules: Rules) -> bool:
    """Whether the requirement jumps while the price moves: flat tiers counted in the notional."""
    wanted = rules.requirement
    return isinstance(wanted, Flat) and size_moves(rules) and wanted.basis != "entry"


def lines(rules: Rules, leg: Leg, size: FloatArray) -> Lines:
    """The lines of one leg, without the fee to close; `size` is its fixed size, or its notional at entry."""
    wanted, quantity = rules.requirement, leg.quantity[..., None]
    if wanted.basis == "entry":
        return Lines(np.zeros(1), np.zeros(1), np.zeros(1), np.zeros(()))  # see `frozen_margin`
    if size_moves(rules):
        if isinstance(wanted, Affine):
            square = wanted.mmr_per_base * quantity**2
            return Lines(wanted.mmr0 * quantity, np.zeros(1), square, np.zeros(()))
        if isinstance(wanted, Marginal):
            return Lines(quantity * wanted.table.mmr, wanted.table.cum, np.zeros(1), np.zeros(()))
    return Lines(quantity * maintenance_rate(rules, size)[..., None], np.zeros(1), np.zeros(1), np.zeros(()))


def combined(parts: Sequence[Lines], larger_only: bool) -> Lines:
    """The requirement of several legs: their sum, or the larger one alone (`larger_only`)."""
    join, add = (_beside, np.maximum) if larger_only else (_pairs, np.add)
    total, *others = (_of_one_length(part) for part in parts)
    for part in others:
        total = Lines(
            rate=join(total.rate, part.rate),
            amount=join(total.amount, part.amount),
            square=join(total.square, part.square),
            constant=add(total.constant, part.constant),
        )
    return total


def _of_one_length(part: Lines) -> Lines:
    rate, amount, square = np.broadcast_arrays(part.rate, part.amount, part.square)
    return Lines(rate, amount, square, part.constant)


def _beside(one: FloatArray, other: FloatArray) -> FloatArray:
    shape = np.broadcast_shapes(one.shape[:-1], other.shape[:-1])
    return np.concatenate([np.broadcast_to(part, (*shape, part.shape[-1])) for part in (one, other)], axis=-1)


def _pairs(one: FloatArray, other: FloatArray) -> FloatArray:
    both = one[..., :, None] + other[..., None, :]
    return both.reshape(*both.shape[:-2], both.shape[-2] * both.shape[-1])


def _by_premium(wanted: ShortOption) -> InputError:
    return InputError(
        "the margin of an option follows from its premium and strike",
        key="requirement.shape",
        got=wanted.shape,
        hint="Ask option_margin",
    )
