"""Bybit's risk limits.

    result.list of {symbol, riskLimitValue, maintenanceMargin, initialMargin, maxLeverage, mmDeduction}

Rates are fractions, or per cent in older answers: the largest leverage tells which. Limits of inverse contracts are in
coin. Source: bybit-exchange.github.io/docs/v5/market/risk-limit.
"""

from collections.abc import Iterator, Sequence
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
    end,
    given_number,
    grouped,
    has_keys,
    initial_rate,
    number,
)

VENUES = ("bybit",)
KEYS = Keys("riskLimitValue", "riskLimitValue", "maintenanceMargin", "initialMargin", "mmDeduction")
PER_CENT = 0.01
WHOLE = "Fetch the whole answer again"


def found_in(content: Any) -> bool:
    """Whether this is the layout."""
    return has_keys(content, {"symbol", "riskLimitValue"})


def contracts(content: Any, venue: str) -> Iterator[tuple[str, Read]]:
    """Each contract's symbol, and how it is read."""
    yield from grouped(content, "list", "symbol", partial(_table, venue))


def _table(venue: str, rows: Sequence[tuple[str, Row]], symbol: str) -> TierTable:
    contract = contract_of(venue, symbol)
    at, lowest = min(rows, key=lambda one: number(one[1], KEYS.cap, symbol + one[0]))
    rule = "must be 1 in the lowest tier: the rows of lower ones are missing"
    is_lowest = lowest.get("isLowestRisk", 1) in (1, "1", True)
    require(is_lowest, rule, key=f"{symbol}{at}.isLowestRisk", got=lowest.get("isLowestRisk"), hint=WHOLE)
    tiers = tuple(_tier(row, symbol + at) for at, row in rows)
    return TierTable(contract, "coin" if contract.inverse else "quote", tiers, face=1.0)


def _tier(row: Row, at: str) -> Tier:
    most, given = number(row, "maxLeverage", at, least=1.0), number(row, KEYS.initial, at)
    part = PER_CENT if given * most > 10 else 1.0
    cum = given_number(row, KEYS.cum, at)
    mmr = part * number(row, KEYS.mmr, at)
    require(mmr < 1, "must be below the initial rate", key=f"{at}.{KEYS.mmr}", got=row[KEYS.mmr])
    imr = initial_rate(row, "maxLeverage", KEYS.initial, at, part)
    return Tier(None, end(row, KEYS.cap, at), mmr, imr, cum, at, KEYS)
