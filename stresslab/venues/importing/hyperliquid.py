"""Hyperliquid's meta.

    {universe: [{name, maxLeverage, marginTableId}], marginTables: [[id, {marginTiers: [{lowerBound, maxLeverage}]}]]}

The maintenance rate is half the initial rate at the tier's largest leverage. An id below 50 without a table is one tier
of that leverage. Source: hyperliquid.gitbook.io, margin tiers; info endpoint, meta.
"""

import math
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from stresslab.errors import InputError, require
from stresslab.venues.importing.naming import contract_of
from stresslab.venues.importing.tables import Keys, Read, Row, Tier, TierTable, Unsuited, number, rows_of, text

VENUES = ("hyperliquid",)
KEYS = Keys("lowerBound", "lowerBound", "maxLeverage", "maxLeverage", "deduction")
FIRST_TABLE = 50
Tables = Mapping[int, tuple[str, Any]]  # by id: where it stands, and the table


def found_in(content: Any) -> bool:
    """Whether this is the layout; metaAndAssetCtxs has it as the first of two."""
    return isinstance(_meta(content), dict) and isinstance(_meta(content).get("universe"), list)


def _meta(content: Any) -> Any:
    return content[0] if isinstance(content, list) and len(content) == 2 else content


def contracts(content: Any, venue: str) -> Iterator[tuple[str, Read]]:
    """Each contract's symbol, and how it is read."""
    meta = _meta(content)
    tables = _tables(meta.get("marginTables") or [])
    for place, row in enumerate(rows_of(meta["universe"], "universe")):
        symbol = text(row, "name", f"universe[{place}]")
        yield symbol, partial(_table, row, symbol, venue, tables)


def _tables(given: Any) -> Tables:
    found: dict[int, tuple[str, Any]] = {}
    require(isinstance(given, list), "must be a list of pairs of an id and a table", key="marginTables", got=given)
    for place, pair in enumerate(given):
        key = f"marginTables[{place}]"
        is_pair = isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], int) and isinstance(pair[1], dict)
        require(is_pair, "must be a pair of an id and a table", key=key, got=pair)
        require(pair[0] not in found, "stands twice in the file", key=f"{key}[0]", got=pair[0])
        found[pair[0]] = (key, pair[1])
    return found


def _table(row: Row, symbol: str, venue: str, tables: Tables) -> TierTable:
    if row.get("isDelisted"):
        raise Unsuited("is not traded any more: isDelisted is true", key="name", got=symbol)
    contract = contract_of(venue, symbol)
    most = number(row, "maxLeverage", symbol, least=1.0)
    at, levels = _levels(row, symbol, most, tables)
    floors = [number(one, KEYS.floor, f"{at}[{place}]") for place, one in enumerate(levels)]
    tiers = tuple(
        _tier(one, floor, cap, f"{at}[{place}]")
        for place, (one, floor, cap) in enumerate(zip(levels, floors, [*floors[1:], math.inf], strict=True))
    )
    rule = f"must be {most:g}, the contract's maxLeverage"
    agrees = math.isclose(1 / tiers[0].imr, most)
    require(agrees, rule, key=f"{tiers[0].at}.maxLeverage", got=levels[0]["maxLeverage"])
    alone = bool(row.get("onlyIsolated")) or row.get("marginMode") in ("strictIsolated", "noCross")
    return TierTable(contract, "quote", tiers, face=1.0, isolated_only=alone)


def _levels(row: Row, symbol: str, most: float, tables: Tables) -> tuple[str, Any]:
    number_ = row.get("marginTableId")
    if isinstance(number_, int) and number_ in tables:
        at, table = tables[number_]
        return f"{at}.marginTiers", rows_of(table.get("marginTiers"), f"{at}.marginTiers")
    if number_ is None or (isinstance(number_, int) and number_ < FIRST_TABLE):
        return symbol, [{"lowerBound": 0.0, "maxLeverage": most}]
    raise InputError("names no table of marginTables", key=f"{symbol}.marginTableId", got=number_)


def _tier(row: Row, floor: float, cap: float, at: str) -> Tier:
    imr = 1 / number(row, KEYS.initial, at, least=1.0)
    return Tier(floor, cap, imr / 2, imr, None, at, KEYS)
