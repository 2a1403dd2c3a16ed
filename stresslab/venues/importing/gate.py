"""Gate's risk limit tiers.

    [{contract, tier, risk_limit, maintenance_rate, initial_rate, leverage_max, deduction}]

Limits in quote currency. Source: gate.com/docs/developers/apiv4, List risk limit tiers.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from stresslab.venues.importing.naming import contract_of
from stresslab.venues.importing.tables import (
    Keys,
    Read,
    Row,
    Tier,
    TierTable,
    by_symbol,
    end,
    given_number,
    initial_rate,
    number,
    rows_of,
)

VENUES = ("gate",)
KEYS = Keys("risk_limit", "risk_limit", "maintenance_rate", "initial_rate", "deduction")


def found_in(content: Any) -> bool:
    """Whether this is the layout."""
    first = content[0] if isinstance(content, list) and content else None
    return isinstance(first, dict) and {"contract", "risk_limit"} <= set(first)


def contracts(content: Any, venue: str) -> Iterator[tuple[str, Read]]:
    """Each contract's symbol, and how it is read."""
    placed = [(f"[{place}]", row) for place, row in enumerate(rows_of(content, "file"))]
    for symbol, rows in by_symbol(placed, "contract").items():
        yield symbol, partial(_table, rows, symbol, venue)


def _table(rows: Sequence[tuple[str, Row]], symbol: str, venue: str) -> TierTable:
    return TierTable(contract_of(venue, symbol), "quote", tuple(_tier(row, symbol + at) for at, row in rows))


def _tier(row: Row, at: str) -> Tier:
    imr = initial_rate(row, "leverage_max", KEYS.initial, at)
    cum = given_number(row, KEYS.cum, at)
    return Tier(None, end(row, KEYS.cap, at), number(row, KEYS.mmr, at), imr, cum, at, KEYS)
