"""Ladders: books that are evaluated together on the paths of one market cell, and how."""

import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from stresslab import evaluate, general
from stresslab.books.linear import LONG, SHORT
from stresslab.condense import condense, condense_general
from stresslab.config import forms
from stresslab.config.build import SIDES, BookFacts, positions
from stresslab.config.general_book import GeneralBook
from stresslab.config.schema import Study
from stresslab.errors import NotAllowed
from stresslab.grid.market import MarketCell
from stresslab.models import Parameters
from stresslab.random import key

Evaluation = Literal["static", "general"]

LADDER_BOOKS = 64
STATIC_FUNDING = 0.25  # the most funding, as a fraction of price, that the static ladder's tiers are complete for
STATIC_TIERS = 64  # the longest table of the static ladder: what is compiled of it grows with the rates


@dataclass(frozen=True)
class Ladder:
    """Books on the paths of one market cell: all that a worker needs, NumPy only."""

    market: int
    number: int  # within the market cell
    cells: tuple[int, ...]  # in the order of the results
    shape: evaluate.Shape | general.Shape  # with n_paths 0: the device decides how many paths a scan carries
    arguments: evaluate.Arguments | general.Arguments
    scale: np.ndarray  # what the loop's money is relative to: of a plain book its notional at spot
    wanted: tuple[int, ...]  # rows of the codes that are counted
    horizon_bins: np.ndarray
    n_bins: int
    dt: float
    drawn: tuple[Parameters, ...] = ()  # where parameters are drawn: the model of each block

    @property
    def evaluation(self) -> Evaluation:
        """How its books are evaluated."""
        return "general" if isinstance(self.shape, general.Shape) else "static"

    @property
    def stages(self) -> tuple[Callable[..., Any], ...]:
        """What a launch runs, one after the other."""
        if isinstance(self.shape, general.Shape):
            return general.walk, condense_general
        return (*evaluate.TO_CLOSED, condense)

    @property
    def bytes_per_path(self) -> tuple[int, int]:
        """What a path takes: the state that every step touches, and what is kept."""
        if isinstance(self.shape, general.Shape):
            return general.bytes_per_path(self.shape, self.arguments)  # type: ignore[arg-type]
        return evaluate.bytes_per_path(self.shape, self.arguments)  # type: ignore[arg-type]

    def at(self, block: int) -> tuple[Any, Any]:
        """Shape and arguments that block number `block` is run with. Drawn parameters change numbers, and the layout
        where jumps do.
        """
        if not self.drawn:
            return self.shape, self.arguments
        model = self.drawn[block]
        shape = self.shape._replace(dynamics=model.dynamics, layout=model.layout(self.dt))
        changed = general.with_model if isinstance(self.shape, general.Shape) else evaluate.with_model
        return shape, changed(self.arguments, model, self.dt)  # type: ignore[arg-type]


def ladders(
    market: MarketCell,
    books: Sequence[BookFacts | GeneralBook | NotAllowed],
    study: Study,
    evaluation: Evaluation | None,
) -> list[Ladder]:
    """The allowed books of a market cell, those of one form together, at most `LADDER_BOOKS` in a ladder.

    `evaluation` is chosen here; a test or a benchmark may name it.
    """
    held: dict[Any, list[int]] = {}
    whole = {cell: books[cell] for cell in market.cells}
    chosen = evaluation or ("general" if _heavy_funding(market) else "static")
    for cell in market.cells:
        found = whole[cell]
        if isinstance(found, NotAllowed):
            continue
        if chosen == "general" or (evaluation is None and isinstance(found, BookFacts) and _many_tiers(found)):
            found = whole[cell] = forms.as_general(found)
        held.setdefault(found.form, []).append(cell)
    cut = [
        (form, tuple(members[start : start + LADDER_BOOKS]))
        for form, members in held.items()
        for start in range(0, len(members), LADDER_BOOKS)
    ]
    made = []
    for number, (form, members) in enumerate(cut):
        if form is None:
            made.append(_plain(market, number, members, whole, study))
        else:
            made.append(_general(market, number, members, whole, study))
    return made


def _plain(market: MarketCell, number: int, members: tuple[int, ...], books: Mapping[int, Any], study: Study) -> Ladder:
    by_side = {side: [books[c] for c in members if SIDES[books[c].side] == side] for side in (LONG, SHORT)}
    ordered = tuple(c for side in (LONG, SHORT) for c in members if SIDES[books[c].side] == side)
    sides = {side: positions(held) for side, held in by_side.items() if held}
    losses, wanted = _events(study.outputs.events, ("liquidation", "bankruptcy"))
    model = market.models[0]
    shape = evaluate.Shape(
        dynamics=model.dynamics,
        layout=model.layout(market.dt),
        sides=tuple(sides),
        n_horizons=len(study.market.horizons),
        antithetic=study.sampling.antithetic,
        n_paths=0,
    )
    given = evaluate.arguments(_key(market), model, market.dt, market.schedule, losses, sides, market.funding)
    return _ladder(market, number, ordered, books, shape, given, wanted, market.models)


def _general(
    market: MarketCell, number: int, members: tuple[int, ...], books: Mapping[int, Any], study: Study
) -> Ladder:
    held = [books[cell] for cell in members]
    losses, wanted = _events(study.outputs.events, ("liquidation", "bankruptcy", "adl", "venue_default"))
    model = market.whole[0]
    shape = general.Shape(
        dynamics=model.dynamics,
        layout=model.layout(market.dt),
        form=forms.form(held[0], market.dt),
        n_horizons=len(study.market.horizons),
        antithetic=study.sampling.antithetic,
        n_paths=0,
    )
    given = general.arguments(
        _key(market),
        model,
        market.dt,
        market.schedule,
        losses,
        forms.numbers(held, market.dt, all_tiers=_heavy_funding(market)),
        model.price_correlation,
        market.funding,
    )
    return _ladder(market, number, members, books, shape, given, wanted, market.whole)


def _ladder(
    market: MarketCell,
    number: int,
    members: tuple[int, ...],
    books: Mapping[int, Any],
    shape: Any,
    given: Any,
    wanted: tuple[int, ...],
    models: tuple[Parameters, ...],
) -> Ladder:
    return Ladder(
        market.index,
        number,
        members,
        shape,
        given,
        scale=np.array([books[cell].scale for cell in members]),
        wanted=wanted,
        horizon_bins=market.schedule.horizon_bins,
        n_bins=len(market.schedule.bin_ends),
        dt=market.dt,
        drawn=models if market.drawn else (),
    )


def _heavy_funding(market: MarketCell) -> bool:
    """Whether funding could move a trigger further than the static ladder's tiers reach."""
    return market.most_paid > STATIC_FUNDING


def _many_tiers(book: BookFacts) -> bool:
    """Whether the static ladder, which watches every rate of a table at each step, would be compiled for too many."""
    return len(book.rulebook.requirement.table.mmr) > STATIC_TIERS


def _events(events: Sequence[str], coded: tuple[str, ...]) -> tuple[np.ndarray, tuple[int, ...]]:
    """Loss levels as fractions, and for each event its row among the codes: the named ones, then the loss levels."""
    losses = [event for event in events if event.startswith("loss_")]
    rows = [*coded, *losses]
    fractions = np.array([int(event.removeprefix("loss_")) / 100 for event in losses])
    return fractions, tuple(rows.index(event) for event in events)


def _key(market: MarketCell) -> Any:
    """Stream 0 for all cells; with independent streams a number made of the cell's own coordinates, whatever stands
    beside it.
    """
    stream = 0
    if market.study.sampling.streams != "shared":
        stream = zlib.crc32(json.dumps(market.coords, sort_keys=True).encode())
    return key(market.study.seed, stream)
