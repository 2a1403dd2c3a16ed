"""The layouts of tier files: each is told by its keys, never by the name of the file.

Binance      [{symbol, brackets: [{notionalFloor, notionalCap, maintMarginRatio, initialLeverage, cum}]}], or qtyFloor
Bybit        result.list of {symbol, riskLimitValue, maintenanceMargin, initialMargin, maxLeverage, mmDeduction}
OKX          data of {instFamily, tier, minSz, maxSz, mmr, imr, maxLever}
Gate         [{contract, risk_limit, maintenance_rate, initial_rate, leverage_max, deduction}]
KuCoin       data of {symbol, minRiskLimit, maxRiskLimit, maintainMargin, initialMargin, maxLeverage}
Kraken       instruments of {symbol, type, marginLevels: [{contracts, maintenanceMargin, initialMargin}]}
Hyperliquid  {universe: [{name, maxLeverage, marginTableId}], marginTables: [[id, {marginTiers}]]}
ccxt         {"BTC/USDT:USDT": [{minNotional, maxNotional, maintenanceMarginRate, maxLeverage}]}, also freqtrade's
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from stresslab.errors import InputError, require
from stresslab.venues.importing.tables import (
    Tier,
    TierTable,
    Unit,
    by_symbol,
    in_order,
    leverage_of,
    number,
    rows_of,
    text,
)
from stresslab.venues.symbols import own_symbol, parsed

Read = Callable[[], TierTable]  # one contract, refused on its own


def contracts_of(found: Any, venue: str) -> Iterator[tuple[str, Read]]:
    """The contracts of a file by symbol; InputError where its layout is not known, or it is an error message."""
    content = _content(found)
    if isinstance(content, list):
        first = rows_of(content, "file")[0]
        for keys, reader in _BY_ROWS.items():
            if keys <= set(first):
                return reader(content)
    if isinstance(content, dict):
        if isinstance(content.get("instruments"), list):
            return _kraken(content["instruments"])
        if isinstance(content.get("universe"), list):
            return _hyperliquid(content)
        if content and all(isinstance(rows, list) for rows in content.values()):
            return _ccxt(content, venue)
    known = ", ".join(line.split()[0] for line in (__doc__ or "").splitlines() if line.startswith("    "))
    raise InputError("is no tier file of a layout that is known", key="file", hint=f"Known are those of {known}")


def _content(found: Any) -> Any:
    """What is inside the envelope of an answer."""
    if not isinstance(found, dict):
        return found
    code = found.get("code", found.get("retCode", 0))
    message = found.get("msg") or found.get("retMsg") or ""
    refused = str(code) not in ("0", "200000", "200", "")
    require(not refused, f"the venue answered with an error: {message}", key="code", got=code)
    require(found.get("result") != "error", "the venue answered with an error", key="result", got=found.get("error"))
    inner = found.get("data", found.get("result"))
    if isinstance(inner, dict) and isinstance(inner.get("list"), list):
        return inner["list"]
    return inner if isinstance(inner, list) else found


def _binance(rows: list[Mapping[str, Any]]) -> Iterator[tuple[str, Read]]:
    for place, row in enumerate(rows):
        key = f"[{place}]"

        def read(row: Mapping[str, Any] = row, key: str = key) -> TierTable:
            tiers, coin = [], False
            for number_, one in enumerate(rows_of(row.get("brackets"), f"{key}.brackets")):
                at = f"{key}.brackets[{number_}]"
                coin = "qtyCap" in one
                floor, cap = ("qtyFloor", "qtyCap") if coin else ("notionalFloor", "notionalCap")
                most = number(one, "initialLeverage", at, least=1.0)
                amount = number(one, "cum", at)
                rate = number(one, "maintMarginRatio", at)
                tiers.append((number(one, floor, at), Tier(number(one, cap, at), rate, most, amount, at)))
            unit: Unit = "coin" if coin else "quote"
            return TierTable(text(row, "symbol", key), unit, False, in_order(tiers, key), inverse=coin)

        yield text(row, "symbol", key), read


def _bybit(rows: list[Mapping[str, Any]]) -> Iterator[tuple[str, Read]]:
    for symbol, own in by_symbol(rows, "symbol", "list").items():

        def read(symbol: str = symbol, own: Any = own) -> TierTable:
            inverse = symbol.endswith("USD")
            tiers, before = [], 0.0
            for at, row in sorted(own, key=lambda pair: number(pair[1], "riskLimitValue", pair[0])):
                most, initial = number(row, "maxLeverage", at, least=1.0), number(row, "initialMargin", at)
                part = 0.01 if abs(initial * most - 100) < 5 else 1.0  # per cent, or a fraction
                rule = f"must be 1 over maxLeverage, {1 / most:.6g}"
                agrees = abs(initial * part * most - 1) < 0.02
                require(agrees, rule, key=f"{at}.initialMargin", got=row["initialMargin"])
                cum = None if row.get("mmDeduction") in (None, "") else number(row, "mmDeduction", at)
                cap, rate = number(row, "riskLimitValue", at), part * number(row, "maintenanceMargin", at)
                tiers.append((before, Tier(cap, rate, most, cum, at)))
                before = cap
            return TierTable(symbol, "coin" if inverse else "quote", False, in_order(tiers, symbol), inverse)

        yield symbol, read


def _okx(rows: list[Mapping[str, Any]]) -> Iterator[tuple[str, Read]]:
    for family, own in by_symbol(rows, "instFamily", "data").items():
        symbol = f"{family}-SWAP"

        def read(symbol: str = symbol, own: Any = own) -> TierTable:
            tiers = []
            for at, row in own:
                most = leverage_of(row, "maxLever", "imr", at)
                tier = Tier(number(row, "maxSz", at), number(row, "mmr", at), most, None, at)
                tiers.append((number(row, "minSz", at), tier))
            # sizes are whole contracts: a tier may begin one contract after the end of the one before it
            ends = {0.0} | {tier.cap for _, tier in tiers}
            tiers = [(floor - 1 if floor not in ends and floor - 1 in ends else floor, tier) for floor, tier in tiers]
            face = own[0][1].get("ctVal")
            inverse = symbol.split("-")[1] == "USD"
            size = None if face in (None, "") else number(own[0][1], "ctVal", own[0][0])
            return TierTable(symbol, "contracts", True, in_order(tiers, symbol), inverse, size)

        yield symbol, read


def _gate(rows: list[Mapping[str, Any]]) -> Iterator[tuple[str, Read]]:
    for symbol, own in by_symbol(rows, "contract", "file").items():

        def read(symbol: str = symbol, own: Any = own) -> TierTable:
            tiers, before = [], 0.0
            for at, row in sorted(own, key=lambda pair: number(pair[1], "risk_limit", pair[0])):
                most = leverage_of(row, "leverage_max", "initial_rate", at)
                cum = None if row.get("deduction") in (None, "") else number(row, "deduction", at)
                cap = number(row, "risk_limit", at)
                tiers.append((before, Tier(cap, number(row, "maintenance_rate", at), most, cum, at)))
                before = cap
            return TierTable(symbol, "quote", False, in_order(tiers, symbol))

        yield symbol, read


def _kucoin(rows: list[Mapping[str, Any]]) -> Iterator[tuple[str, Read]]:
    for symbol, own in by_symbol(rows, "symbol", "data").items():

        def read(symbol: str = symbol, own: Any = own) -> TierTable:
            tiers = []
            for at, row in own:
                most = leverage_of(row, "maxLeverage", "initialMargin", at)
                tier = Tier(number(row, "maxRiskLimit", at), number(row, "maintainMargin", at), most, None, at)
                tiers.append((number(row, "minRiskLimit", at), tier))
            return TierTable(symbol, "quote", True, in_order(tiers, symbol), symbol.endswith("USDM"))

        yield symbol, read


def _kraken(rows: list[Mapping[str, Any]]) -> Iterator[tuple[str, Read]]:
    for place, row in enumerate(rows):
        key = f"instruments[{place}]"
        if "marginLevels" not in row:  # an index
            continue

        def read(row: Mapping[str, Any] = row, key: str = key) -> TierTable:
            levels = rows_of(row["marginLevels"], f"{key}.marginLevels")
            unit = "numNonContractUnits" if "numNonContractUnits" in levels[0] else "contracts"
            floors = [number(one, unit, f"{key}.marginLevels[{n}]") for n, one in enumerate(levels)]
            tiers = []
            for n, (one, floor, cap) in enumerate(zip(levels, floors, [*floors[1:], math.inf], strict=True)):
                at = f"{key}.marginLevels[{n}]"
                most = 1 / number(one, "initialMargin", at, least=1e-6)
                tiers.append((floor, Tier(cap, number(one, "maintenanceMargin", at), most, None, at)))
            inverse = row.get("type") == "futures_inverse"
            largest = None if row.get("maxPositionSize") is None else number(row, "maxPositionSize", key, least=1e-12)
            face = number(row, "contractSize", key, least=1e-12)
            symbol = text(row, "symbol", key)
            return TierTable(
                symbol, "contracts" if inverse else "quote", False, in_order(tiers, key), inverse, face, largest
            )

        yield text(row, "symbol", key), read


def _hyperliquid(found: Mapping[str, Any]) -> Iterator[tuple[str, Read]]:
    tables = {}
    for place, pair in enumerate(found.get("marginTables", [])):
        rule = "must be a pair of a number and a table"
        require(isinstance(pair, list) and len(pair) == 2, rule, key=f"marginTables[{place}]", got=pair)
        tables[pair[0]] = (f"marginTables[{place}]", pair[1])
    for place, row in enumerate(rows_of(found["universe"], "universe")):
        key = f"universe[{place}]"

        def read(row: Mapping[str, Any] = row, key: str = key) -> TierTable:
            symbol, most = text(row, "name", key), number(row, "maxLeverage", key, least=1.0)
            at, table = tables.get(row.get("marginTableId"), (key, None))
            levels = [{"lowerBound": 0.0, "maxLeverage": most}] if table is None else table.get("marginTiers")
            given = rows_of(levels, f"{at}.marginTiers")
            floors = [number(one, "lowerBound", f"{at}.marginTiers[{n}]") for n, one in enumerate(given)]
            tiers = []
            for n, (one, floor, cap) in enumerate(zip(given, floors, [*floors[1:], math.inf], strict=True)):
                times = number(one, "maxLeverage", f"{at}.marginTiers[{n}]", least=1.0)
                tiers.append((floor, Tier(cap, 0.5 / times, times, None, f"{at}.marginTiers[{n}]")))
            return TierTable(symbol, "quote", False, in_order(tiers, key))

        if not row.get("isDelisted"):
            yield text(row, "name", key), read


def _ccxt(found: Mapping[str, Any], venue: str) -> Iterator[tuple[str, Read]]:
    for symbol, rows in found.items():

        def read(symbol: str = symbol, rows: Any = rows) -> TierTable:
            tiers = []
            for place, row in enumerate(rows_of(rows, symbol)):
                at = f"{symbol}[{place}]"
                cum = (row.get("info") or {}).get("cum", row.get("maintAmt"))
                cap = math.inf if row.get("maxNotional") is None else number(row, "maxNotional", at)
                amount = None if cum in (None, "") else number({"cum": cum}, "cum", at)
                most = number(row, "maxLeverage", at, least=1.0)
                tier = Tier(cap, number(row, "maintenanceMarginRate", at), most, amount, at)
                tiers.append((number(row, "minNotional", at), tier))
            named = parsed(symbol)
            inverse = named is not None and named.is_inverse
            return TierTable(own_symbol(venue, symbol), "quote", False, in_order(tiers, symbol), inverse)

        yield symbol, read


_BY_ROWS: Mapping[frozenset[str], Callable[[list[Mapping[str, Any]]], Iterator[tuple[str, Read]]]] = {
    frozenset({"symbol", "brackets"}): _binance,
    frozenset({"symbol", "riskLimitValue"}): _bybit,
    frozenset({"instFamily", "minSz", "maxSz"}): _okx,
    frozenset({"contract", "risk_limit"}): _gate,
    frozenset({"symbol", "maxRiskLimit"}): _kucoin,
}
