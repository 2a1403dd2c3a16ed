"""Maintenance margin of an account: the kernel of all rulebooks on arrays of shape (book, path).

N is the notional at the mark, or at entry where the venue freezes it there. A closing fee on the notional is in the
rates; one at the bankruptcy price of the leverage set, and adverse funding, are `LegNumbers.fixed`. `max_leg` nets the
two sides of one asset: the larger counts (Kraken, hedge mode).
"""

import functools

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab.accounts import option_legs, portfolio, tier_tables
from stresslab.accounts.contracts import OPTIONS, notional
from stresslab.accounts.form import AccountForm, AccountNumbers, Leg, LegNumbers
from stresslab.accounts.point import Point, leg_price
from stresslab.venues import margin_kernel


def of_account(form: AccountForm, numbers: AccountNumbers, sizes: tuple[Array, ...], point: Point) -> Array:
    """The requirement of all legs."""
    if form.netting == "portfolio":
        return portfolio.of_account(form, numbers, sizes, point)
    legs = [
        _of_options(leg, own, size, point)
        if leg.contract in OPTIONS
        else of_leg(leg, own, size, leg_price(leg, own, point))
        for leg, own, size in zip(form.legs, numbers.legs, sizes, strict=True)
    ]
    if form.netting == "none":
        return functools.reduce(jnp.add, legs)
    assets = sorted({leg.asset for leg in form.legs})
    return functools.reduce(jnp.add, [_larger_side(form, sizes, legs, asset) for asset in assets])


def _of_options(leg: Leg, numbers: LegNumbers, size: Array, point: Point) -> Array:
    variance = option_legs.row(point.variance, leg.asset)
    return option_legs.alone(leg, numbers.options, size, point.prices[leg.asset], variance)


def of_leg(leg: Leg, numbers: LegNumbers, size: Array, price: Array) -> Array:
    """The requirement of one leg."""
    amount = jnp.abs(size)
    held = amount * notional(leg.contract, numbers.entry[:, None] if leg.basis == "entry" else price)
    moving = _of_rates(leg.shape, numbers, held, held if leg.tier_of == "notional" else amount)
    return moving + numbers.fixed[:, None] * amount if leg.fixed else moving


def rate_by_size(leg: Leg, numbers: LegNumbers, size: Array) -> Array:
    """The rate of a shape whose rate does not move with the price."""
    return _of_rates(leg.shape, numbers, jnp.ones_like(size), jnp.abs(size))


def _of_rates(shape: str, numbers: LegNumbers, held: Array, measure: Array) -> Array:
    """The kernel, with the tiers of a long table looked up."""
    if tier_tables.is_long(numbers.mmr) and shape == "marginal":
        return tier_tables.largest(lambda rate, cum: margin_kernel.line(held, rate, cum), numbers.mmr, numbers.cum)
    if tier_tables.is_long(numbers.mmr) and shape == "flat":
        tier = tier_tables.tier_at(numbers.cap[:, :-1], measure)
        return tier_tables.row_of(numbers.mmr, tier) * held
    return margin_kernel.required(jnp, shape, numbers, held, measure)


def _larger_side(form: AccountForm, sizes: tuple[Array, ...], legs: list[Array], asset: int) -> Array:
    own = [(size, leg) for form_leg, size, leg in zip(form.legs, sizes, legs, strict=True) if form_leg.asset == asset]
    long, short = (
        functools.reduce(jnp.add, [jnp.where(side * size > np.float32(0), leg, np.float32(0)) for size, leg in own])
        for side in (np.float32(1), np.float32(-1))
    )
    return jnp.maximum(long, short)
