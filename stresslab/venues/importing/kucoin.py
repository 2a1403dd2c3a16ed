"""KuCoin's risk limit levels, those of isolated margin.

    data of {symbol, level, minRiskLimit, maxRiskLimit, maxLeverage, initialMargin, maintainMargin}

Limits in quote currency. Those of inverse contracts are not read: the answer does not say their unit, and the positions
in KuCoin's own documents have a risk limit of 200 at 0.5 % (XBTUSDM), which is coin and not USD. Source:
kucoin.com/docs, Get Isolated Margin Risk Limit.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from stresslab.venues.importing.naming import contract_of
from stresslab.venues.importing.tables import (
    Contract,
    Keys,
    Read,
    Row,
    Tier,
    TierTable,
    Unsuited,
    by_symbol,
    end,
    initial_rate,
    number,
    rows_of,
)

VENUES = ("kucoin",)
KEYS = Keys("minRiskLimit", "maxRiskLimit", "maintainMargin", "initialMargin", "deduction")


def found_in(content: Any) -> bool:
    """Whether this is the layout; a list of contracts has maxRiskLimit too, and no level."""
    first = content[0] if isinstance(content, list) and content else None
    return isinstance(first, dict) and {"symbol", "level", "maxRiskLimit"} <= set(first)


def contracts(content: Any, venue: str) -> Iterator[tuple[str, Read]]:
    """Each contract's symbol, and how it is read."""
    placed = [(f"[{place}]", row) for place, row in enumerate(rows_of(content, "data"))]
    for symbol, rows in by_symbol(placed, "symbol").items():
        yield symbol, partial(_table, rows, symbol, venue)


def _table(rows: Sequence[tuple[str, Row]], symbol: str, venue: str) -> TierTable:
    contract = contract_of(venue, symbol)
    check_unit(venue, contract)
    return TierTable(contract, "quote", tuple(_tier(row, symbol + at) for at, row in rows))


def check_unit(venue: str, contract: Contract) -> None:
    """Unsuited for an inverse contract of this venue."""
    if venue in VENUES and contract.inverse:
        rule = "is inverse, and the unit of such limits is not known: USD or coin"
        raise Unsuited(rule, key="symbol", got=contract.symbol)


def _tier(row: Row, at: str) -> Tier:
    imr = initial_rate(row, "maxLeverage", KEYS.initial, at)
    return Tier(number(row, KEYS.floor, at), end(row, KEYS.cap, at), number(row, KEYS.mmr, at), imr, None, at, KEYS)
