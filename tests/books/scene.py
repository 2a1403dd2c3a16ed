"""All books of `cases` on all scripts, by hand and random, in one launch for each of the two evaluations."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from books import cases
from books.cases import CASES, HOURS, LOSS_LEVELS, PLAIN, STEPS_PER_HOUR
from helpers import scripted
from helpers.engine import Paths
from helpers.ledger import TRADER, Account, Event, Money
from helpers.scripted import Step
from helpers.twin import decoded, rules_of

from stresslab.config.build import book_facts
from stresslab.config.schema import Study
from stresslab.grid.market import MarketCell
from stresslab.grid.plan import make_plan

ROUNDING = 2e-6  # of the notional at spot: float32 through a dozen operations on numbers near 1
HORIZONS = ("4h", "6h")
N_WILD, N_BUSY = 400, 200
# six gaps in a row, at odd prices: a tie is decided by rounding
STAIRS_DOWN = [(100, 96.9, 96.9), (96.9, 92.3, 92.3), (92.3, 87.7, 87.7), (87.7, 79.6, 79.6), (79.6, 69.1, 69.1)]
STAIRS_DOWN += [(69.1, 45.2, 45.2)]
STAIRS_UP = [(100, 104.3, 104.3), (104.3, 112.1, 112.1), (112.1, 117.7, 117.7), (117.7, 130.3, 130.3)]
STAIRS_UP += [(130.3, 150.1, 150.1), (150.1, 170.3, 170.3)]


class Scene(NamedTuple):
    market: MarketCell
    scripts: dict[str, list[list[Step]]]  # by name; in the result they follow each other in this order
    notionals: list[float]  # at spot, of each row of the result: the cases' books and the plain ones, longs first
    rows: list[int]  # where each case's book stands among them
    accounts: list[Callable[[], Account]]  # of each row
    played: dict[str, Paths]

    def paths(self, name: str) -> range:
        names = list(self.scripts)
        first = sum(len(self.scripts[before]) for before in names[: names.index(name)])
        return range(first, first + len(self.scripts[name]))

    def events(self, path: int) -> list[NamedTuple]:
        flat = [script for scripts in self.scripts.values() for script in scripts]
        return scripted.events(flat[path], self.market)


def build(folder: Path) -> Scene:
    studies = [cases.study(folder, case) for case in CASES] + [cases.alone(folder, book) for book in PLAIN]
    order = sorted(range(len(studies)), key=lambda number: studies[number].book.side == "short")
    facts = [book_facts(studies[number]) for number in order]
    scripts = {
        "cases": [case.script for case in CASES],
        "stairs": [[*stairs, *[cases.still(stairs[-1][-1])] * 30] for stairs in (STAIRS_DOWN, STAIRS_UP)],
        "wild": wild(N_WILD, seed=1),
        "busy": busy(N_BUSY, seed=2),
    }
    flat = [script for group in scripts.values() for script in group]
    market = make_plan(studies[0]).markets[0]
    played = {name: scripted.play(flat, facts, market, LOSS_LEVELS, name) for name in ("static", "general")}
    rows = [order.index(number) for number in range(len(CASES))]
    accounts = [account(studies[number]) for number in order]
    return Scene(market, scripts, [one.scale for one in facts], rows, accounts, played)


def account(study: Study) -> Callable[[], Account]:
    """The position of a study, to be opened in the ledger as often as needed."""
    book, spot, side = study.book, study.market.spot, {"long": 1, "short": -1}[study.book.side]
    quantity = book.quantity or book.leverage * book.collateral / spot
    entry, margin, is_new = spot, book.collateral, book.entry_price is None
    if not is_new:
        entry, margin = book.entry_price, book.margin
    return partial(Account, rules_of(study), side, spot, entry, quantity, margin, LOSS_LEVELS, is_new)


def wild(n: int, seed: int) -> list[list[Step]]:
    """Half of the hours have a jump, so that gaps, payments and diffusions all liquidate."""
    rng = np.random.default_rng(seed)
    moves = rng.normal(0, 0.02, (n, HOURS, 3))
    moves[:, :, 1] = np.where(rng.random((n, HOURS)) < 0.5, rng.normal(0, 0.04, (n, HOURS)), 0.0)
    return [cases.hourly(script) for script in _walked(moves)]


def busy(n: int, seed: int) -> list[list[Step]]:
    """Every step moves, and each hour has four jumps, as many as the static ladder has slots for in a segment."""
    rng = np.random.default_rng(seed)
    moves = rng.normal(0, 0.006, (n, HOURS, STEPS_PER_HOUR, 3))
    jumps = rng.permuted(np.broadcast_to(np.arange(STEPS_PER_HOUR) < 4, (n, HOURS, STEPS_PER_HOUR)), axis=-1)
    moves[..., 1] = np.where(jumps, rng.normal(0, 0.02, jumps.shape), 0.0)
    moves[..., 0] = np.where(jumps, moves[..., 0], 0.0)
    return _walked(moves.reshape(n, -1, 3))


def _walked(moves: np.ndarray) -> list[list[Step]]:
    prices = 100 * np.exp(np.cumsum(moves.reshape(len(moves), -1), axis=1)).reshape(moves.shape)
    prices = prices.astype(float)
    prices[..., 1] = np.where(moves[..., 1] == 0, prices[..., 0], prices[..., 1])
    return [[tuple(step) for step in path] for path in prices.tolist()]


def events_of(paths: Paths, row: int, path: int) -> tuple[Event | None, ...]:
    """Liquidation, bankruptcy and the losses of one book on one path."""
    return tuple(map(decoded, (paths.liquidation[row, path], paths.bankruptcy[row, path], *paths.loss[:, row, path])))


def money_of(paths: Paths, horizon: int, row: int, path: int) -> Money:
    """Relative to the notional at spot."""
    return Money(*(float(getattr(paths, name)[horizon, row, path]) for name in Money._fields))


def events_in(found: Account) -> tuple[Event | None, ...]:
    return (found.liquidation, found.bankruptcy, *(found.losses.get(level) for level in LOSS_LEVELS))


def agrees(scene: Scene, paths: Paths, row: int, path: int, found: Account) -> bool:
    """Every event the same, all money to rounding."""
    return events_of(paths, row, path) == events_in(found) and all(
        abs(got * scene.notionals[row] - wanted) <= ROUNDING * scene.notionals[row]
        for horizon, name in enumerate(HORIZONS)
        for got, wanted in zip(money_of(paths, horizon, row, path), found.marks[name], strict=True)
    )


def cash_is_kept(found: Account) -> bool:
    """Nothing is made or lost between trader, venue, insurance fund and the others, and PnL is what the trader got."""
    open_pnl = found.side * found.quantity * (found.price - found.spot) if found.liquidation is None else 0.0
    made = sum(found.balance.values())
    return abs(made) < 1e-9 and abs(found.marks["6h"].pnl - found.balance[TRADER] - open_pnl) < 1e-9
