"""Random paths full of jumps and payments against the naive ledger, and proof that the comparison sees small
mistakes.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
from books import scene as stage
from books.scene import Scene
from helpers.ledger import Account, Funding
from helpers.twin import decoded

Twist = Callable[[Account, list], list]


def as_it_is(account: Account, events: list) -> list:
    return events


def differences(scene: Scene, evaluation: str, paths: range, twist: Twist = as_it_is) -> tuple[int, Counter]:
    """Pairs of book and path where engine and ledger differ, and how often the ledger saw each cause."""
    played, differ, causes = scene.played[evaluation], 0, Counter()
    for path in paths:
        events = scene.events(path)
        for row, opened in enumerate(scene.accounts):
            found = opened()
            found.follow(twist(found, events))
            assert stage.cash_is_kept(found)
            causes[found.liquidation.cause if found.liquidation else "none"] += 1
            differ += not stage.agrees(scene, played, row, path, found)
    return differ, causes


@pytest.mark.parametrize("evaluation", ["static", "general"])
@pytest.mark.parametrize("kind, at_least", [("wild", 500), ("busy", 50)])
def test_random_paths_against_the_naive_ledger(scene, evaluation, kind, at_least):
    """Every book on every path (400 with seed 1, 200 with seed 2): each event, and all money at both horizons."""
    differ, causes = differences(scene, evaluation, scene.paths(kind))
    assert differ == 0
    assert not scene.played[evaluation].gaps_lost[scene.paths(kind)].any()
    assert len(causes) == 4 and min(causes.values()) >= at_least, causes


def wrong_rate(account: Account, events: list) -> list:
    tiers = tuple(tier._replace(mmr=1.02 * tier.mmr) for tier in account.rules.tiers)
    account.rules = replace(account.rules, tiers=tiers)
    return events


def wrong_sign(account: Account, events: list) -> list:
    return [Funding(-event.rate) if isinstance(event, Funding) else event for event in events]


def wrong_tier(account: Account, events: list) -> list:
    """The tier that holds the notional at entry, as in many a calculator."""
    notional = account.quantity * account.entry
    at_entry = next(tier for tier in account.rules.tiers if notional <= tier.cap)
    account.rules = replace(account.rules, tiers=(at_entry,))
    return events


@pytest.mark.parametrize("twist, at_least", [(wrong_rate, 500), (wrong_sign, 2000), (wrong_tier, 20)])
def test_a_small_wrong_rule_is_seen(scene, twist, at_least):
    """Maintenance rates wrong by 2 %, funding with the wrong sign, the tier at entry: found on 100 of the wild
    paths.
    """
    differ, _ = differences(scene, "static", scene.paths("wild")[:100], twist)
    assert differ >= at_least


def test_the_general_engine_needs_no_slots_for_gaps(scene):
    """Six gaps to new extremes in one hour: whoever is liquidated there is liquidated by one of them."""
    played = scene.played["general"]
    for path in scene.paths("stairs"):
        for row, opened in enumerate(scene.accounts):
            found = opened().follow(scene.events(path))
            assert stage.agrees(scene, played, row, path, found)
    assert not played.gaps_lost.any()


def test_gaps_without_a_slot_are_counted(scene):
    """Of the six gaps the static ladder keeps the last four and says so; levels in the first two pass for
    diffusions.
    """
    played = scene.played["static"]
    forgotten = 0
    assert list(played.gaps_lost[scene.paths("stairs")]) == [2, 2]
    for path in scene.paths("stairs"):
        for row, opened in enumerate(scene.accounts):
            found = opened().follow(scene.events(path))
            if found.liquidation and found.liquidation.bin == 0 and 92 < found.fill < 113:
                forgotten += 1
                assert decoded(played.liquidation[row, path]) == (0, "diffusion")
            else:
                assert stage.events_of(played, row, path)[0] == found.liquidation
    assert forgotten > 5
