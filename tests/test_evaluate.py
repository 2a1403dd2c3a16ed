"""The two evaluations against each other and against the naive ledger on the same real paths; and against closed
forms.
"""

from typing import Any, NamedTuple

import numpy as np
import pytest
from helpers import pieces
from helpers.engine import Paths, per_path
from helpers.ledger import Account, Event, Money
from helpers.studies import MODELS, SPOT, small
from helpers.twin import decoded, live, shifted

from stresslab import scan
from stresslab.grid.plan import Plan, make_plan

N_PATHS, N_LEDGER, RECORDED = 16_384, 96, 256
HORIZONS = ("1D", "3D")
LEVELS = (0.2, 0.5, 0.8)
ROUNDING = 1e-6  # of the notional at spot: what float32 may cost money that is near 1
LEVEL_ROUNDING = 1e-6  # of the price: how near a level a path has to be for rounding to decide


class Both(NamedTuple):
    plan: Plan
    static: Paths
    general: Paths


@pytest.fixture(scope="module", params=list(MODELS))
def both(request, tmp_path_factory) -> Both:
    """Sixteen books, both sides, 2 to 50 times, on 16,384 paths over three days; funding of 10 bp every eight
    hours.
    """
    study = small(tmp_path_factory.mktemp("study"), {"market": {"model": request.param}})
    static, general = make_plan(study, "static"), make_plan(study, "general")
    return Both(static, per_path(static.ladders[0], N_PATHS), per_path(general.ladders[0], N_PATHS))


def different(one: Paths, other: Paths) -> np.ndarray:
    """Pairs (book, path) that differ in any code, or in money by more than rounding."""
    codes = (one.liquidation != other.liquidation) | (one.bankruptcy != other.bankruptcy)
    codes |= (one.loss != other.loss).any(axis=0)
    for name in Money._fields:
        codes |= (np.abs(getattr(one, name) - getattr(other, name)) > 2 * ROUNDING).any(axis=0)
    return codes


def account_of(both: Both, row: int, events: list) -> Account:
    cell = both.plan.cells[both.plan.ladders[0].cells[row]].study
    return live(cell, events)


def events_of(paths: Paths, row: int, path: int) -> tuple[Event | None, ...]:
    return tuple(map(decoded, (paths.liquidation[row, path], paths.bankruptcy[row, path], *paths.loss[:, row, path])))


def events_in(found: Account) -> tuple[Event | None, ...]:
    return (found.liquidation, found.bankruptcy, *(found.losses.get(level) for level in LEVELS))


def agrees(paths: Paths, row: int, path: int, found: Account) -> bool:
    notional = found.quantity * SPOT
    return events_of(paths, row, path) == events_in(found) and all(
        abs(getattr(paths, name)[horizon, row, path] - getattr(found.marks[mark], name) / notional) <= 2 * ROUNDING
        for horizon, mark in enumerate(HORIZONS)
        for name in Money._fields
    )


def test_the_static_ladder_is_the_general_engine(both):
    """Path by path. At most 1e-5 of the 262,144 pairs may differ, and those must lie within 1e-6 of a level."""
    differ = different(both.static, both.general)
    assert not both.static.gaps_lost.any()
    assert differ.sum() <= 1e-5 * differ.size, f"{differ.sum()} of {differ.size}"
    for row, path in zip(*np.nonzero(differ), strict=True):
        first = path - path % RECORDED
        recorded = pieces.record(both.plan, 0, RECORDED, first)
        events = pieces.events(recorded, path - first, both.plan.markets[0], SPOT)
        near = [account_of(both, row, shifted(events, by)) for by in (-LEVEL_ROUNDING, 0.0, LEVEL_ROUNDING)]
        for paths in (both.static, both.general):
            assert any(agrees(paths, row, path, found) for found in near), (row, path)


def test_both_are_the_naive_ledger(both):
    """96 recorded paths, 16 books, every event and all money: both evaluations in float32, the ledger in float64."""
    recorded, market = pieces.record(both.plan, 0, RECORDED), both.plan.markets[0]
    causes = {"diffusion": 0, "gap": 0, "funding": 0}
    for path in range(N_LEDGER):
        events = pieces.events(recorded, path, market, SPOT)
        for row in range(len(both.plan.cells)):
            found = account_of(both, row, events)
            assert agrees(both.static, row, path, found), (row, path)
            assert agrees(both.general, row, path, found), (row, path)
            causes[found.liquidation.cause if found.liquidation else "diffusion"] += 1
    assert causes["diffusion"] > 500
    assert causes["gap"] > 50 or market.study.market.model != "merton"


@pytest.mark.parametrize("step, interval, rate", [("12h", "1h", 2e-3), ("3h", "8h", 2e-2)])
def test_payments_inside_a_step_are_those_of_the_naive_ledger(tmp_path, step, interval, rate):
    """Twelve payments in a step, and steps that do not divide the interval: 2,048 paths by both evaluations, 96 of them
    by the ledger, which pays one after another at the step's end and tests the book after each.
    """
    changes = {"market": {"step": step}, "funding": {"rate": rate, "interval": interval}}
    study = small(tmp_path, changes)
    plans = {name: make_plan(study, name) for name in ("static", "account")}
    found = {name: per_path(plan.ladders[0], 2048) for name, plan in plans.items()}
    assert different(found["static"], found["account"]).sum() <= 2
    recorded, market = pieces.record(plans["static"], 0, RECORDED), plans["static"].markets[0]
    by_funding = 0
    for path in range(N_LEDGER):
        events = pieces.events(recorded, path, market, SPOT)
        for row in range(len(plans["static"].cells)):
            ledger = live(plans["static"].cells[plans["static"].ladders[0].cells[row]].study, events)
            assert agrees(found["static"], row, path, ledger), (row, path)
            assert agrees(found["account"], row, path, ledger), (row, path)
            by_funding += ledger.liquidation is not None and ledger.liquidation.cause == "funding"
    assert by_funding > 5


@pytest.mark.parametrize("wrong, at_least", [("rate", 0.2), ("sign", 0.5)])
def test_a_small_wrong_rule_makes_them_differ(both, tmp_path, wrong, at_least):
    """The same comparison with 2 % more maintenance, or with funding of the other sign, in one of the two
    evaluations.
    """
    market: dict[str, Any] = {"market": {"model": both.plan.study.market.model}}
    if wrong == "rate":
        tiers = ((60_000.0, 0.0051, 0.01), (250_000.0, 0.0102, 0.02), (1e9, 0.01785, 0.02))
        study = small(tmp_path, market, tiers=tiers)
    else:
        study = small(tmp_path, market | {"funding": {"rate": -1e-3}})
    static = per_path(make_plan(study, "static").ladders[0], N_PATHS)
    assert different(static, both.general).mean() > at_least


def test_one_compilation_for_one_shape(both, tmp_path):
    """Other parameters, leverages, seed, fees and funding: nothing is traced again."""
    kind = both.plan.study.market.model
    other = {name: value * 1.1 if name != "kind" and name != "rho" else value for name, value in MODELS[kind].items()}
    changes = {
        "market": {"model": kind, "spot": 40_000.0},
        "models": {kind: other | ({"jump_intensity": 400.0} if kind == "merton" else {})},
        "seed": 2,
        "funding": {"rate": 2e-4},
        "sweep": {"book.side": ["long", "short"], "book.leverage": [2.1, 3.3, 4.7, 6.5, 11.0, 19.0, 26.0, 48.0]},
    }
    plan = make_plan(small(tmp_path, changes, taker=0.0007), "static")
    before = dict(scan.traces)
    per_path(plan.ladders[0], N_PATHS)
    assert dict(scan.traces) == before
