"""Gate's risk limit tiers.

    [{contract, tier, risk_limit, maintenance_rate, initial_rate, leverage_max, deduction}]

Limits in quote currency. Source: gate.com/docs/developers/apiv4, List risk limit tiers.
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
    rows_of,
)

VENUES = ("gate",)
KEYS = Keys("risk_limit", "risk_limit", "maintenance_rate", "initial_rate", "deduction")
NAME_IT = 'Ask for all contracts, or add "contract": "BTC_USDT" to each row'


def found_in(content: Any) -> bool:
    """Whether this is the layout."""
    return has_keys(content, {"risk_limit", "maintenance_rate"})


def contracts(content: Any, venue: str) -> Iterator[tuple[str, Read]]:
    """Each contract's symbol, and how it is read."""
    for place, row in enumerate(rows_of(content, "file")):
        rule = "this key is required and is missing: the answer for one contract leaves it out"
        require("contract" in row, rule, key=f"[{place}].contract", hint=NAME_IT)
    yield from grouped(content, "file", "contract", partial(_table, venue))


def _table(venue: str, rows: Sequence[tuple[str, Row]], symbol: str) -> TierTable:
    contract = contract_of(venue, symbol)
    _check_whole(rows, symbol)
    return TierTable(contract, "quote", tuple(_tier(row, symbol + at) for at, row in rows))


def _check_whole(rows: Sequence[tuple[str, Row]], symbol: str) -> None:
    """InputError where the numbers of the tiers have a gap: without deductions nothing else tells that."""
    numbered = sorted((number(row, "tier", symbol + at), at) for at, row in rows if "tier" in row)
    for place, (found, at) in enumerate(numbered, 1):
        rule = f"must be {place}: a tier is missing, or stands twice"
        require(found == place, rule, key=f"{symbol}{at}.tier", got=found)


def _tier(row: Row, at: str) -> Tier:
    imr = initial_rate(row, "leverage_max", KEYS.initial, at)
    cum = given_number(row, KEYS.cum, at)
    return Tier(None, end(row, KEYS.cap, at), number(row, KEYS.mmr, at), imr, cum, at, KEYS)
