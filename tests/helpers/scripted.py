"""Hand-made paths through the whole engine: a model whose pieces are written down, one script for each path.

A step of a script is (price after a first diffusion, price after a jump, price after a second diffusion). The
diffusions have no variance, so that they run straight: a dip inside a step is a way down and a way up.
"""

from typing import Any, Literal, NamedTuple

import numpy as np
from helpers.engine import Paths, launched
from helpers.ledger import Clock, Funding, Jump, Mark, Move
from jax import Array, lax

from stresslab import evaluate, general
from stresslab.books.linear import LONG, SHORT
from stresslab.config import forms
from stresslab.config.build import BookFacts, positions
from stresslab.grid.market import MarketCell
from stresslab.models.base import Diffusion, Layout, Parameters, State
from stresslab.models.base import Jump as JumpPiece
from stresslab.random import key

Step = tuple[float, float, float]
NO_VARIANCE = np.float32(0)


class Scripted(Parameters):
    """Moves of the log price, (step, piece, path); the state's variance counts the steps."""

    kind: Literal["scripted"] = "scripted"
    moves: tuple[Any, ...]
    has_variance = True

    def layout(self, dt: float) -> Layout:
        return Layout(normals=0, others=0, jumps=1)

    def coefficients(self, dt: float) -> Any:
        return np.asarray(self.moves, np.float32)

    def init(self, n_paths: int) -> State:
        return State(np.zeros((1, n_paths), np.float32), np.zeros((1, n_paths), np.float32))

    @staticmethod
    def step(coefficients: Array, state: State, words: tuple[Array, ...]) -> Any:
        now = lax.dynamic_index_in_dim(coefficients, state.variance[0, 0].astype(np.int32), keepdims=False)
        pieces = Diffusion(now[0:1], NO_VARIANCE), JumpPiece(now[1:2]), Diffusion(now[2:3], NO_VARIANCE)
        return state._replace(variance=state.variance + np.float32(1)), pieces

    def characteristic_function(self, u: Any, t: float) -> Any:
        raise NotImplementedError


def play(
    scripts: list[list[Step]],
    books: list[BookFacts],
    market: MarketCell,
    loss_levels: tuple[float, ...],
    evaluation: Any,
) -> Paths:
    """All books on all scripts; books must be longs, then shorts, and one of each."""
    spot = market.study.market.spot
    prices = np.array(scripts, float).reshape(len(scripts), -1)
    moves = np.diff(np.log(prices / spot), axis=1, prepend=0.0).reshape(len(scripts), -1, 3)
    model = Scripted.model_construct(moves=tuple(moves.transpose(1, 2, 0)))
    if evaluation == "static":
        return _by_ladder(model, books, market, np.array(loss_levels), len(scripts))
    return _by_general(model, books, market, np.array(loss_levels), len(scripts))


def _by_ladder(model: Parameters, books: list[BookFacts], market: MarketCell, levels: np.ndarray, n: int) -> Paths:
    sides = {
        side: positions([book for book in books if book.side == name])
        for side, name in ((LONG, "long"), (SHORT, "short"))
    }
    given = evaluate.arguments(key(1), model, market.dt, market.schedule, levels, sides)
    horizons = len(market.study.market.horizons)
    shape = evaluate.Shape(Scripted, model.layout(1.0), (LONG, SHORT), horizons, False, n)
    return launched(shape, np.zeros(1), tuple(given))


def _by_general(model: Parameters, books: list[BookFacts], market: MarketCell, levels: np.ndarray, n: int) -> Paths:
    numbers = forms.numbers(books, market.dt)
    given = general.arguments(key(1), model, market.dt, market.schedule, levels, numbers)
    form, horizons = forms.as_general(books[0]).form, len(market.study.market.horizons)
    shape = general.Shape(Scripted, model.layout(1.0), form, horizons, False, n)
    return launched(shape, np.zeros(1), tuple(given))


def events(script: list[Step], market: MarketCell) -> list[NamedTuple]:
    """The same script as the ledger takes it."""
    stops = np.cumsum(market.schedule.segments.steps)
    rates = dict(zip(stops, market.schedule.segments.funding_rate, strict=True))
    marks = dict(zip(market.schedule.horizon_ends, market.study.market.horizons, strict=True))
    found: list[NamedTuple] = []
    before = market.study.market.spot
    for number, prices in enumerate(script, start=1):
        found.append(Clock(int((market.schedule.bin_ends < number).sum())))
        for price, is_jump in zip(prices, (False, True, False), strict=True):
            if price != before or len(found) == 1:  # the very first piece shows what the entry fee has cost
                found.append(Jump(price) if is_jump else Move(min(before, price), max(before, price), price))
            before = price
        if rates.get(number):
            found.append(Funding(float(rates[number])))
        if number in marks:
            found.append(Mark(marks[number]))
    return found
