"""Where a position is liquidated, as a log distance from its entry, for each side and leverage.

An isolated position with margin = notional / leverage, opened at the close of a bar, is liquidated where equity meets
the maintenance requirement:

    long   log((1 - 1/L) / (1 - mmr))        short   log((1 + 1/L) / (1 + mmr))        with one rate for all sizes

or at the rulebook's trigger for a given notional, by the edition in force at each date. Entry fees and funding within
the horizon are left out.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np

from stresslab.errors import InputError, require
from stresslab.venues import Rulebook
from stresslab.venues.editions import History, in_force
from stresslab.venues.margin import liquidation_price

SIDES = ("long", "short")


def flat_levels(sides: Sequence[str], leverages: Sequence[float], mmr: float) -> np.ndarray:
    """Log distances (side, leverage) under one maintenance rate: below 0 for a long, above 0 for a short."""
    require(0 <= mmr < 1, "is a fraction of the notional, at least 0 and below 1", key="--mmr", got=mmr)
    check_positions(sides, leverages)
    side, leverage = np.array(sides)[:, None], np.array(leverages, float)[None]
    side, leverage = np.broadcast_arrays(side, leverage)
    return _logs(liquidation_price(side, 1.0, 1.0, 1 / leverage, mmr=mmr), sides, leverages)


def rulebook_levels(
    sides: Sequence[str], leverages: Sequence[float], rulebook: Rulebook, notional: float
) -> np.ndarray:
    """Log distances (side, leverage) of a position of `notional` quote currency; NotAllowed where the venue refuses."""
    check_positions(sides, leverages, notional)
    leverage = np.array(leverages, float)
    rulebook.check_allowed(np.full(leverage.shape, notional), leverage)
    side, leverage = np.broadcast_arrays(np.array(sides)[:, None], leverage[None])
    return _logs(rulebook.liquidation_price(side, 1.0, notional, notional / leverage), sides, leverages)


class DatedRules(NamedTuple):
    """A rulebook with its history, and the notional of the position in quote currency."""

    history: History
    notional: float


def dated_levels(dates: np.ndarray, sides: Sequence[str], leverages: Sequence[float], rules: DatedRules) -> np.ndarray:
    """Log distances (side, leverage, date) by the edition in force at each date, seconds since 1970.

    NotAllowed where an edition that is in force at one of the dates refuses a leverage; its name is in the message.
    """
    editions = [in_force(rules.history, datetime.fromtimestamp(int(date), UTC)) for date in dates]
    found: dict[str, np.ndarray] = {}
    for book in editions:
        if book.edition not in found:
            try:
                found[book.edition] = rulebook_levels(sides, leverages, book, rules.notional)
            except InputError as refusal:
                raise _of_edition(refusal, book) from None
    return np.stack([found[book.edition] for book in editions], axis=-1)


def _of_edition(refusal: InputError, book: Rulebook) -> InputError:
    rule = f"{refusal.rule}, by the edition {book.edition}, which is in force at some of the dates"
    hint = f"Lower it, or choose the dates with --from and --to, or one edition for all of them: {book.id}@DATE"
    return type(refusal)(rule, key=refusal.key, got=refusal.got, hint=hint)


def check_positions(sides: Sequence[str], leverages: Sequence[float], notional: float = 1.0) -> None:
    """InputError for a notional, a side or a leverage that no position has, or one that is given twice."""
    require(0 < notional < np.inf, "must be above 0", key="--notional", got=notional)
    known = bool(sides) and set(sides) <= set(SIDES) and len(set(sides)) == len(sides)
    require(known, "is long, short or both, each once", key="--side", got=",".join(sides))
    good = bool(leverages) and all(1 < one < np.inf for one in leverages) and len(set(leverages)) == len(leverages)
    require(good, "leverages are numbers above 1, each once", key="--leverage", got=list(leverages))


def _logs(prices: np.ndarray, sides: Sequence[str], leverages: Sequence[float]) -> np.ndarray:
    """Log of the trigger over the entry; InputError where the position would be liquidated as it is opened."""
    sign = np.where(np.array(sides) == "long", -1.0, 1.0)[:, None]
    opened = np.all(sign * (prices - 1) > 0, axis=0)
    refused = [one for one, good in zip(leverages, opened, strict=True) if not good]
    rule = "the margin is below the maintenance margin at entry"
    require(not refused, rule, key="--leverage", got=refused[0] if refused else None, hint="Lower the leverage")
    return np.log(prices)
