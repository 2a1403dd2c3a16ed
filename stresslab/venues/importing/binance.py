"""Binance's leverage brackets, of USD-M and COIN-M.

    [{symbol, brackets: [{initialLeverage, notionalFloor, notionalCap, maintMarginRatio, cum}]}]

COIN-M counts in coin: qtyFloor (qtylFloor in the documents) and qtyCap; its older answer names a pair (BTCUSD). One
contract alone is such a mapping without the list. Source: developers.binance.com, Notional and Leverage Brackets.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

from stresslab.errors import require
from stresslab.venues.importing.naming import contract_of
from stresslab.venues.importing.tables import Keys, Read, Row, Tier, TierTable, end, given_number, number, rows_of, text

VENUES = ("binance_usdm", "binance_coinm")
CONTRACT_SIZES = {"BTC": 100.0}  # USD; of other coins 10
OTHER_SIZE = 10.0
ACCOUNT = "notionalCoef {coef:g} in the file: the bounds are those of one account, not the public ones"


def found_in(content: Any) -> bool:
    """Whether this is the layout."""
    first = content[0] if isinstance(content, list) and content else content
    return isinstance(first, dict) and "brackets" in first and ("symbol" in first or "pair" in first)


def contracts(content: Any, venue: str) -> Iterator[tuple[str, Read]]:
    """Each contract's symbol, and how it is read."""
    for place, row in enumerate(rows_of(content if isinstance(content, list) else [content], "file")):
        symbol = text(row, "symbol" if "symbol" in row else "pair", f"[{place}]")
        yield symbol, partial(_table, row, symbol, venue)


def _table(row: Row, symbol: str, venue: str) -> TierTable:
    is_coin = venue == "binance_coinm"
    contract = contract_of(venue, f"{symbol}_PERP" if is_coin and "pair" in row and "symbol" not in row else symbol)
    tiers = []
    for place, one in enumerate(rows_of(row.get("brackets"), f"{symbol}.brackets")):
        at = f"{symbol}.brackets[{place}]"
        rule = "is counted in coin, as COIN-M's brackets are" if "qtyCap" in one else "is counted in the quote currency"
        right = "binance_coinm" if "qtyCap" in one else "binance_usdm"
        fits = ("qtyCap" in one) == is_coin
        require(fits, rule, key=at, hint=f"Give --venue {right}")
        tiers.append(_tier(one, _keys(one), at))
    coef = given_number(row, "notionalCoef", symbol)
    notes = (ACCOUNT.format(coef=coef),) if coef not in (None, 1.0) else ()
    face = CONTRACT_SIZES.get(contract.base, OTHER_SIZE) if is_coin else 1.0
    return TierTable(contract, "coin" if is_coin else "quote", tuple(tiers), face=face, notes=notes)


def _keys(row: Row) -> Keys:
    floor = "notionalFloor" if "qtyCap" not in row else "qtylFloor" if "qtylFloor" in row else "qtyFloor"
    cap = "qtyCap" if "qtyCap" in row else "notionalCap"
    return Keys(floor, cap, "maintMarginRatio", "initialLeverage", "cum")


def _tier(row: Row, keys: Keys, at: str) -> Tier:
    return Tier(
        floor=number(row, keys.floor, at),
        cap=end(row, keys.cap, at),
        mmr=number(row, keys.mmr, at),
        imr=1 / number(row, keys.initial, at, least=1.0),
        cum=given_number(row, keys.cum, at),
        at=at,
        keys=keys,
    )
