"""The leverage tiers of ccxt's fetch_leverage_tiers, which freqtrade's binance_leverage_tiers.json has too.

    {"BTC/USDT:USDT": [{minNotional, maxNotional, maintenanceMarginRate, maxLeverage, info}]}

What ccxt calls notional is in the venue's own unit: contracts at OKX and of Kraken's inverse contracts, coin of the
inverse contracts of Binance and Bybit. `info` is the venue's own row: its maintenance amount is taken, and its keys
tell whose tiers they are.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from stresslab.errors import require
from stresslab.venues.importing.binance import CONTRACT_SIZES, OTHER_SIZE
from stresslab.venues.importing.kucoin import check_unit
from stresslab.venues.importing.naming import contract_of, symbol_of_ccxt
from stresslab.venues.importing.tables import (
    Contract,
    Keys,
    Read,
    Row,
    Tier,
    TierTable,
    Unit,
    Unsuited,
    end,
    number,
    rows_of,
)

VENUES = ("binance_usdm", "binance_coinm", "bybit", "okx", "gate", "kucoin", "kraken")
KEYS = Keys("minNotional", "maxNotional", "maintenanceMarginRate", "maxLeverage", "info.cum")
AMOUNTS = ("cum", "deduction", "mmDeduction")
LOTS = {"okx": 1.0}
_OWN_KEYS: Mapping[str, frozenset[str]] = {  # one of them is in the venue's own row
    "binance_usdm": frozenset({"notionalCap", "cum"}),
    "binance_coinm": frozenset({"qtyCap", "notionalCap", "cum"}),
    "bybit": frozenset({"riskLimitValue", "mmDeduction"}),
    "okx": frozenset({"maxSz"}),
    "gate": frozenset({"risk_limit", "risk_limit_max", "maintenance_rate", "deduction"}),
    "kucoin": frozenset({"maxRiskLimit"}),
    "kraken": frozenset({"numNonContractUnits", "contracts"}),
}
_ANY_OWN = frozenset[str]().union(*_OWN_KEYS.values())
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
    firsts = (rows[0] for rows in content.values() if isinstance(rows, list) and rows)
    return any(isinstance(row, dict) and {"maxNotional", "maintenanceMarginRate"} & set(row) for row in firsts)


def contracts(content: Any, venue: str) -> Iterator[tuple[str, Read]]:
    """Each contract's symbol, and how it is read."""
    for symbol, rows in content.items():
        yield symbol, partial(_table, symbol, rows, venue)


def _table(symbol: str, given: Any, venue: str) -> TierTable:
    rows = rows_of(given, symbol)
    if ":" not in symbol:
        raise Unsuited("is a pair of the spot market, whose margin is another one", key="symbol", got=symbol)
    contract = contract_of(venue, symbol_of_ccxt(venue, symbol))
    check_unit(venue, contract)
    tiers = tuple(_tier(row, f"{symbol}[{place}]", venue) for place, row in enumerate(rows))
    unit = _COUNTED.get((venue, contract.inverse), "quote")
    return TierTable(contract, unit, tiers, lot=LOTS.get(venue, 0.0), face=_face(venue, contract))


def _check_origin(info: Mapping[str, Any], venue: str, at: str) -> None:
    """InputError where the row that the venue gave is that of another venue."""
    keys = _ANY_OWN & set(info)
    whose = " or ".join(name for name, own in _OWN_KEYS.items() if own & keys)
    rule = f"is the row of another venue, with {', '.join(sorted(keys))}"
    require(not keys or bool(keys & _OWN_KEYS[venue]), rule, key=at, hint=f"Give --venue {whose}")


def _face(venue: str, contract: Contract) -> float | None:
    if venue == "binance_coinm":
        return CONTRACT_SIZES.get(contract.base, OTHER_SIZE)
    return 1.0 if venue in ("binance_usdm", "bybit", "kraken") else None


def _tier(row: Row, at: str, venue: str) -> Tier:
    given = row.get("info")
    info: Mapping[str, Any] = given if isinstance(given, dict) else {}
    _check_origin(info, venue, f"{at}.info")
    cum = _amount(info, f"{at}.info")
    cap = math.inf if row.get(KEYS.cap) is None else end(row, KEYS.cap, at)
    imr = 1 / number(row, KEYS.initial, at, least=1.0)
    return Tier(number(row, KEYS.floor, at), cap, number(row, KEYS.mmr, at), imr, cum, at, KEYS)


def _amount(info: Mapping[str, Any], at: str) -> float | None:
    names: Sequence[str] = [name for name in AMOUNTS if info.get(name) not in (None, "")]
    return number(info, names[0], at) if names else None
