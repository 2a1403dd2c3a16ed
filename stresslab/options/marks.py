"""What a book of options is worth, and needs, along the paths: its tables read at each path's price and variance.

Columns are read in loops of their own: XLA's CPU compiler would fuse the tables into every place that asks for them.
Between the nodes everything goes straight in the price and in the volatility (not in their logarithms): a book deep in
the money, or a future, is then exact, beyond the table's edges too. Beyond the edges of the volatility it stays flat.

The requirement is exact for any multiple held of the book and any future or perpetual beside it: the tables hold what
the options are worth in each scenario; the future's part is linear in the shifted price and added here.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from stresslab.options.margin import PortfolioMargin
from stresslab.options.surface import ALONE, CHARGE, DELTA, SHIFTED, VALUE


class Options(NamedTuple):
    """The books of options of a leg as the loop reads them. Books that hold the same options share their tables.

    Per unit: the quantities of a book's options, without sign, sum to one unit. `at_step` reads the slices of one step,
    which is what everything else here takes.
    """

    columns: Any  # float32 (table, slice, column, volatility, price), at a step (column, table, volatility, price)
    price: Any  # float32 (table, 2): lowest log price of the table, and its step
    volatility: Any  # float32 (table, 2): of the log volatility
    row: Any  # int32 (table, step): the slice before the end of each step, expired options already paid
    weight: Any  # float32 (table, step): of the slice after it
    table: Any  # int32 (book,)
    start: Any  # float32 (book,): worth at as_of, in the settlement currency
    quantity: Any  # float32 (book, option)
    strike: Any  # float32 (book, option), relative to the spot
    call: Any  # bool (book, option)
    expiry: Any  # int32 (book, option): step at whose end it is paid


class Rule(NamedTuple):
    """The numbers of the requirement as the loop reads them, float32; the first axis is the book."""

    moves: Any  # (book, move): the standard ones, then the extended
    scale: Any  # of the PnL of each move: 1, or what an extended one counts
    relief: Any  # and what it is let off
    future: Any  # charged of a future's value
    mm_factor: Any


def loop_rule(rule: PortfolioMargin, coin: bool, scale: float) -> Rule:
    """The rule for one book whose money is counted in `scale` units of the quote currency (in coin: their worth)."""
    extended, none = np.asarray(rule.extended_moves), np.zeros(len(rule.standard_moves))
    depth, edge = np.abs(extended) / rule.price_range, 1 + np.sign(extended) * rule.price_range
    counted = rule.extended_table_factor / depth * ((1 + extended) / edge if coin else 1.0)
    relief = np.maximum(depth - 1, 0) * rule.extended_dampener / scale / (edge if coin else 1.0)
    moves = (rule.standard_moves, extended), (none + 1, counted), (none, relief)
    numbers = (*(np.concatenate(one) for one in moves), rule.roll_shock(0.0), rule.mm_factor)
    return Rule(*(np.asarray(one, float)[None] for one in numbers))


def at_step(options: Options, step: Array) -> Options:
    """The tables at the end of a step: worked out once, and read in many places."""

    def of_column(column: Array) -> Array:
        def of_table(tables: Array, row: Array, weight: Array) -> Array:
            zero = jnp.zeros((), jnp.int32)
            start = (row[step], column, zero, zero)
            before, after = lax.dynamic_slice(tables, start, (2, 1, *tables.shape[2:]))[:, 0]
            return before + (after - before) * weight[step]

        return jax.vmap(of_table)(options.columns, options.row, options.weight)

    columns = lax.map(of_column, jnp.arange(options.columns.shape[2], dtype=jnp.int32))
    return options._replace(columns=columns, row=(), weight=())


def value(options: Options, log_price: Array, variance: Array) -> Array:
    """Worth of a unit, (book, path), in the quote currency; prices are (1, path) or (book, path).

    Its derivative by the log price is told to JAX: price times the table's delta, not the slope between two nodes.
    """

    @jax.custom_jvp
    def worth(log_price: Array) -> Array:
        return _read(options.columns[VALUE], _find(options, log_price, variance))

    @worth.defjvp
    def _(at: tuple[Array], moved: tuple[Array]) -> tuple[Array, Array]:
        (log_price,), (by,) = at, moved
        return worth(log_price), jnp.exp(log_price) * delta(options, log_price, variance) * by

    return worth(log_price)


def delta(options: Options, log_price: Array, variance: Array) -> Array:
    """Delta of a unit, (book, path), in units of the underlying, of the worth in the quote currency."""
    return _read(options.columns[DELTA], _find(options, log_price, variance))


def alone(options: Options, log_price: Array, variance: Array) -> Array:
    """What a unit needs without portfolio margin, option by option, (book, path), in the quote currency."""
    return _read(options.columns[ALONE], _find(options, log_price, variance))


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
    rule: Rule,
    options: Options | None,
    price: Array,
    variance: Array,
    held: Array,
    futures: tuple[Array, ...],
    coin: bool,
) -> Array:
    """Maintenance margin of `held` units of options and futures of these sizes, in the settlement currency."""
    unit = np.float32(1) / price if coin else np.float32(1)  # of the quote currency, in that of settlement
    future = sum(futures, jnp.zeros_like(held)) * price
    gross = sum((jnp.abs(one) for one in futures), jnp.zeros_like(held)) * price
    tables: tuple[Array, ...] = ()
    before, charge = jnp.zeros_like(held), rule.future[:, None] * gross
    if options is not None:
        spot = _find(options, jnp.log(price), variance)
        before = _read(options.columns[VALUE], spot)
        charge = charge + held * _read(options.columns[CHARGE], spot)
        tables = (options.columns[SHIFTED:],)

    def worst(so_far: Array, scenario: tuple[Array, ...]) -> tuple[Array, None]:
        move, scale, relief = (one[:, None] for one in scenario[:3])
        after = np.float32(1) + move if coin else np.float32(1)
        earned = future * move / after
        for column in scenario[3:]:
            earned = earned + held * (_read(column, spot) / after - before)
        return jnp.maximum(so_far, -earned * scale - relief), None

    loss, _ = lax.scan(worst, jnp.zeros_like(held), (rule.moves.T, rule.scale.T, rule.relief.T, *tables))
    return rule.mm_factor[:, None] * (loss + charge) * unit


class _Spot(NamedTuple):
    """Where each path lies: the node below it in the flattened table, and the weights of the nodes above."""

    node: Array
    price: Array
    volatility: Array


def _find(options: Options, log_price: Array, variance: Array) -> _Spot:
    volatilities, prices = options.columns.shape[2:]
    cell, of_price = _cell(options.price[options.table], log_price, prices)
    first = options.table[:, None] * np.int32(volatilities * prices)
    if volatilities == 1:
        return _Spot(first + cell, of_price, of_price)
    row, of_volatility = _cell(options.volatility[options.table], np.float32(0.5) * jnp.log(variance), volatilities)
    within = jnp.clip(of_volatility, np.float32(0), np.float32(1))
    return _Spot(first + row * np.int32(prices) + cell, of_price, within)


def _cell(axis: Array, logarithm: Array, n_nodes: int) -> tuple[Array, Array]:
    """The node below, and how far the number itself (not its logarithm) lies on the way to the next one."""
    lowest, step = axis[:, 0, None], axis[:, 1, None]
    along = (logarithm - lowest) / step
    below = jnp.clip(jnp.floor(along).astype(jnp.int32), np.int32(0), np.int32(n_nodes - 2))
    return below, jnp.expm1((along - below.astype(along.dtype)) * step) / jnp.expm1(step)


def _read(column: Array, spot: _Spot) -> Array:
    """One column, (table, volatility, price), at these places."""
    flat, (volatilities, prices) = column.reshape(-1), column.shape[1:]

    def between(node: Array) -> Array:
        low, high = (flat.at[node + np.int32(k)].get(mode="promise_in_bounds") for k in (0, 1))
        return low + (high - low) * spot.price

    if volatilities == 1:
        return between(spot.node)
    low, high = between(spot.node), between(spot.node + np.int32(prices))
    return low + (high - low) * spot.volatility
