"""Where on its way through a piece an account is liquidated: the point at which its excess falls to zero.

Three ways, by what the account depends on:
- one leg whose rate does not jump with the price: the trigger price in closed form, the worst over its tiers;
- one asset: the excess at both bridged extremes of the price, and between the start and the worse of them the root;
- several assets: the excess itself is taken for a Brownian motion with the variance that its deltas give, and bridged
  with one exponential draw. It is met at 0 where the prices are expected to be given that (regression on the excess).
After a jump the excess is looked at where the jump ended.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from stresslab.accounts.contracts import OPTIONS
from stresslab.accounts.form import AccountForm, AccountNumbers
from stresslab.accounts.point import Point, Prices, spread_out
from stresslab.accounts.requirement import of_leg, rate_by_size
from stresslab.accounts.state import Holding, excess, is_open
from stresslab.accounts.tier_tables import largest
from stresslab.venues.margin_kernel import line_crossing

Value = Callable[[Prices], Array]

_ROUNDS = 3  # of regula falsi: within a tier the excess of a linear book is a straight line, and one would do
_HALVINGS = 14  # at a cliff: the way in a step, to 1e-4 of itself
_SECANTS = 2  # of several assets: the value is not linear in log prices
_FARTHEST = np.float32(10)  # in deviations: prices stay finite where there is no breach


class Piece(NamedTuple):
    """A continuous piece of a step as accounts see it; prices of each asset, (1, path)."""

    before: Prices
    low: Prices
    high: Prices
    end: Prices
    deviations: Prices  # square root of the variance on the way, of the log price
    exponential: Array  # of the bridges, (asset, path)
    correlation: Array  # (asset, asset)
    variance: Any  # per year, at its start
    step: Any

    def at(self, prices: Prices) -> Point:
        """The point in it where prices are these."""
        return Point(prices, self.variance, self.step)


class Breach(NamedTuple):
    """Which accounts are liquidated in a piece, and at what prices, (book, path) each."""

    hit: Array
    at: Prices


def has_closed_form(form: AccountForm) -> bool:
    """Whether the trigger is one price, known from balance and size."""
    (leg, *others) = form.legs
    by_price = leg.shape != "marginal" and leg.tier_of == "notional" and leg.basis == "mark"
    return (
        not others
        and form.netting != "portfolio"
        and leg.contract not in OPTIONS
        and not form.collaterals
        and not leg.dated
        and not by_price
    )


def trigger_price(form: AccountForm, numbers: AccountNumbers, holding: Holding) -> Array:
    """The price at which excess is zero, of an account that has a closed form; without a position it means nothing.

    With a the size, s its sign and b the balance, equity is b + s a (p - 1), or b - s a (x - 1) in x = 1 / p for an
    inverse contract; it meets the lines a r x - c of the tiers, and the one that is met first counts.
    """
    (leg,), (own,), (size,) = form.legs, numbers.legs, holding.sizes
    sign, amount = jnp.sign(size), jnp.abs(size)
    slope = -size if leg.contract == "inverse" else size
    if leg.basis == "entry":
        fixed: Any = of_leg(leg, own, size, jnp.ones_like(size))  # at any price
    else:
        fixed = own.fixed[:, None] * amount if leg.fixed else np.float32(0)

    def met(rate: Any, cum: Any) -> Array:
        top, bottom = line_crossing(slope, holding.balance - slope, amount * rate, cum - fixed)
        return sign * (_inverse_price(sign, top, bottom) if leg.contract == "inverse" else top / bottom)

    if leg.basis == "entry":
        return sign * met(np.float32(0), np.float32(0))
    if leg.shape == "marginal":
        return sign * largest(met, own.mmr, own.cum)
    return sign * met(rate_by_size(leg, own, size), np.float32(0))


def _inverse_price(sign: Array, top: Array, bottom: Array) -> Array:
    # a short that is covered by its coin is never liquidated; a long without coin is at any price
    return jnp.where(sign * top < np.float32(0), bottom / top, np.float32(np.inf))


def in_piece(form: AccountForm, numbers: AccountNumbers, holding: Holding, piece: Piece) -> Breach:
    """The breach in a continuous piece, if there is one; an account in breach before it is met at its start."""
    if has_closed_form(form):
        return _closed_form_breach(form, numbers, holding, piece)
    has_cliff = any(leg.shape == "flat" and leg.tier_of == "notional" and leg.basis == "mark" for leg in form.legs)
    lowest = lowest_value(
        form.assets, lambda prices: excess(form, numbers, holding, piece.at(prices)), piece, has_cliff, is_open(holding)
    )
    return Breach(is_open(holding) & _is_breached(form, lowest.value), lowest.zero)


def at_point(form: AccountForm, numbers: AccountNumbers, holding: Holding, point: Point) -> Breach:
    """The breach at the prices where a jump ended, or where they stand."""
    found = excess(form, numbers, holding, point)
    return Breach(is_open(holding) & _is_breached(form, found), spread_out(point.prices, found))


def _is_breached(form: AccountForm, found: Array) -> Array:
    return found < np.float32(0) if form.strict else found <= np.float32(0)


def _closed_form_breach(form: AccountForm, numbers: AccountNumbers, holding: Holding, piece: Piece) -> Breach:
    asset, (size,) = form.legs[0].asset, holding.sizes
    level = trigger_price(form, numbers, holding)
    long = size > np.float32(0)
    worst, start = jnp.where(long, piece.low[asset], piece.high[asset]), piece.before[asset]
    beyond = jnp.where(long, worst <= level, worst >= level)
    if form.strict:
        beyond = jnp.where(long, worst < level, worst > level)
    hit = (size != np.float32(0)) & beyond
    at = jnp.where(long, jnp.minimum(level, start), jnp.maximum(level, start))
    prices = (*piece.before[:asset], jnp.where(hit, at, start), *piece.before[asset + 1 :])
    return Breach(hit, spread_out(prices, hit))


class Lowest(NamedTuple):
    """The lowest that a value comes to in a piece, and the prices at which it is first zero (if it is)."""

    value: Array
    zero: Prices


def lowest_value(
    assets: tuple[int, ...], value: Value, piece: Piece, has_cliff: bool = False, sought: Any = np.False_
) -> Lowest:
    """Of an excess or a wealth that depends on these assets; a value with a cliff jumps at some prices.

    The prices at zero are found where they are `sought`.
    """
    if len(assets) == 1:
        return _one_asset(assets[0], value, piece, has_cliff, sought)
    return _several_assets(assets, value, piece)


def _one_asset(asset: int, value: Value, piece: Piece, has_cliff: bool, sought: Any) -> Lowest:
    def at(price: Array) -> Prices:
        return (*piece.before[:asset], price, *piece.before[asset + 1 :])

    start, low, high = (value(at(price[asset])) for price in (piece.before, piece.low, piece.high))
    down = low < high
    lowest = jnp.minimum(low, high)
    worst = jnp.where(down, piece.low[asset], piece.high[asset])
    before = jnp.broadcast_to(piece.before[asset], worst.shape)

    def met() -> Array:
        found = _root(lambda price: value(at(price)), before, worst, start, lowest, has_cliff)
        return jnp.where(start <= np.float32(0), before, found)

    is_any = jnp.any(sought & (lowest <= np.float32(0)))
    return Lowest(lowest, spread_out(at(lax.cond(is_any, met, lambda: before)), lowest))


def _root(
    value: Callable[[Array], Array], near: Array, far: Array, above: Array, below: Array, has_cliff: bool
) -> Array:
    """The price between `near`, where the value is `above` 0, and `far`, where it is `below`, at which it is 0.

    A value found is judged in the round after: XLA may work it out anew, and round otherwise, for each of its uses in
    the same one.
    """

    def nearer(bracket: Any, _: None) -> tuple[Any, None]:
        near, far, above, below, price, found = bracket
        is_above = found > np.float32(0)
        near, above = jnp.where(is_above, price, near), jnp.where(is_above, found, above)
        far, below = jnp.where(is_above, far, price), jnp.where(is_above, below, found)
        share: Any = np.float32(0.5)
        if not has_cliff:
            share = jnp.clip(above / jnp.maximum(above - below, np.float32(1e-30)), np.float32(0), np.float32(1))
        price = near + share * (far - near)
        return (near, far, above, below, price, value(price)), None

    rounds = _HALVINGS if has_cliff else _ROUNDS
    return lax.scan(nearer, (near, far, above, below, near, above), None, length=rounds)[0][4]


def _several_assets(assets: tuple[int, ...], value: Value, piece: Piece) -> Lowest:
    start, end = value(piece.before), value(piece.end)
    tilts = {asset: _shifted_value(value, piece, asset) - start for asset in assets}
    covariances = {
        asset: functools.reduce(jnp.add, [piece.correlation[asset, other] * tilts[other] for other in assets])
        for asset in assets
    }
    variance = functools.reduce(jnp.add, [tilts[asset] * covariances[asset] for asset in assets])
    variance = jnp.maximum(variance, np.float32(1e-30))
    move = end - start
    reach = jnp.sqrt(move * move + np.float32(2) * variance * piece.exponential[0:1])
    lowest = jnp.minimum(np.float32(0.5) * (start + end - reach), end)
    # the way to zero: the part of the move that is over by then, and what the noise adds (regression on the value)
    above, deviation = jnp.maximum(start, np.float32(0)), jnp.sqrt(variance)
    over = above / jnp.maximum(start + end - np.float32(2) * lowest, np.float32(1e-30))
    over = jnp.minimum(over, np.float32(1))
    noise = jnp.clip((-above - over * move) / deviation, -_FARTHEST, _FARTHEST) / deviation
    way = {asset: over * jnp.log(piece.end[asset] / piece.before[asset]) for asset in assets}
    way = {asset: way[asset] + noise * covariances[asset] * piece.deviations[asset] for asset in assets}
    share = jnp.ones_like(start)
    for _ in range(_SECANTS):
        found = value(_moved(piece, way, share))
        share = share * jnp.clip(above / jnp.maximum(above - found, np.float32(1e-30)), np.float32(0), np.float32(2))
    prices = _moved(piece, way, share)
    return Lowest(lowest, spread_out(prices, lowest))


def _shifted_value(value: Value, piece: Piece, asset: int) -> Array:
    """The value after a move of one deviation of this asset."""
    shifted = piece.before[asset] * jnp.exp(piece.deviations[asset])
    return value((*piece.before[:asset], shifted, *piece.before[asset + 1 :]))


def _moved(piece: Piece, way: dict[int, Array], share: Array) -> Prices:
    return tuple(
        price * jnp.exp(share * way[asset]) if asset in way else price for asset, price in enumerate(piece.before)
    )
