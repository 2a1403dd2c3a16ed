"""Legs that are books of options: what a unit of one has gained, and its settlement.

A unit of the leg is a fixed book of options whose quantities, without sign, sum to one; an account holds a multiple of
it, and a liquidation closes the same share of every option. Its price is what a unit has gained since as_of; fees and
slippage are rates on the size, that is on the gross quantity of the options at the spot of as_of. Options of contract
`option` are settled in the quote currency, those of `inverse_option` in coin. An option that expires pays its payoff at
the index, in cash, at the end of its step.
"""

from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from stresslab.accounts.contracts import OPTIONS
from stresslab.accounts.form import BookForm, BookNumbers, Leg, LegNumbers
from stresslab.options import marks


def at_step(form: BookForm, numbers: BookNumbers, step: Array) -> BookNumbers:
    """The numbers with the tables of every book of options read at the end of a step: what can be valued."""
    if not any(leg.contract in OPTIONS for account in form.accounts for leg in account.legs):
        return numbers

    def of_leg(leg: LegNumbers) -> LegNumbers:
        return leg._replace(options=marks.at_step(leg.options, step)) if leg.options else leg

    accounts = tuple(own._replace(legs=tuple(of_leg(leg) for leg in own.legs)) for own in numbers.accounts)
    return numbers._replace(accounts=accounts)


def gained(leg: Leg, options: marks.Options, price: Array, variance: Any) -> Array:
    """What a unit has gained since as_of, (book, path), in the settlement currency; `variance` is that of the asset."""
    worth = marks.value(options, jnp.log(price), variance)
    return in_settlement(leg, worth, price) - options.start[:, None]


def hedged_by(leg: Leg, options: marks.Options, size: Array, price: Array, variance: Any) -> Array:
    """The size of a linear (of an `inverse_option`: inverse) leg that gains what this one does in a small move.

    linear: size delta; inverse: size (delta p - worth), as a worth of V / p coins has the slope (delta - V / p) / p and
    a gain of 1 - 1 / p that of 1 / p^2. The implied volatility stays as it is.
    """
    slope = marks.delta(options, jnp.log(price), variance)
    if leg.contract == "option":
        return size * slope
    return size * (slope * price - marks.value(options, jnp.log(price), variance))


def paid(leg: Leg, options: marks.Options, size: Array, price: Array, step: Array) -> Array:
    """Cash that options which expire at the end of this step pay."""
    return lax.cond(
        jnp.any(options.expiry == step),
        lambda: size * in_settlement(leg, marks.payoff(options, price, step), price),
        lambda: jnp.zeros_like(size),
    )


def alone(leg: Leg, options: marks.Options, size: Array, price: Array, variance: Any) -> Array:
    """The requirement without portfolio margin: option by option."""
    return size * in_settlement(leg, marks.alone(options, jnp.log(price), variance), price)


def in_settlement(leg: Leg, worth: Array, price: Array) -> Array:
    """A worth in the quote currency as one in the leg's own."""
    return worth / price if leg.contract == "inverse_option" else worth


def row(per_asset: Any, asset: int) -> Array:
    """The row of one asset of an array (asset, path)."""
    return per_asset[asset : asset + 1]
