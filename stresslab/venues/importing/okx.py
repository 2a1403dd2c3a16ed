"""OKX's position tiers.

    data of {instFamily, instId, tier, minSz, maxSz, mmr, imr, maxLever}, sizes in contracts

A tier begins one lot after the end of the one before it (1000, 1000.01), a contract at most. The size of a contract is
ctVal of public/instruments. Source: okx.com/docs-v5, Get position tiers.
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
    Unsuited,
    end,
    given_number,
    initial_rate,
    number,
    rows_of,
)

VENUES = ("okx",)
KEYS = Keys("minSz", "maxSz", "mmr", "imr", "cum")
LOT = 1.0  # contracts


def found_in(content: Any) -> bool:
    """Whether this is the layout; rows of public/instruments may stand among those of the tiers."""
    rows = content if isinstance(content, list) else ()
    return any(isinstance(row, dict) and {"minSz", "maxSz", "maxLever"} <= set(row) for row in rows)


def contracts(content: Any, venue: str) -> Iterator[tuple[str, Read]]:
    """Each contract's symbol, and how it is read."""
    found: dict[str, list[tuple[str, Row]]] = {}
    for place, row in enumerate(rows_of(content, "data")):
        if "maxSz" in row:
            found.setdefault(_symbol(row), []).append((f"[{place}]", row))
    for symbol, rows in found.items():
        yield symbol, partial(_table, rows, symbol, venue)


def _symbol(row: Row) -> str:
    """Tiers are of a contract family, which a row of the kind FUTURES says not to be the perpetual."""
    family, given = str(row.get("instFamily") or row.get("uly") or ""), str(row.get("instId") or "")
    if given or not family:
        return given or "a row without instFamily"
    return f"{family}-{row['instType']}" if row.get("instType") not in (None, "", "SWAP") else f"{family}-SWAP"


def _table(rows: Sequence[tuple[str, Row]], symbol: str, venue: str) -> TierTable:
    if not symbol.endswith("-SWAP"):
        raise Unsuited("is no perpetual: margin of spot, a future or options", key="instFamily", got=symbol)
    contract = contract_of(venue, symbol)
    tiers = tuple(_tier(row, symbol + at) for at, row in rows)
    face = given_number(rows[0][1], "ctVal", symbol + rows[0][0])
    return TierTable(contract, "contracts", tiers, lot=LOT, face=face)


def _tier(row: Row, at: str) -> Tier:
    imr = initial_rate(row, "maxLever", KEYS.initial, at)
    return Tier(number(row, KEYS.floor, at), end(row, KEYS.cap, at), number(row, KEYS.mmr, at), imr, None, at, KEYS)
