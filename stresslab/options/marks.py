"""What a book of options is worth, and needs, along the paths: its tables read at each path's price and variance.

Between the nodes everything goes straight in the price and in the volatility (not in their logarithms): a book deep in
the money, or a future, is then exact, beyond the table's edges too. Beyond the edges of the volatility it stays flat.

The requirement is exact for any multiple held of the book and any future or perpetual beside it: the tables hold what
the options are worth in each scenario; the future's part is linear in the shifted price and added here.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from stresslab.options.margin import PortfolioMargin
from stresslab.options.surface import CHARGE, DELTA, STANDARD, VALUE


class Options(NamedTuple):
    """The books of options of a leg as the loop reads them; the first axis of every array is the book.

    Per unit: the quantities of a book's options, without sign, sum to one unit.
    """

    columns: Any  # float32 (book, slice, column, volatility, price), in the quote currency
    price: Any  # float32 (book, 2): lowest log price of the table, and its step
    volatility: Any  # float32 (book, 2): of the log volatility
    row: Any  # int32 (book, step): the slice before the end of each step, expired options already paid
    weight: Any  # float32 (book, step): of the slice after it
    start: Any  # float32 (book,): worth at as_of, in the settlement currency
    quantity: Any  # float32 (book, option)
    strike: Any  # float32 (book, option), relative to the spot
    call: Any  # bool (book, option)
    expiry: Any  # int32 (book, option): step at whose end it is paid


class Rule(NamedTuple):
    """The numbers of the requirement as the loop reads them, float32; the first axis is the book."""

    standard: Any  # moves
    extended: Any
    scale: Any  # of the PnL of each extended move, and of the relief it is given
    relief: Any
    future: Any  # charged of a future's value
    mm_factor: Any


class Marks(NamedTuple):
    """Per unit, (book, path), in the quote currency; delta in units of the underlying."""

    value: Array
    delta: Array
    charge: Array
    shifted: tuple[Array, ...]  # values after the standard and the extended moves


def loop_rule(rule: PortfolioMargin, coin: bool, scale: float) -> Rule:
    """The rule for one book whose money is counted in `scale` units of the quote currency (in coin: their worth)."""
    standard, extended = rule.standard_moves, np.asarray(rule.extended_moves)
    depth, edge = np.abs(extended) / rule.price_range, 1 + np.sign(extended) * rule.price_range
    factor = rule.extended_table_factor / depth * ((1 + extended) / edge if coin else 1.0)
    relief = np.maximum(depth - 1, 0) * rule.extended_dampener / scale / (edge if coin else 1.0)
    numbers = standard, extended, factor, relief, rule.roll_shock(0.0), rule.mm_factor
    return Rule(*(np.asarray(one, float)[None] for one in numbers))


def value(options: Options, log_price: Array, variance: Array, step: Array) -> Array:
    """Worth of a unit, (book, path), in the quote currency."""
    columns = _at_step(options, step)
    return _read(columns, _find(columns, options, log_price, variance), VALUE)


def delta(options: Options, log_price: Array, variance: Array, step: Array) -> Array:
    """Delta of a unit, (book, path), in units of the underlying, of the worth in the quote currency."""
    columns = _at_step(options, step)
    return _read(columns, _find(columns, options, log_price, variance), DELTA)


def marks(options: Options, log_price: Array, variance: Array, step: Array) -> Marks:
    """All that the requirement asks of the books; prices are (1, path) or (book, path)."""
    columns = _at_step(options, step)
    spot = _find(columns, options, log_price, variance)
    shifted = tuple(_read(columns, spot, n) for n in range(STANDARD, columns.shape[1]))
    value, delta, charge = (_read(columns, spot, n) for n in (VALUE, DELTA, CHARGE))
    return Marks(value, delta, charge, shifted)


def payoff(options: Options, price: Array, step: Array) -> Array:
    """What a unit is paid at the end of this step, (book, path), in the quote currency."""

    def of_option(total: Array, option: tuple[Array, ...]) -> tuple[Array, None]:
        quantity, strike, call, expiry = (one[:, None] for one in option)
        intrinsic = jnp.maximum(jnp.where(call, price - strike, strike - price), np.float32(0))
        return total + jnp.where(expiry == step, quantity, np.float32(0)) * intrinsic, None

    each = tuple(one.T for one in (options.quantity, options.strike, options.call, options.expiry))
    none = jnp.zeros((options.strike.shape[0], price.shape[1]), price.dtype)
    return lax.scan(of_option, none, each)[0]


def maintenance(
    rule: Rule, at: Marks | None, price: Array, held: Array, futures: tuple[Array, ...], coin: bool
) -> Array:
    """Maintenance margin of `held` units of options and futures of these sizes, in the settlement currency."""
    unit = np.float32(1) / price if coin else np.float32(1)  # of the quote currency, in that of settlement

    future = functools.reduce(jnp.add, futures, jnp.zeros_like(held))

    def loss(n: int, move: Array) -> Array:
        of_future = future * price * (move / (np.float32(1) + move) if coin else move)
        if at is None:
            return -of_future * unit
        after = at.shifted[n] / (np.float32(1) + move) if coin else at.shifted[n]
        return -(held * (after - at.value) + of_future) * unit

    def number(of_rule: Array, n: int) -> Array:
        return of_rule[:, n, None]

    n_standard, n_extended = rule.standard.shape[1], rule.extended.shape[1]
    losses = [loss(n, number(rule.standard, n)) for n in range(n_standard)]
    for n in range(n_extended):
        full = loss(n_standard + n, number(rule.extended, n))
        losses.append(full * number(rule.scale, n) - number(rule.relief, n) * unit)
    worst = jnp.maximum(functools.reduce(jnp.maximum, losses), np.float32(0))
    gross = functools.reduce(jnp.add, [jnp.abs(one) for one in futures], jnp.zeros_like(held))
    charge = rule.future[:, None] * gross * price * unit
    if at is not None:
        charge = charge + held * at.charge * unit
    return rule.mm_factor[:, None] * (worst + charge)


class _Spot(NamedTuple):
    """Where each path lies: the node below it in the flattened table, and the weights of the nodes above."""

    node: Array
    price: Array
    volatility: Array


def _at_step(options: Options, step: Array) -> Array:
    """The columns at the end of a step, (book, column, volatility, price)."""

    def of_book(columns: Array, row: Array, weight: Array) -> Array:
        before, after = lax.dynamic_slice_in_dim(columns, row[step], 2)
        return before + (after - before) * weight[step]

    return jax.vmap(of_book)(options.columns, options.row, options.weight)


def _find(columns: Array, options: Options, log_price: Array, variance: Array) -> _Spot:
    books, n_columns, volatilities, prices = columns.shape
    cell, of_price = _cell(options.price, log_price, prices)
    first = jnp.arange(books, dtype=jnp.int32)[:, None] * np.int32(n_columns * volatilities * prices)
    if volatilities == 1:
        return _Spot(first + cell, of_price, of_price)
    row, of_volatility = _cell(options.volatility, np.float32(0.5) * jnp.log(variance), volatilities)
    within = jnp.clip(of_volatility, np.float32(0), np.float32(1))
    return _Spot(first + row * np.int32(prices) + cell, of_price, within)


def _cell(axis: Array, logarithm: Array, n_nodes: int) -> tuple[Array, Array]:
    """The node below, and how far the number itself (not its logarithm) lies on the way to the next one."""
    lowest, step = axis[:, 0, None], axis[:, 1, None]
    along = (logarithm - lowest) / step
    below = jnp.clip(jnp.floor(along).astype(jnp.int32), np.int32(0), np.int32(n_nodes - 2))
    return below, jnp.expm1((along - below.astype(along.dtype)) * step) / jnp.expm1(step)


def _read(columns: Array, spot: _Spot, n: int) -> Array:
    flat, (volatilities, prices) = columns.reshape(-1), columns.shape[2:]
    first = spot.node + np.int32(n * volatilities * prices)

    def between(node: Array) -> Array:
        low, high = (flat.at[node + np.int32(k)].get(mode="promise_in_bounds") for k in (0, 1))
        return low + (high - low) * spot.price

    if volatilities == 1:
        return between(first)
    low, high = between(first), between(first + np.int32(prices))
    return low + (high - low) * spot.volatility
