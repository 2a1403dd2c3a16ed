"""One block of a study by the general account engine: books of one form on the paths of a market cell.

The paths are walked segment by segment. What a book's money is is written down at the horizons; events leave codes.
There is nothing to look up afterwards. Books that their first event ends are walked by `accounts.first_event`.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from stresslab import payments, random, scan
from stresslab.accounts import first_event
from stresslab.accounts import state as book_state
from stresslab.accounts.engine import Engine
from stresslab.accounts.first_event import Watcher
from stresslab.accounts.form import BookForm, BookNumbers
from stresslab.accounts.scene import now
from stresslab.accounts.settling import settle
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
    memory = sum(np.asarray(leaf).size for leaf in jax.tree.leaves(a.state.memory))
    kept = len(Money._fields) * n_books * shape.n_horizons
    if first_event.suits(shape.form):
        return 4 * (memory + n_books * (5 + 2 * len(a.fractions))), 4 * kept
    legs = sum(len(account.legs) + 1 for account in shape.form.accounts)
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
    noted = first_event.begin(books) if first_event.suits(shape.form) else ()
    rows = a.segments, _ends_horizon(a.segments), a.funding.payments if a.funding else ()
    (_, books, _, _, money), _ = lax.scan(
        lambda running, row: _segment(shape, a, paths, running, *row), (place, books, noted, rates, money), rows
    )
    return Result(books.codes, money, books)


def _ends_horizon(segments: Segments) -> Array:
    """Whether a horizon comes with the end of a segment."""
    after = jnp.concatenate([segments.horizon[1:], jnp.full((1,), -1, segments.horizon.dtype)])
    return segments.horizon != after


def _segment(
    shape: Shape, a: Arguments, paths: scan.Walk, running: Any, segment: Segments, ends_horizon: Array, payment: Any
) -> Any:
    place, books, noted, rates, money = running
    engine = Engine(shape.form, a.numbers, a.fractions, a.correlation, segment.bin)
    if noted:
        place, noted = scan.many_steps(paths, place, Watcher(engine, books), noted, segment.steps)
    else:
        place, books = scan.many_steps(paths, place, engine, books, segment.steps)
    rate, is_due = segment.funding_rate, segment.funding_rate != np.float32(0)
    if a.funding:
        rates, own = payments.pay(a.funding, paths, payment, rates, place.state)
        rate, is_due = rate + own, payment.is_due
    books, noted = lax.cond(is_due, lambda b, n: _paid(engine, b, n, rate), lambda b, n: (b, n), books, noted)
    books, noted, money = lax.cond(
        ends_horizon,
        lambda b, n, m: _recorded(engine, b, n, m, segment.horizon),
        lambda b, n, m: (b, n, m),
        *(books, noted, money),
    )
    return (place, books, noted, rates, money), ()


def _paid(engine: Engine, books: Books, noted: Any, rate: Array) -> tuple[Books, Any]:
    """Funding, and the test after it."""
    if noted:
        return Watcher(engine, books).pay_funding(noted, rate)
    return engine.pay_funding(books, rate), noted


def _recorded(engine: Engine, books: Books, noted: Any, money: Money, horizon: Array) -> tuple[Books, Any, Money]:
    """What the books are worth at a horizon."""
    if noted:
        books, noted = settle(Watcher(engine, books), noted)
    engine = engine.at_step(books.step)
    pnl = book_state.wealth(engine.form, engine.numbers, books, now(books)) - engine.numbers.equity[:, None]
    ledger = books.ledger
    found = Money(pnl, ledger.fees, ledger.funding, ledger.shortfall, ledger.fund)
    kept = [lax.dynamic_update_index_in_dim(m, one, horizon, 0) for m, one in zip(money, found, strict=True)]
    return books, noted, Money(*kept)
