"""One block of a study by the general account engine: books of one form on the paths of a market cell.

The paths are walked segment by segment. What a book's money is at a horizon is written down at the end of every segment
until the horizon has come; events leave codes. There is nothing to look up afterwards.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from stresslab import payments, random, scan
from stresslab.accounts import state as book_state
from stresslab.accounts.engine import Engine
from stresslab.accounts.form import BookForm, BookNumbers
from stresslab.accounts.scene import now
from stresslab.accounts.state import Books
from stresslab.models.base import Dynamics, Layout, Parameters, State
from stresslab.schedule import Schedule, Segments


class Shape(NamedTuple):
    """Everything that the compiled loop depends on beside its arguments."""

    dynamics: Dynamics
    layout: Layout
    form: BookForm
    n_horizons: int
    antithetic: bool
    n_paths: int


class Arguments(NamedTuple):
    """What the compiled loop is called with; every leaf is float32, int32 or uint32."""

    key: random.Key
    coefficients: Any
    state: State  # of one path, shape (asset, 1)
    segments: Segments
    fractions: Any  # loss levels
    numbers: BookNumbers
    correlation: Any  # of the assets' price noise, (asset, asset)
    funding: Any = ()  # a `payments.Law` where rates differ from path to path


class Money(NamedTuple):
    """At each horizon, (horizon, book, path), relative to the book's scale. PnL is net of fees and funding."""

    pnl: Array
    fees: Array
    funding: Array  # received
    shortfall: Array
    fund: Array  # change of the insurance fund: residuals less the shortfalls that it covered


class Result(NamedTuple):
    """What a scan leaves, path by path."""

    codes: book_state.Codes
    money: Money
    end: Books  # at the last horizon


def arguments(
    key: random.Key,
    model: Parameters,
    dt: float,
    schedule: Schedule,
    fractions: np.ndarray,
    numbers: BookNumbers,
    correlation: np.ndarray | None = None,
    funding: Any = (),
) -> Arguments:
    """Host values as the arrays of one call, rounded to float32 once."""
    related = np.eye(model.layout(dt).assets) if correlation is None else correlation
    plain = Arguments(
        key, model.coefficients(dt), model.init(1), schedule.segments, fractions, numbers, related, funding
    )
    return jax.tree.map(to_single, plain)


def to_single(leaf: Any) -> np.ndarray:
    """Float64 as float32; all else as it is."""
    array = np.asarray(leaf)
    return array.astype(np.float32) if array.dtype == np.float64 else array


def with_model(a: Arguments, model: Parameters, dt: float) -> Arguments:
    """The same call for other numbers of the model."""
    coefficients, state = jax.tree.map(to_single, (model.coefficients(dt), model.init(1)))
    return a._replace(coefficients=coefficients, state=state)


def bytes_per_path(shape: Shape, a: Arguments) -> tuple[int, int]:
    """What a path takes: the state that every step touches, and what is kept for the horizons."""
    n_books = len(a.numbers.equity)
    legs = sum(len(account.legs) + 1 for account in shape.form.accounts)
    memory = sum(np.asarray(leaf).size for leaf in jax.tree.leaves(a.state.memory))
    kept = len(Money._fields) * n_books * shape.n_horizons
    return 4 * (memory + n_books * (legs + 10 + len(a.fractions))), 4 * kept


def walk(shape: Shape, first: Array, *given: Any) -> Result:
    """Walk `shape.n_paths` paths, the first of which is number `first`."""
    a = Arguments(*given)
    numbers = scan.path_numbers(first, shape.n_paths)
    extra = sum(condition.words for condition in shape.form.conditions)
    paths = scan.Walk(
        shape.dynamics, shape.layout, shape.antithetic, a.key, numbers, a.coefficients, extra, bridges=True
    )
    place = scan.begin(paths, scan.spread(shape.dynamics, a.state, shape.n_paths))
    rates = payments.begin(a.funding, paths, place.state) if a.funding else ()
    price = jnp.ones((shape.layout.assets, shape.n_paths), jnp.float32)
    books = book_state.start(shape.form, a.numbers, a.fractions.shape[0], price, place.state.variance)
    nothing = jnp.zeros((shape.n_horizons, *books.reserve.shape), jnp.float32)
    money = Money(nothing, nothing, nothing, nothing, nothing)
    rows = a.segments, a.funding.payments if a.funding else ()
    (_, books, _, money), _ = lax.scan(
        lambda running, row: _segment(shape, a, paths, running, *row), (place, books, rates, money), rows
    )
    return Result(books.codes, money, books)


def _segment(shape: Shape, a: Arguments, paths: scan.Walk, running: Any, segment: Segments, payment: Any) -> Any:
    place, books, rates, money = running
    engine = Engine(shape.form, a.numbers, a.fractions, a.correlation, segment.bin)
    place, books = scan.many_steps(paths, place, engine, books, segment.steps)
    rate, is_due = segment.funding_rate, segment.funding_rate != np.float32(0)
    if a.funding:
        rates, own = payments.pay(a.funding, paths, payment, rates, place.state)
        rate, is_due = rate + own, payment.is_due
    books = lax.cond(is_due, lambda books: engine.pay_funding(books, rate), lambda books: books, books)
    money = _recorded(shape, a, books, money, segment.horizon)
    return (place, books, rates, money), ()


def _recorded(shape: Shape, a: Arguments, books: Books, money: Money, horizon: Array) -> Money:
    """Each segment overwrites the horizon's record until the horizon has come."""
    pnl = book_state.wealth(shape.form, a.numbers, books, now(books)) - a.numbers.equity[:, None]
    ledger = books.ledger
    found = Money(pnl, ledger.fees, ledger.funding, ledger.shortfall, ledger.fund)
    return Money(
        *(lax.dynamic_update_index_in_dim(kept, one, horizon, 0) for kept, one in zip(money, found, strict=True))
    )
