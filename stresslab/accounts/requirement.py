"""Maintenance margin: the shapes of all rulebooks as a few kernels, arrays of shape (book, path).

    marginal  max_i(N mmr_i - cum_i)                         the tiers' lines; continuous
    flat      N mmr_i of the tier that holds N or the size   a cliff at each cap
    affine    N (mmr_0 + k size)                             Deribit
    sqrt      N max(mmr_0, 0.8 mmr_0 + k sqrt(size))         Drift v2

N is the notional at the mark, or at entry where the venue freezes it. The fee to close is added where the rulebook says
so: on N, or on the notional at the bankruptcy price (Bybit). `max_leg` nets the two sides of one asset: the larger
counts (Kraken, hedge mode).
"""

import functools

import jax.numpy as jnp
import numpy as np
from jax import Array

from stresslab.accounts import option_legs, portfolio
from stresslab.accounts.contracts import OPTIONS, notional
from stresslab.accounts.form import AccountForm, AccountNumbers, Leg, LegNumbers
from stresslab.accounts.point import Point, leg_price
from stresslab.accounts.tier_tables import is_long, largest, row_of, tier_at


def of_account(
    form: AccountForm, numbers: AccountNumbers, sizes: tuple[Array, ...], balance: Array, point: Point
) -> Array:
    """The requirement of all legs."""
    if form.netting == "portfolio":
        return portfolio.of_account(form, numbers, sizes, point)
    legs = [
        _of_options(leg, own, size, point)
        if leg.contract in OPTIONS
        else of_leg(leg, own, size, balance, leg_price(leg, own, point))
        for leg, own, size in zip(form.legs, numbers.legs, sizes, strict=True)
    ]
    if form.netting == "none":
        return functools.reduce(jnp.add, legs)
    assets = sorted({leg.asset for leg in form.legs})
    return functools.reduce(jnp.add, [_larger_side(form, sizes, legs, asset) for asset in assets])


def _of_options(leg: Leg, numbers: LegNumbers, size: Array, point: Point) -> Array:
    variance = option_legs.row(point.variance, leg.asset)
    return option_legs.alone(leg, numbers.options, size, point.prices[leg.asset], variance)


def of_leg(leg: Leg, numbers: LegNumbers, size: Array, balance: Array, price: Array) -> Array:
    """The requirement of one leg."""
    amount = jnp.abs(size)
    weighed = numbers.entry[:, None] if leg.basis == "entry" else price
    held = amount * notional(leg.contract, weighed)
    base = _SHAPES[leg.shape](numbers, held, held if leg.tier_of == "notional" else amount)
    if leg.close_fee == "on_notional":
        return base + numbers.fee[:, None] * held
    if leg.close_fee == "at_bankruptcy":
        # linear: |size| p = |size| - side balance; inverse: |size| / p = |size| + side balance
        sign = jnp.sign(size) if leg.contract == "inverse" else -jnp.sign(size)
        return base + numbers.fee[:, None] * jnp.maximum(amount + sign * balance, np.float32(0))
    return base


def rate_by_size(leg: Leg, numbers: LegNumbers, size: Array) -> Array:
    """The rate of a shape whose rate does not move with the price."""
    ones = jnp.ones_like(size)
    return _SHAPES[leg.shape](numbers, ones, jnp.abs(size))


def _marginal(numbers: LegNumbers, held: Array, measure: Array) -> Array:
    return largest(lambda rate, amount: rate * held - amount, numbers.mmr, numbers.cum)


def _flat(numbers: LegNumbers, held: Array, measure: Array) -> Array:
    if is_long(numbers.mmr):
        return row_of(numbers.mmr, tier_at(numbers.cap[:, :-1], measure)) * held
    rate = numbers.mmr[:, 0, None] + jnp.zeros_like(held)
    for tier in range(1, numbers.mmr.shape[1]):
        rate = jnp.where(measure > numbers.cap[:, tier - 1, None], numbers.mmr[:, tier, None], rate)
    return rate * held


def _affine(numbers: LegNumbers, held: Array, measure: Array) -> Array:
    return (numbers.mmr[:, 0, None] + numbers.cum[:, 0, None] * measure) * held


def _sqrt(numbers: LegNumbers, held: Array, measure: Array) -> Array:
    base = numbers.mmr[:, 0, None]
    return jnp.maximum(base, np.float32(0.8) * base + numbers.cum[:, 0, None] * jnp.sqrt(measure)) * held


_SHAPES = {"marginal": _marginal, "flat": _flat, "affine": _affine, "sqrt": _sqrt}


def _larger_side(form: AccountForm, sizes: tuple[Array, ...], legs: list[Array], asset: int) -> Array:
    own = [(size, leg) for form_leg, size, leg in zip(form.legs, sizes, legs, strict=True) if form_leg.asset == asset]
    long, short = (
        functools.reduce(jnp.add, [jnp.where(side * size > np.float32(0), leg, np.float32(0)) for size, leg in own])
        for side in (np.float32(1), np.float32(-1))
    )
    return jnp.maximum(long, short)
