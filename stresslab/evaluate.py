"""One block of a study by the static ladder: the plain books of a market cell on the same paths.

Three stages, each compiled into the same program: walk the paths; look up the record of the segment in which each book
was crossed; settle the money. All other books are evaluated by `general`.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from stresslab import payments, random, scan
from stresslab.books import ladder
from stresslab.books.linear import Lines, Positions, ladder_lines
from stresslab.books.outcome import CAUSES, Closing, Money, Outcome, at_horizons, close_out
from stresslab.models.base import Dynamics, Layout, Parameters, State
from stresslab.observers import ExtremeObserver, LadderObserver, Side
from stresslab.schedule import GAP_SLOTS, Schedule, Segments


class Shape(NamedTuple):
    """Everything that the compiled loop depends on beside its arguments."""

    dynamics: Dynamics
    layout: Layout
    sides: tuple[int, ...]
    n_horizons: int
    antithetic: bool
    n_paths: int


class Arguments(NamedTuple):
    """What the compiled loop is called with; every leaf is float32, int32 or uint32."""

    key: random.Key
    coefficients: Any
    state: State  # of one path, shape (1, 1)
    segments: Segments
    last_code: Any  # int32 (horizon,)
    fractions: Any  # loss levels, float32
    sides: tuple[Side, ...]
    funding: Any = ()  # a `payments.Law` where rates differ from path to path


class Walked(NamedTuple):
    """The paths walked: for each side the crossings of its books, and the records with the segment in front."""

    books: tuple[ladder.Crossings, ...]
    records: tuple[ladder.Record, ...]
    funding_after: Array  # (segment, 1, path)
    price_at: Array  # (horizon, 1, path)
    funding_at: Array
    gaps_lost: Array


class Looked(NamedTuple):
    """The walk with what happened in the segment of each crossing: for each side the liquidation's and the losses'."""

    walked: Walked
    liquidation: tuple[Any, ...]
    losses: tuple[tuple[Any, ...], ...]


class Resolved(NamedTuple):
    """The end of every book, for each side in the order of `Shape.sides`, and what the survivors' money hangs on."""

    outcome: tuple[Outcome, ...]
    price_at: Array
    funding_at: Array
    gaps_lost: Array


class Closed(NamedTuple):
    """The same with the money of the close-outs."""

    closing: tuple[Closing, ...]
    price_at: Array
    funding_at: Array
    gaps_lost: Array


class Result(NamedTuple):
    """Everything of one scan path by path, for each side."""

    closing: tuple[Closing, ...]
    money: tuple[Money, ...]
    gaps_lost: Array


def arguments(
    key: random.Key,
    model: Parameters,
    dt: float,
    schedule: Schedule,
    fractions: np.ndarray,
    sides: dict[int, Positions],
    funding: Any = (),
) -> Arguments:
    """Host values as the arrays of one call, rounded to float32 once."""
    made = tuple(Side(positions, ladder_lines(positions, side, fractions)) for side, positions in sides.items())
    last_code = ((schedule.horizon_bins + 1) * len(CAUSES)).astype(np.int32)
    plain = Arguments(
        key, model.coefficients(dt), model.init(1), schedule.segments, last_code, fractions, made, funding
    )
    return jax.tree.map(_to_single, plain)


def with_model(a: Arguments, model: Parameters, dt: float) -> Arguments:
    """The same call for other numbers of the model."""
    coefficients, state = jax.tree.map(_to_single, (model.coefficients(dt), model.init(1)))
    return a._replace(coefficients=coefficients, state=state)


def _to_single(leaf: Any) -> np.ndarray:
    array = np.asarray(leaf)
    return array.astype(np.float32) if array.dtype == np.float64 else array


def bytes_per_path(shape: Shape, a: Arguments) -> tuple[int, int]:
    """What a path takes: the state that every step touches, and the records of its segments."""
    n_segments, slots = len(a.segments.steps), GAP_SLOTS if shape.layout.jumps else 0
    memory = 4 * sum(np.asarray(leaf).size for leaf in jax.tree.leaves(a.state.memory))
    return memory, len(a.sides) * n_segments * 4 * (4 + 2 * slots)


class _Running(NamedTuple):
    """The carry from segment to segment.

    The static ladder's distances are booked one segment later: XLA would work them out anew for every book otherwise.
    """

    place: scan.Place
    books: tuple[Any, ...]
    funding: Array  # F, (1, path)
    price_at: Array
    funding_at: Array
    gaps_lost: tuple[Array, ...]
    distances: tuple[Array, ...]
    rates: Any  # of funding that differs from path to path, else empty


def walk(shape: Shape, first: Array, *given: Any) -> Walked:
    """Walk `shape.n_paths` paths, the first of which is number `first`."""
    a = Arguments(*given)
    numbers = scan.path_numbers(first, shape.n_paths)
    paths = scan.Walk(shape.dynamics, shape.layout, shape.antithetic, a.key, numbers, a.coefficients)
    place = scan.begin(paths, scan.spread(shape.dynamics, a.state, shape.n_paths))
    start = _start(shape, a, place, payments.begin(a.funding, paths, place.state) if a.funding else ())
    end, (records, funding_after) = lax.scan(
        lambda running, row: _segment(shape, a, paths, running, *row),
        start,
        (a.segments, a.funding.payments if a.funding else ()),
    )
    n_segments = a.segments.steps.shape[0]
    books = tuple(ladder.never(crossed, n_segments) for crossed in _book_crossings(shape, a, end))
    return Walked(books, records, funding_after, end.price_at, end.funding_at, sum(end.gaps_lost[1:], end.gaps_lost[0]))


def _start(shape: Shape, a: Arguments, place: scan.Place, rates: Any) -> _Running:
    n_paths, n_fractions = shape.n_paths, a.fractions.shape[0]
    nothing, none_lost = jnp.zeros((1, n_paths), jnp.float32), jnp.zeros((1, n_paths), jnp.int32)
    at = jnp.zeros((shape.n_horizons, 1, n_paths), jnp.float32)
    books = tuple(ladder.start(side.positions.margin.shape[0], n_fractions, n_paths) for side in a.sides)
    far = tuple(
        jnp.full((book.lines.slopes.shape[0], n_paths), np.float32(side * np.inf))
        for side, book in zip(shape.sides, a.sides, strict=True)
    )
    return _Running(place, books, nothing, at, at, (none_lost,) * len(shape.sides), far, rates)


def _segment(shape: Shape, a: Arguments, paths: scan.Walk, running: _Running, segment: Segments, payment: Any) -> Any:
    jumps, slots = shape.layout.jumps, GAP_SLOTS if shape.layout.jumps else 0
    here = running.place.state.log_price
    seen = tuple(
        ladder.start_segment(side, here, jumps, slots, lost)
        for side, lost in zip(shape.sides, running.gaps_lost, strict=True)
    )
    if jumps:
        place, seen = scan.many_steps(paths, running.place, LadderObserver(shape.sides), seen, segment.steps)
    else:
        watcher, worst = ExtremeObserver(shape.sides), (here,) * len(shape.sides)
        place, worst = scan.many_steps(paths, running.place, watcher, worst, segment.steps)
        seen = tuple(one._replace(extreme=extreme) for one, extreme in zip(seen, worst, strict=True))
    records = tuple(ladder.record(one, place.state.log_price, running.funding) for one in seen)
    booked = _book_crossings(shape, a, running)
    after, funding = _finish_segment(a, paths, running, segment, payment, place, booked)
    distances = tuple(
        ladder.distances(side, book.lines.slopes, before, done, funding)
        for side, book, before, done in zip(shape.sides, a.sides, running.distances, records, strict=True)
    )
    lost = tuple(ladder.shelve(one).gaps_lost for one in seen)
    return after._replace(gaps_lost=lost, distances=distances), (records, funding)


def _book_crossings(shape: Shape, a: Arguments, running: _Running) -> tuple[ladder.Crossings, ...]:
    return tuple(
        ladder.cross(side, book.lines, before, distance)
        for side, book, before, distance in zip(shape.sides, a.sides, running.books, running.distances, strict=True)
    )


def _finish_segment(
    a: Arguments, paths: scan.Walk, running: _Running, segment: Segments, payment: Any, place: scan.Place, books: Any
) -> tuple[_Running, Array]:
    """Funding where it is due, and the horizon's record: each segment overwrites it until the horizon has come.

    The second is F, the funding paid so far.
    """
    price, rate, rates = jnp.exp(place.state.log_price), segment.funding_rate, running.rates
    if a.funding:
        rates, own = payments.pay(a.funding, paths, payment, rates, place.state)
        rate = rate + own
    funding = running.funding + rate * price
    after = running._replace(
        place=place,
        books=books,
        funding=funding,
        price_at=lax.dynamic_update_index_in_dim(running.price_at, price, segment.horizon, 0),
        funding_at=lax.dynamic_update_index_in_dim(running.funding_at, funding, segment.horizon, 0),
        rates=rates,
    )
    return after, funding


def look_up(shape: Shape, walked: Walked, *given: Any) -> Looked:
    """The record, F afterwards and survival bin of the segment of each crossing."""
    a = Arguments(*given)
    found = [
        [_at(when, records, walked.funding_after, a.segments.bin) for when in (crossed.liquidation, *crossed.loss)]
        for crossed, records in zip(walked.books, walked.records, strict=True)
    ]
    return Looked(
        walked._replace(records=(), funding_after=jnp.zeros(())),
        tuple(side[0] for side in found),
        tuple(tuple(side[1:]) for side in found),
    )


def _at(when: Array, records: ladder.Record, funding_after: Array, bins: Array) -> tuple[ladder.Record, Array, Array]:
    segment = jnp.maximum(when, np.int32(0))  # of a line that was never crossed the first: it is not used
    picked = jax.tree.map(lambda kept: jnp.take_along_axis(kept[:, 0], segment, axis=0), (records, funding_after))
    return (*picked, bins[segment])


def resolve(shape: Shape, looked: Looked, *given: Any) -> Resolved:
    """When, why and where every book was closed."""
    a, walked = Arguments(*given), looked.walked
    outcomes = tuple(
        _resolve(side, book.lines, crossed, at, losses)
        for side, book, crossed, at, losses in zip(
            shape.sides, a.sides, walked.books, looked.liquidation, looked.losses, strict=True
        )
    )
    return Resolved(outcomes, walked.price_at, walked.funding_at, walked.gaps_lost)


def _resolve(side: int, lines: Lines, crossed: ladder.Crossings, at: Any, losses: Any) -> Outcome:
    result = ladder.resolve_liquidation(side, lines, crossed.liquidation, *at)
    rows = [ladder.resolve_loss(side, lines, row, crossed, *where) for row, where in enumerate(losses)]
    return result._replace(loss=jnp.stack(rows) if rows else crossed.loss)


def close_books(shape: Shape, resolved: Resolved, *given: Any) -> Closed:
    """The money of every close-out."""
    a = Arguments(*given)
    closings = tuple(
        close_out(book.positions, side, a.fractions, outcome)
        for side, book, outcome in zip(shape.sides, a.sides, resolved.outcome, strict=True)
    )
    return Closed(closings, *resolved[1:])


def settle(shape: Shape, closed: Closed, *given: Any) -> Result:
    """The money of every book at every horizon, path by path."""
    a = Arguments(*given)
    money = tuple(
        at_horizons(book.positions, side, closing, closed.price_at, closed.funding_at, a.last_code)
        for side, book, closing in zip(shape.sides, a.sides, closed.closing, strict=True)
    )
    return Result(closed.closing, money, closed.gaps_lost)


TO_RESOLVED = (walk, look_up, resolve)
TO_CLOSED = (*TO_RESOLVED, close_books)
PATH_BY_PATH = (*TO_CLOSED, settle)
