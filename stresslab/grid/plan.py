"""The plan of a study: cells, market cells, ladders, blocks and tasks. Pure arithmetic: nothing is simulated here.

Cells that differ only in their book share a market cell, and so its paths. The books of a market cell are evaluated in
ladders of at most `LADDER_BOOKS`. A task is a range of blocks of one ladder; how a run is cut into tasks depends on the
study alone.
"""

import json
import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stresslab import schedule
from stresslab.books.linear import LONG, SHORT
from stresslab.config.build import SIDES, BookFacts, book_facts, positions
from stresslab.config.market_model import market_model
from stresslab.config.paths import dimension, is_market_path
from stresslab.config.payment_plan import known_rates, law, most_paid, payment_seconds
from stresslab.config.schema import Study
from stresslab.config.sweep import Cell, expand
from stresslab.errors import InputError, NotAllowed
from stresslab.evaluate import Arguments, Evaluation, Shape, arguments, with_model
from stresslab.grid.draws import drawn_models
from stresslab.models import Parameters
from stresslab.random import key
from stresslab.units import parse_duration, years

LADDER_BOOKS = 64
TASK_PATH_STEPS = 2**28  # seconds of work: few fat tasks
STATIC_FUNDING = 0.25  # the most funding, as a fraction of price, that the static ladder's tiers are complete for


@dataclass(frozen=True)
class Ladder:
    """Books on the paths of one market cell: all that a worker needs, NumPy only."""

    market: int
    number: int  # within the market cell
    cells: tuple[int, ...]  # in the order of the results: longs, then shorts
    shape: Shape  # with n_paths 0: the device decides how many paths a scan carries
    arguments: Arguments
    scale: np.ndarray  # notional at spot
    wanted: tuple[int, ...]  # rows of (liquidation, bankruptcy, loss levels ...) that are counted
    horizon_bins: np.ndarray
    n_bins: int
    dt: float
    drawn: tuple[Parameters, ...] = ()  # where parameters are drawn: the model of each block

    def at(self, block: int) -> tuple[Shape, Arguments]:
        """What block number `block` is run with. Drawn parameters change numbers, and the layout where jumps do."""
        if not self.drawn:
            return self.shape, self.arguments
        model = self.drawn[block]
        shape = self.shape._replace(dynamics=model.dynamics, layout=model.layout(self.dt))
        return shape, with_model(self.arguments, model, self.dt)


@dataclass(frozen=True)
class Task:
    """A range of blocks of one ladder."""

    ladder: int
    first: int
    blocks: int

    @property
    def name(self) -> str:
        """Its key in the store."""
        return f"ladder-{self.ladder:06d}-blocks-{self.first:08d}-{self.blocks:06d}"


@dataclass(frozen=True)
class MarketCell:
    """Everything that the law of the paths depends on, and which cells share it."""

    index: int
    coords: dict[str, Any]
    study: Study
    cells: tuple[int, ...]
    ladders: tuple[int, ...]
    n_steps: int
    dt: float
    schedule: schedule.Schedule
    models: tuple[Parameters, ...]  # shocked and at spot: one, or one for each block where parameters are drawn
    drawn: bool
    funding: Any  # the law of rates that differ from path to path, else empty
    most_paid: float  # a bound on the sum of all funding rates


@dataclass(frozen=True)
class Plan:
    """What a run will do."""

    study: Study
    cells: list[Cell]
    books: list[BookFacts | NotAllowed]
    markets: list[MarketCell]
    ladders: list[Ladder]
    bin_seconds: np.ndarray  # ends of the survival bins, seconds from as_of

    @property
    def drawn(self) -> bool:
        """Whether each block has parameters of its own."""
        return self.study.sampling.parameters == "drawn"

    @property
    def blocks(self) -> int:
        """Blocks of each market cell to begin with."""
        return self.study.sampling.paths // self.study.sampling.block

    @property
    def most_blocks(self) -> int:
        """Blocks of each market cell at most."""
        return self.study.sampling.most_paths // self.study.sampling.block

    def path_steps(self, blocks: int) -> int:
        """Path-steps of the whole grid for so many blocks of each market cell."""
        steps = sum(self.markets[ladder.market].n_steps for ladder in self.ladders)
        return steps * blocks * self.study.sampling.block

    def tasks(self, ladder: int, first: int, last: int) -> list[Task]:
        """Blocks `first` .. `last` of a ladder, cut into tasks."""
        steps = self.markets[self.ladders[ladder].market].n_steps * self.study.sampling.block
        each = max(1, TASK_PATH_STEPS // steps)
        return [Task(ladder, start, min(each, last - start)) for start in range(first, last, each)]


def make_plan(study: Study, evaluation: Evaluation | None = None) -> Plan:
    """The plan of a study. `evaluation` is chosen by the plan; a test or a benchmark may name it.

    A book that its rulebook refuses raises NotAllowed when it stands alone, and is kept as a refusal in a sweep.
    """
    cells = expand(study)
    books = [_book(cell, alone=not study.sweep) for cell in cells]
    market_dims = [dimension(path) for path in study.sweep if is_market_path(path)]
    bins = _bin_seconds(study)
    grouped: dict[tuple[Any, ...], list[int]] = {}
    for cell in cells:
        grouped.setdefault(tuple(cell.coords[dim] for dim in market_dims), []).append(cell.index)
    markets: list[MarketCell] = []
    ladders: list[Ladder] = []
    for values, members in grouped.items():
        coords = dict(zip(market_dims, values, strict=True))
        market = _market(len(markets), coords, cells[members[0]].study, tuple(members), bins, tuple(study.sweep))
        made = _ladders(market, books, study, evaluation)
        numbers = tuple(range(len(ladders), len(ladders) + len(made)))
        markets.append(MarketCell(**{**market.__dict__, "ladders": numbers}))
        ladders += made
    return Plan(study, cells, books, markets, ladders, bins)


def _book(cell: Cell, alone: bool) -> BookFacts | NotAllowed:
    try:
        return book_facts(cell.study)
    except NotAllowed as refusal:
        if alone:
            raise refusal.at(file=cell.study.file) from None
        return refusal


def _bin_seconds(study: Study) -> np.ndarray:
    """Ends of the survival bins in seconds from as_of: whole steps of every step that the study sweeps."""
    swept = study.sweep.get("market.step", (study.market.step,))
    common = math.lcm(*(parse_duration(step) for step in swept))
    ends = np.array(study.market.horizon_seconds)
    return schedule.survival_bins(ends // common, study.outputs.survival_points) * common


def _market(
    index: int,
    coords: dict[str, Any],
    study: Study,
    cells: tuple[int, ...],
    bin_seconds: np.ndarray,
    swept: tuple[str, ...],
) -> MarketCell:
    step = study.market.step_seconds
    sampling = study.sampling
    drawn: tuple[Parameters, ...] = ()
    if sampling.parameters == "drawn":
        drawn = drawn_models(study, swept, sampling.most_paths // sampling.block)
    models = tuple(market_model(study, model) for model in drawn or (study.model,))
    substeps = max(model.substeps(years(step)) for model in models)  # one clock for all blocks
    dt = years(step) / substeps
    ends = np.array(study.market.horizon_seconds) // step * substeps
    bins = bin_seconds // step * substeps
    seconds = payment_seconds(study)
    # a payment between two steps is made at the end of the step that it falls into
    paid, rates = -(-seconds * substeps // step), known_rates(study, seconds)
    jumps = max(model.jumps_per_step(dt) for model in models)
    timetable = schedule.build(ends, bins, paid, rates, jumps)
    funding = law(study, seconds, paid, timetable.segments, dt)
    most = most_paid(study, seconds, rates)
    return MarketCell(index, coords, study, cells, (), int(ends[-1]), dt, timetable, models, bool(drawn), funding, most)


def _ladders(
    market: MarketCell, books: Sequence[BookFacts | NotAllowed], study: Study, evaluation: Evaluation | None
) -> list[Ladder]:
    held = [cell for cell in market.cells if isinstance(books[cell], BookFacts)]
    held.sort(key=lambda cell: books[cell].side == "short")  # type: ignore[union-attr]
    return [
        _ladder(market, number, tuple(held[start : start + LADDER_BOOKS]), books, study, evaluation)
        for number, start in enumerate(range(0, len(held), LADDER_BOOKS))
    ]


def _ladder(
    market: MarketCell,
    number: int,
    members: tuple[int, ...],
    books: Sequence[Any],
    study: Study,
    evaluation: Evaluation | None,
) -> Ladder:
    fit = _evaluation(market)
    chosen = evaluation or fit
    by_side = {side: [books[c] for c in members if SIDES[books[c].side] == side] for side in (LONG, SHORT)}
    sides = {side: positions(held, all_tiers=fit == "account") for side, held in by_side.items() if held}
    fractions, wanted = _events(study.outputs.events)
    model = market.models[0]
    shape = Shape(
        dynamics=model.dynamics,
        layout=model.layout(market.dt),
        evaluation=chosen,
        sides=tuple(sides),
        n_horizons=len(study.market.horizons),
        antithetic=study.sampling.antithetic,
        n_paths=0,
    )
    stream = key(study.seed, _stream(market))
    given = arguments(stream, model, market.dt, market.schedule, fractions, sides, market.funding)
    scale = np.array([books[cell].scale for cell in members])
    bins, horizon_bins = len(market.schedule.bin_ends), market.schedule.horizon_bins
    drawn = market.models if market.drawn else ()
    return Ladder(
        market.index, number, members, shape, given, scale, wanted, horizon_bins, bins, dt=market.dt, drawn=drawn
    )


def _evaluation(market: MarketCell) -> Evaluation:
    """The static ladder where no trigger can move further than its tiers reach: moderate funding."""
    return "static" if market.most_paid <= STATIC_FUNDING else "account"


def _events(events: Sequence[str]) -> tuple[np.ndarray, tuple[int, ...]]:
    """Loss levels as fractions, and for each event its row among (liquidation, bankruptcy, losses ...)."""
    losses = [event for event in events if event.startswith("loss_")]
    rows = ["liquidation", "bankruptcy", *losses]
    fractions = np.array([int(event.removeprefix("loss_")) / 100 for event in losses])
    return fractions, tuple(rows.index(event) for event in events)


def _stream(market: MarketCell) -> int:
    """0 for all cells; with independent streams a number made of the cell's own coordinates, whatever stands beside
    it.
    """
    if market.study.sampling.streams == "shared":
        return 0
    return zlib.crc32(json.dumps(market.coords, sort_keys=True).encode())


def check_runnable(plan: Plan) -> None:
    """InputError where there is nothing to run."""
    if not plan.ladders:
        refusal = next(book for book in plan.books if isinstance(book, NotAllowed))
        raise InputError(
            f"no cell of the sweep is allowed by its rulebook; the first: {refusal}", key="sweep", file=plan.study.file
        )
