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
    end,
    grouped,
    has_keys,
    initial_rate,
    number,
)

VENUES = ("kucoin",)
KEYS = Keys("minRiskLimit", "maxRiskLimit", "maintainMargin", "initialMargin", "deduction")


def found_in(content: Any) -> bool:
    """Whether this is the layout; a list of contracts has maxRiskLimit too, and no level."""
    return has_keys(content, {"symbol", "level", "maxRiskLimit"})


def contracts(content: Any, venue: str) -> Iterator[tuple[str, Read]]:
    """Each contract's symbol, and how it is read."""
    yield from grouped(content, "data", "symbol", partial(_table, venue))


def _table(venue: str, rows: Sequence[tuple[str, Row]], symbol: str) -> TierTable:
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
