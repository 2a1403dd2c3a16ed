"""The plan of a study: cells, market cells, ladders, blocks and tasks. Pure arithmetic: nothing is simulated here.

Cells that differ only in their book share a market cell, and so its paths. The books of a market cell are evaluated in
ladders of at most `LADDER_BOOKS`. A task is a range of blocks of one ladder; how a run is cut into tasks depends on the
study alone.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from stresslab import general, schedule
from stresslab.config.book_of import book_of
from stresslab.config.build import BookFacts
from stresslab.config.doubts import Doubt, doubts
from stresslab.config.general_book import GeneralBook
from stresslab.config.paths import dimension, is_market_path
from stresslab.config.schema import Study
from stresslab.config.stand_ins import check_assets
from stresslab.config.sweep import Cell, expand
from stresslab.errors import InputError, NotAllowed
from stresslab.grid.ladder import Evaluation, Ladder
from stresslab.grid.ladder import ladders as ladders_of
from stresslab.grid.market import MarketCell, market_cell
from stresslab.units import parse_duration

TASK_PATH_STEPS = 2**28  # seconds of work: few fat tasks


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
class Plan:
    """What a run will do."""

    study: Study
    cells: list[Cell]
    books: list[BookFacts | GeneralBook | NotAllowed]
    markets: list[MarketCell]
    ladders: list[Ladder]
    bin_seconds: np.ndarray  # ends of the survival bins, seconds from as_of
    doubts: tuple[Doubt, ...] = ()  # about values that may be wrong; without the clock

    @property
    def drawn(self) -> bool:
        """Whether each block has parameters of its own."""
        return self.study.sampling.parameters == "drawn"

    @property
    def general(self) -> bool:
        """Whether any book is evaluated by the general engine."""
        return any(isinstance(ladder.shape, general.Shape) for ladder in self.ladders)

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
    InputError where a contract or a model belongs to another asset and is not declared a stand-in.
    """
    cells = expand(study)
    studies = [cell.study for cell in cells]
    for study_of_cell in {(id(one.book), one.market.asset, one.market.model): one for one in studies}.values():
        check_assets(study_of_cell)
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
        market = market_cell(len(markets), coords, cells[members[0]].study, tuple(members), bins, tuple(study.sweep))
        made = ladders_of(market, books, study, evaluation)
        numbers = tuple(range(len(ladders), len(ladders) + len(made)))
        markets.append(MarketCell(**{**market.__dict__, "ladders": numbers}))
        ladders += made
    allowed = ((cell.study, book) for cell, book in zip(cells, books, strict=True) if not isinstance(book, NotAllowed))
    return Plan(study, cells, books, markets, ladders, bins, doubts((market.study for market in markets), allowed))


def _book(cell: Cell, alone: bool) -> BookFacts | GeneralBook | NotAllowed:
    try:
        return book_of(cell.study)
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


def check_strictly(plan: Plan) -> None:
    """InputError for the first doubt of a plan."""
    for doubt in plan.doubts:
        raise doubt.error(plan.study.file)


def check_runnable(plan: Plan) -> None:
    """InputError where there is nothing to run."""
    if not plan.ladders:
        refusal = next(book for book in plan.books if isinstance(book, NotAllowed))
        raise InputError(
            f"no cell of the sweep is allowed by its rulebook; the first: {refusal}", key="sweep", file=plan.study.file
        )
