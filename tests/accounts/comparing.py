"""Engine and twin side by side: which pairs of book and path differ, and in what."""

import copy
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from helpers.account_engine import Played, Script, events, form_of, numbers_of, play
from helpers.account_twin.book import Book, Event, Money
from helpers.account_twin.venue import live
from helpers.told_venue import Storm, Written

from stresslab.books.outcome import CAUSES

Twist = Callable[[Book], None]


@dataclass
class Difference:
    """What was found, over all pairs."""

    pairs: int = 0
    codes: Counter = field(default_factory=Counter)  # events that differ, by name
    money: dict[str, float] = field(default_factory=lambda: dict.fromkeys(Money._fields, 0.0))  # worst, of the scale
    causes: Counter = field(default_factory=Counter)  # of the twin's liquidations
    leak: float = 0.0  # cash that came or went, and what trader, venue, fund and others do not sum to
    pairs_that_differ: list[tuple[int, int]] = field(default_factory=list)


def decoded(code: int) -> Event | None:
    return Event(int(code) // len(CAUSES), CAUSES[int(code) % len(CAUSES)]) if code >= 0 else None


def compare(
    books: list[Book], script: Script, tolerance: float, twist: Twist | None = None, storm: Storm | None = None
) -> Difference:
    """All books, as they were opened, on all paths; money at the end of every step."""
    first, form, numbers = books[0], form_of(books[0]), numbers_of(books)
    if storm:
        form, numbers = form._replace(conditions=(Written(),)), numbers._replace(conditions=(storm,))
    played = play(form, numbers, script, first.spots, first.loss_levels)
    found = Difference(leak=float(np.abs(played.cash - played.cash[0]).max()))
    for path in range(script.prices.shape[-1]):
        story = events(script, path)
        if storm:
            story = storm.told(story, path)
        for row, opened in enumerate(books):
            lived = copy.deepcopy(opened)
            if twist:
                twist(lived)
            _add(found, played, row, path, live(lived, story), tolerance)
    return found


def _add(found: Difference, played: Played, row: int, path: int, lived: Book, tolerance: float) -> None:
    codes = played.codes
    got = {name: getattr(codes, name)[row, path] for name in ("liquidation", "bankruptcy", "default")}
    got |= dict(zip(lived.loss_levels, codes.loss[:, row, path], strict=True))
    wrong = [name for name, code in got.items() if decoded(code) != lived.codes.get(name)]
    money = np.array([part[:, row, path] for part in played.money]).T
    gap = np.abs(money - np.array(lived.marks) / lived.scale).max(axis=0) * lived.scale / 1000
    found.pairs += 1
    found.codes.update(map(str, wrong))
    found.causes[lived.codes["liquidation"].cause if "liquidation" in lived.codes else "none"] += 1
    for name, value in zip(Money._fields, gap, strict=True):
        found.money[name] = max(found.money[name], float(value) if np.isfinite(value) else np.inf)
    if wrong or not gap.max() <= tolerance:  # not a number is a difference
        found.pairs_that_differ.append((row, path))
