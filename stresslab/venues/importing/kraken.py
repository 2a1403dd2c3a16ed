"""Kraken's instruments with their margin levels.

    instruments of {symbol, type, contractSize, tickSize, maxPositionSize, marginLevels or retailMarginLevels}

A level begins at `contracts` (inverse, contracts of 1 USD) or `numNonContractUnits` (linear, USD) and goes to the next
one; the last has no end. Source: docs.kraken.com/api/docs/futures-api, Get instruments.
"""

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

from stresslab.errors import require
from stresslab.venues.importing.naming import contract_of
from stresslab.venues.importing.tables import (
    Keys,
    Read,
    Row,
    Tier,
    TierTable,
    Unsuited,
    given_number,
    number,
    rows_of,
    text,
)

VENUES = ("kraken",)
TYPES = {"flexible_futures": ("numNonContractUnits", False), "futures_inverse": ("contracts", True)}
RETAIL = "retail accounts have levels of their own in the file (retailMarginLevels), which are not used here"
ONLY_RETAIL = "the levels are those of retail accounts: the file has no others"


def found_in(content: Any) -> bool:
    """Whether this is the layout."""
    rows = content.get("instruments") if isinstance(content, dict) else None
    levels = ("marginLevels", "retailMarginLevels")
    return isinstance(rows, list) and any(isinstance(row, dict) and any(name in row for name in levels) for row in rows)


def contracts(content: Any, venue: str) -> Iterator[tuple[str, Read]]:
    """Each contract's symbol, and how it is read; indices are passed over."""
    for place, row in enumerate(rows_of(content["instruments"], "instruments")):
        symbol = text(row, "symbol", f"instruments[{place}]")
        if "index" not in str(row.get("type", "")):
            yield symbol, partial(_table, row, symbol, venue)


def _table(row: Row, symbol: str, venue: str) -> TierTable:
    if row.get("tradeable") is False or row.get("isExpired") is True:
        raise Unsuited("is not traded any more: tradeable is false", key="symbol", got=symbol)
    contract = contract_of(venue, symbol)
    kind = text(row, "type", symbol)
    fits = kind in TYPES and TYPES[kind][1] == contract.inverse
    require(
        fits, "must be flexible_futures of a PF_ symbol, futures_inverse of a PI_ one", key=f"{symbol}.type", got=kind
    )
    name = "marginLevels" if row.get("marginLevels") else "retailMarginLevels"
    levels = rows_of(row.get(name), f"{symbol}.{name}")
    other = row.get("retailMarginLevels")
    notes = (ONLY_RETAIL,) if name == "retailMarginLevels" else (RETAIL,) if other and other != levels else ()
    keys = Keys(TYPES[kind][0], TYPES[kind][0], "maintenanceMargin", "initialMargin", "deduction")
    placed = [(f"{symbol}.{name}[{place}]", one) for place, one in enumerate(levels)]
    floors = [number(one, keys.floor, at) for at, one in placed]
    tiers = tuple(
        _tier(one, floor, cap, keys, at)
        for (at, one), floor, cap in zip(placed, floors, [*floors[1:], math.inf], strict=True)
    )
    largest = given_number(row, "maxPositionSize", symbol)
    face = number(row, "contractSize", symbol, least=1e-12)
    tick, unit = given_number(row, "tickSize", symbol), "contracts" if contract.inverse else "quote"
    most = largest * face if largest and contract.inverse else largest
    return TierTable(contract, unit, tiers, face=face, tick=tick, max_quantity=most or None, notes=notes)  # type: ignore[arg-type]


def _tier(row: Row, floor: float, cap: float, keys: Keys, at: str) -> Tier:
    return Tier(
        floor=floor,
        cap=cap,
        mmr=number(row, keys.mmr, at),
        imr=number(row, keys.initial, at, least=1e-6),
        cum=None,
        at=at,
        keys=keys,
    )
