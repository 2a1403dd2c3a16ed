"""One block of a study: all books of a market cell on the same paths, by the static ladder or by the general account step."""

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from stresslab import random, scan
from stresslab.books import account, ladder
from stresslab.books.linear import LONG, Positions, TriggerLines, liquidation_lines, loss_lines
from stresslab.books.outcome import CAUSES, Settlement, settle
from stresslab.models.base import Layout, Parameters, State
from stresslab.schedule import GAP_SLOTS, Schedule, Segments

Evaluation = Literal["static", "account"]


class Shape(NamedTuple):
    """Everything that the compiled loop depends on beside its arguments."""

    model: type[Parameters]
    layout: Layout
    evaluation: Evaluation
    sides: tuple[int, ...]
    n_horizons: int
    antithetic: bool
    n_paths: int


class Side(NamedTuple):
    """The books of one side: their positions, and the lines of the static ladder."""

    positions: Positions
    trigger: TriggerLines
    loss: TriggerLines


class Arguments(NamedTuple):
    """What the compiled loop is called with; every leaf is float32, int32 or uint32."""

    key: random.Key
    coefficients: Any
    state: State  # of one path, shape (1, 1)
    segments: Segments
    last_code: np.ndarray  # int32 (horizon,)
    fractions: np.ndarray  # loss levels, float32
    sides: tuple[Side, ...]


class Result(NamedTuple):
    """Of one scan, for each side in the order of `Shape.sides`."""

    liquidation: tuple[Array, ...]
    settlement: tuple[Settlement, ...]
    gaps_lost: Array


class Running(NamedTuple):
    """The carry from segment to segment."""

    place: scan.Place
    books: tuple[Any, ...]  # Outcome or Accounts of each side
    funding: Array  # F, (1, path)
    price_at: Array  # (horizon, 1, path)
    funding_at: Array
    gaps_lost: tuple[Array, ...]


def arguments(
    key: random.Key, model: Parameters, dt: float, schedule: Schedule, fractions: np.ndarray, sides: dict[int, Positions]
) -> Arguments:
    """Host values as the arrays of one call, rounded to float32 once."""
    made = tuple(
        Side(positions, liquidation_lines(positions, side), loss_lines(positions, side, fractions))
        for side, positions in sides.items()
    )
    last_code = (schedule.horizon_bins + 1) * len(CAUSES)
    plain = Arguments(
        key, model.coefficients(dt), model.init(1), schedule.segments, last_code.astype(np.int32), fractions, made
    )
    return _to_single(plain)


def _to_single(tree: Any) -> Any:
    return jax.tree.map(lambda leaf: np.asarray(leaf, np.float32) if np.asarray(leaf).dtype == np.float64 else np.asarray(leaf), tree)


class _LadderObserver(NamedTuple):
    sides: tuple[int, ...]

    def diffusion(self, seen: Any, reach: scan.Reach) -> Any:
        return tuple(
            ladder.watch_diffusion(side, one, reach.low if side == LONG else reach.high)
            for side, one in zip(self.sides, seen, strict=True)
        )

    def jump(self, seen: Any, gap: scan.Gap) -> Any:
        return tuple(ladder.watch_jump(side, one, gap.end) for side, one in zip(self.sides, seen, strict=True))


class _AccountObserver(NamedTuple):
    sides: tuple[int, ...]
    books: tuple[Side, ...]
    fractions: Array
    funding: Array
    bin_index: Array

    def diffusion(self, seen: Any, reach: scan.Reach) -> Any:
        worst = (jnp.exp(reach.low if side == LONG else reach.high) for side in self.sides)
        return tuple(
            account.diffuse(side, book.positions, self.fractions, one, price, self.funding, self.bin_index)
            for side, book, one, price in zip(self.sides, self.books, seen, worst, strict=True)
        )

    def jump(self, seen: Any, gap: scan.Gap) -> Any:
        price = jnp.exp(gap.end)
        return tuple(
            account.jump(side, book.positions, self.fractions, one, price, self.funding, self.bin_index)
            for side, book, one in zip(self.sides, self.books, seen, strict=True)
        )


def evaluate(shape: Shape, first: Array, *given: Any) -> Result:
    """The outcome and money of every book on `shape.n_paths` paths, the first of which is number `first`."""
    a = Arguments(*given)
    walk = scan.Walk(shape.model, shape.layout, shape.antithetic, a.key, scan.path_numbers(first, shape.n_paths), a.coefficients)
    state = _spread(shape, a.state)
    nothing = jnp.zeros((1, shape.n_paths), jnp.float32)
    at = jnp.zeros((shape.n_horizons, 1, shape.n_paths), jnp.float32)
    none_lost = jnp.zeros((1, shape.n_paths), jnp.int32)
    start = Running(scan.begin(walk, state), _open(shape, a), nothing, at, at, (none_lost,) * len(shape.sides))
    run_segment = _static_segment if shape.evaluation == "static" else _account_segment
    end, _ = lax.scan(lambda running, segment: (run_segment(shape, a, walk, running, segment), None), start, a.segments)
    outcomes = end.books if shape.evaluation == "static" else tuple(account.outcome(books) for books in end.books)
    settled = tuple(
        settle(book.positions, side, a.fractions, result, end.price_at, end.funding_at, a.last_code)
        for side, book, result in zip(shape.sides, a.sides, outcomes, strict=True)
    )
    return Result(tuple(result.liquidation for result in outcomes), settled, sum(end.gaps_lost, none_lost))


def _spread(shape: Shape, one: State) -> State:
    """The state of one path given to all: a variance that never moves stays a single number."""
    full = (1, shape.n_paths)
    variance = jnp.broadcast_to(one.variance, full) if shape.model.has_variance else one.variance
    return State(jnp.broadcast_to(one.log_price, full), variance)


def _open(shape: Shape, a: Arguments) -> tuple[Any, ...]:
    n_fractions = a.fractions.shape[0]
    if shape.evaluation == "account":
        return tuple(account.start(side.positions, n_fractions, shape.n_paths) for side in a.sides)
    return tuple(ladder.start(side.positions.margin.shape[0], n_fractions, shape.n_paths) for side in a.sides)


def _static_segment(shape: Shape, a: Arguments, walk: scan.Walk, running: Running, segment: Segments) -> Running:
    slots = GAP_SLOTS if shape.layout.jumps else 0
    here = running.place.here
    seen = tuple(
        ladder.start_segment(side, here, slots, lost) for side, lost in zip(shape.sides, running.gaps_lost, strict=True)
    )
    place, seen = scan.many_steps(walk, running.place, _LadderObserver(shape.sides), seen, segment.steps)
    books = tuple(
        ladder.end_segment(side, result, book.trigger, book.loss, one, running.funding, segment.bin)
        for side, book, result, one in zip(shape.sides, a.sides, running.books, seen, strict=True)
    )

    def pay(books: tuple[Any, ...], price: Array, funding: Array) -> tuple[Any, ...]:
        return tuple(
            ladder.pay_funding(side, result, book.trigger, book.loss, price, funding, segment.bin)
            for side, book, result in zip(shape.sides, a.sides, books, strict=True)
        )

    return _finish_segment(running, segment, place, books, pay)._replace(gaps_lost=tuple(one.gaps_lost for one in seen))


def _account_segment(shape: Shape, a: Arguments, walk: scan.Walk, running: Running, segment: Segments) -> Running:
    observer = _AccountObserver(shape.sides, a.sides, a.fractions, running.funding, segment.bin)
    place, books = scan.many_steps(walk, running.place, observer, running.books, segment.steps)

    def pay(books: tuple[Any, ...], price: Array, funding: Array) -> tuple[Any, ...]:
        return tuple(
            account.pay_funding(
                side, book.positions, a.fractions, one, price, segment.funding_rate, funding, segment.bin
            )
            for side, book, one in zip(shape.sides, a.sides, books, strict=True)
        )

    return _finish_segment(running, segment, place, books, pay)


def _finish_segment(running: Running, segment: Segments, place: scan.Place, books: tuple[Any, ...], pay: Any) -> Running:
    """Funding where it is due, then the horizon's record: each segment overwrites it until the horizon has come."""
    price = jnp.exp(place.here)
    funding = running.funding + segment.funding_rate * price
    books = lax.cond(segment.funding_rate != np.float32(0), pay, lambda books, *_: books, books, price, funding)
    return running._replace(
        place=place,
        books=books,
        funding=funding,
        price_at=lax.dynamic_update_index_in_dim(running.price_at, price, segment.horizon, 0),
        funding_at=lax.dynamic_update_index_in_dim(running.funding_at, funding, segment.horizon, 0),
    )
