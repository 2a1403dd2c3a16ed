"""Paths by hand and ledgers by hand (`cases`), and wild random paths against the naive ledger, through the whole engine.

All books are on all paths in one launch, so that each of the two evaluations is compiled once.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from books import cases
from books.cases import CASES, LOSS_LEVELS
from helpers import scripted
from helpers.engine import Paths
from helpers.ledger import TRADER, Account, Event, Funding, Money
from helpers.twin import decoded, rules_of

from stresslab.grid.plan import MarketCell

NAMES = [case.name for case in CASES]
NOTIONAL = 1000.0  # of every book, at spot
ROUNDING = 2e-6  # of the notional: float32 through a dozen operations on numbers near 1
N_RANDOM = 400


class Scene(NamedTuple):
    market: MarketCell
    scripts: list[list[scripted.Step]]  # the cases' own, then random ones
    row: list[int]  # of each case in the result, where longs come first
    played: dict[str, scripted.Played]
    accounts: list[Callable[[], Account]]


@pytest.fixture(scope="module")
def scene(tmp_path_factory) -> Scene:
    folder = tmp_path_factory.mktemp("cases")
    facts = [cases.facts(folder, case) for case in CASES]
    order = sorted(range(len(CASES)), key=lambda number: facts[number].side == "short")
    books = [facts[number] for number in order]
    market = cases.market(folder)
    scripts = [case.script for case in CASES] + random_scripts(N_RANDOM, seed=1)
    played = {
        evaluation: scripted.play(scripts, books, market, LOSS_LEVELS, evaluation)
        for evaluation in ("static", "account")
    }
    accounts = [account(folder, case) for case in CASES]
    return Scene(market, scripts, [order.index(number) for number in range(len(CASES))], played, accounts)


def account(folder: Path, case: cases.Case) -> Callable[[], Account]:
    """A case's position, to be opened in the ledger as often as needed."""
    study = cases.study(folder, case)
    book, side = study.book, {"long": 1, "short": -1}[study.book.side]
    entry, margin, is_new = 100.0, book.collateral, book.entry_price is None
    if not is_new:
        entry, margin = book.entry_price, book.margin
    return partial(Account, rules_of(study), side, 100.0, entry, book.quantity, margin, LOSS_LEVELS, is_new)


def random_scripts(n: int, seed: int) -> list[list[scripted.Step]]:
    """Wild paths: half of the steps have a jump, so that gaps, payments and diffusions all liquidate."""
    rng = np.random.default_rng(seed)
    moves = rng.normal(0, 0.02, (n, cases.N_STEPS, 3))
    moves[:, :, 1] = np.where(rng.random((n, cases.N_STEPS)) < 0.5, rng.normal(0, 0.04, (n, cases.N_STEPS)), 0.0)
    prices = 100 * np.exp(np.cumsum(moves.reshape(n, -1), axis=1)).reshape(moves.shape)
    return [[tuple(map(float, step)) for step in path] for path in prices]


def events_of(paths: Paths, book: int, path: int) -> tuple[Event | None, ...]:
    """Liquidation, bankruptcy and the losses of one book on one path."""
    codes = (paths.liquidation[book, path], paths.bankruptcy[book, path], *paths.loss[:, book, path])
    return tuple(map(decoded, codes))


def money_of(paths: Paths, horizon: int, book: int, path: int) -> Money:
    return Money(*(float(getattr(paths, name)[horizon, book, path]) * NOTIONAL for name in Money._fields))


def events_in(found: Account) -> tuple[Event | None, ...]:
    return (found.liquidation, found.bankruptcy, *(found.losses.get(level) for level in LOSS_LEVELS))


def check_cash(found: Account) -> None:
    """Nothing is made or lost on the way between trader, venue, insurance fund and the others; PnL is what the trader got."""
    assert sum(found.balance.values()) == pytest.approx(0, abs=1e-9)
    open_pnl = found.side * found.quantity * (found.price - found.spot) if found.liquidation is None else 0.0
    assert found.marks["6h"].pnl == pytest.approx(found.balance[TRADER] + open_pnl, abs=1e-9)


@pytest.mark.parametrize("evaluation", ["static", "account"])
@pytest.mark.parametrize("number", range(len(CASES)), ids=NAMES)
def test_a_ledger_by_hand(scene, number, evaluation):
    case, row, paths = CASES[number], scene.row[number], scene.played[evaluation].paths
    assert events_of(paths, row, number) == (case.liquidation, case.bankruptcy, *case.losses)
    assert money_of(paths, 0, row, number) == pytest.approx(case.at_4h, abs=ROUNDING * NOTIONAL)
    assert money_of(paths, 1, row, number) == pytest.approx(case.at_6h, abs=ROUNDING * NOTIONAL)


@pytest.mark.parametrize("number", range(len(CASES)), ids=NAMES)
def test_the_naive_ledger_by_hand(scene, number):
    """The oracle itself is held to the hand-written ledgers, in float64 (they have six decimals)."""
    case = CASES[number]
    found = scene.accounts[number]().follow(scripted.events(case.script, scene.market))
    assert events_in(found) == (case.liquidation, case.bankruptcy, *case.losses)
    assert found.marks["4h"] == pytest.approx(case.at_4h, abs=3e-6)
    assert found.marks["6h"] == pytest.approx(case.at_6h, abs=3e-6)
    check_cash(found)


def differences(scene: Scene, evaluation: str, paths: range, twist: Callable[..., tuple[Account, list]]) -> tuple[int, Counter]:
    """Pairs of book and path where the engine and the ledger differ, and how often the ledger saw each cause."""
    played, differ, causes = scene.played[evaluation].paths, 0, Counter()
    for path in paths:
        events = scripted.events(scene.scripts[path], scene.market)
        for row, opened in zip(scene.row, scene.accounts, strict=True):
            found, twisted = twist(opened(), events)
            found.follow(twisted)
            check_cash(found)
            causes[found.liquidation.cause if found.liquidation else None] += 1
            same_money = all(
                money_of(played, horizon, row, path) == pytest.approx(found.marks[name], abs=ROUNDING * NOTIONAL)
                for horizon, name in enumerate(("4h", "6h"))
            )
            differ += not same_money or events_of(played, row, path) != events_in(found)
    return differ, causes


@pytest.mark.parametrize("evaluation", ["static", "account"])
def test_wild_paths_against_the_naive_ledger(scene, evaluation):
    """All books on 400 random paths (seed 1): every event, and all money at both horizons."""
    random_paths = range(len(CASES), len(scene.scripts))
    differ, causes = differences(scene, evaluation, random_paths, lambda account, events: (account, events))
    assert differ == 0
    assert not scene.played[evaluation].gaps_lost.any()
    assert len(causes) == 4 and min(causes.values()) > 400, causes  # all three causes and none, each of them often


def wrong_rate(account: Account, events: list) -> tuple[Account, list]:
    tiers = tuple(tier._replace(mmr=1.02 * tier.mmr) for tier in account.rules.tiers)
    account.rules = replace(account.rules, tiers=tiers)
    return account, events


def wrong_sign(account: Account, events: list) -> tuple[Account, list]:
    return account, [Funding(-event.rate) if isinstance(event, Funding) else event for event in events]


def wrong_tier(account: Account, events: list) -> tuple[Account, list]:
    """Rates of the tier that holds the notional at entry, as one reads in many a calculator."""
    notional = account.quantity * account.entry
    at_entry = next(tier for tier in account.rules.tiers if notional <= tier.cap)
    account.rules = replace(account.rules, tiers=(at_entry,))
    return account, events


@pytest.mark.parametrize(
    "twist, at_least", [(wrong_rate, 500), (wrong_sign, 1000), (wrong_tier, 20)], ids=["rate", "sign", "tier"]
)
def test_a_small_wrong_rule_is_seen(scene, twist, at_least):
    """Maintenance rates wrong by 2 %, funding with the wrong sign, the tier at entry: on 100 paths the comparison finds each."""
    paths = range(len(CASES), len(CASES) + 100)
    differ, _ = differences(scene, "static", paths, twist)
    assert differ >= at_least
