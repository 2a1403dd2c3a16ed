"""The leverage tiers of ccxt's fetch_leverage_tiers, which freqtrade's binance_leverage_tiers.json has too.

    {"BTC/USDT:USDT": [{minNotional, maxNotional, maintenanceMarginRate, maxLeverage, info}]}

What ccxt calls notional is in the venue's own unit: contracts at OKX and of Kraken's inverse contracts, coin of the
inverse contracts of Binance and Bybit. `info` is the venue's own row, whose maintenance amount is taken.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from stresslab.venues.importing.binance import CONTRACT_SIZES, OTHER_SIZE
from stresslab.venues.importing.naming import contract_of, symbol_of_ccxt
from stresslab.venues.importing.tables import Contract, Keys, Read, Row, Tier, TierTable, Unit, end, number, rows_of

VENUES = ("binance_usdm", "binance_coinm", "bybit", "okx", "gate", "kucoin", "kraken")
KEYS = Keys("minNotional", "maxNotional", "maintenanceMarginRate", "maxLeverage", "info.cum")
AMOUNTS = ("cum", "deduction", "mmDeduction")
LOTS = {"okx": 1.0}
_COUNTED: Mapping[tuple[str, bool], Unit] = {
    ("okx", False): "contracts",
    ("okx", True): "contracts",
    ("kraken", True): "contracts",
    ("binance_coinm", True): "coin",
    ("bybit", True): "coin",
}


def found_in(content: Any) -> bool:
    """Whether this is the layout."""
    if not isinstance(content, dict) or not content:
        return False
    first = next(iter(content.values()))
    row = first[0] if isinstance(first, list) and first else None
    return isinstance(row, dict) and {"maxNotional", "maintenanceMarginRate"} & set(row) != set()


def contracts(content: Any, venue: str) -> Iterator[tuple[str, Read]]:
    """Each contract's symbol, and how it is read."""
    for symbol, rows in content.items():
        yield symbol, partial(_table, symbol, rows, venue)


def _table(symbol: str, given: Any, venue: str) -> TierTable:
    rows = rows_of(given, symbol)
    contract = contract_of(venue, symbol_of_ccxt(venue, symbol))
    tiers = tuple(_tier(row, f"{symbol}[{place}]") for place, row in enumerate(rows))
    unit = _COUNTED.get((venue, contract.inverse), "quote")
    return TierTable(contract, unit, tiers, lot=LOTS.get(venue, 0.0), face=_face(venue, contract))


def _face(venue: str, contract: Contract) -> float | None:
    if venue == "binance_coinm":
        return CONTRACT_SIZES.get(contract.base, OTHER_SIZE)
    return 1.0 if venue in ("binance_usdm", "bybit", "kraken") else None


def _tier(row: Row, at: str) -> Tier:
    info = row.get("info")
    cum = _amount(info if isinstance(info, dict) else {}, f"{at}.info")
    cap = math.inf if row.get(KEYS.cap) is None else end(row, KEYS.cap, at)
    imr = 1 / number(row, KEYS.initial, at, least=1.0)
    return Tier(number(row, KEYS.floor, at), cap, number(row, KEYS.mmr, at), imr, cum, at, KEYS)


def _amount(info: Mapping[str, Any], at: str) -> float | None:
    names: Sequence[str] = [name for name in AMOUNTS if info.get(name) not in (None, "")]
    return number(info, names[0], at) if names else None
