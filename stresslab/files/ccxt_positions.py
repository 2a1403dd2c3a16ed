"""Positions as ccxt's `fetch_positions` gives them.

Read at ccxt 4.5.90. Its `collateral` holds the unrealised PnL of an isolated position and its `positionMargin` does
not; older versions gave OKX's and Gate's margin without PnL as the collateral, so that the venue's own margin under
`info` goes before. Its `timestamp` is when the position was opened or changed, and not when it was fetched: it is no
time of the record. Its `marginRatio` is its own quotient of rounded figures.

A figure that ccxt works out itself is no figure of the venue: the maintenance margin where `info` has none (it leaves
out Binance's maintenance amount, and takes Hyperliquid's from the liquidation price), the initial margin of an isolated
position that is the margin posted. Those are left out, which is said.
"""

from collections.abc import Mapping
from typing import Any

from stresslab.errors import InputError
from stresslab.files.position_row import is_missing

KEYS = frozenset({"symbol", "contracts", "entryPrice"})
_OF_THE_VENUE = {  # figure: ccxt's key, the venues' own keys under `info`; the first to be found
    "maintenance_margin": (
        "maintenanceMargin",
        ("maintMargin", "positionMM", "mmr", "maintenance_margin", "posMaint", "maintenanceMargin"),
    ),
    "initial_margin": (
        "initialMargin",
        ("positionInitialMargin", "positionIM", "imr", "initial_margin", "posInit", "initialMargin", "marginUsed"),
    ),
    "liquidation_price": (
        "liquidationPrice",
        ("liquidationPrice", "liqPrice", "liqPx", "liq_price", "liquidationPx", "estimated_liquidation_price"),
    ),
}
_OVER = ("maintMargin", "positionInitialMargin")  # Binance's own, which ccxt replaces by its own
_MARGINS = ("isolatedWallet", "margin")  # without PnL: Binance; OKX and Gate
ACCOUNT = "the account of the file"  # its rows are one account's
_SAME = 1e-6  # relative
_FITS = 0.02  # relative: a notional at another price of the same minute, or at entry
Flat = dict[str, Any]


def is_ccxt(names: set[str]) -> bool:
    """Whether these are the keys of a position of ccxt."""
    return names >= KEYS


def flat(given: Mapping[str, Any]) -> tuple[Flat, list[str]] | None:
    """The position's columns, and what is to be said of it; None where it is closed."""
    contracts = _number(given, "contracts")
    if contracts == 0:
        return None
    info = _info(given)
    symbol = str(given.get("symbol") or "")
    inverse = symbol.partition("/")[0] == symbol.partition(":")[2].partition("-")[0]
    mode = given.get("marginMode") or ("isolated" if str(info.get("tradeMode")) == "1" else "cross")
    leverage = info.get("leverage") if "realLeverage" in info else given.get("leverage")
    columns: Flat = {
        "id": given.get("id"),
        "account": given.get("account") or ACCOUNT,
        "venue": given.get("venue"),
        "symbol": symbol,
        "time": info.get("currentTimestamp"),
        "margin_mode": mode,
        "contract": "inverse" if inverse else "linear",
        "side": given.get("side"),
        "quantity": given.get("contracts"),
        "contract_size": _contract_size(given, inverse),
        "quantity_unit": "contracts",
        "entry_price": given.get("entryPrice"),
        "mark_price": _above_zero(given, "markPrice"),
        "leverage_set": leverage if not is_missing(leverage) and str(leverage) not in ("0", "0.0") else None,
    }
    if mode == "isolated":
        columns |= _margin(given, info)
    figures, notes = _figures(given, info, columns)
    return columns | figures, notes


def _margin(given: Mapping[str, Any], info: Mapping[str, Any]) -> Flat:
    """The margin without PnL, or with it."""
    own = next((info[key] for key in _MARGINS if not is_missing(info.get(key))), None)
    if own is None:
        own = given.get("positionMargin")
    return {"margin": own} if not is_missing(own) else {"margin_with_pnl": given.get("collateral")}


def _figures(given: Mapping[str, Any], info: Mapping[str, Any], columns: Flat) -> tuple[Flat, list[str]]:
    found, notes = {}, []
    for figure, (key, own) in _OF_THE_VENUE.items():
        value = _above_zero(given, key)
        over = next((info[name] for name in own if name in _OVER and not is_missing(info.get(name))), None)
        if over is not None:
            value = over
        if value is None:
            continue
        if info and not any(not is_missing(info.get(name)) for name in own):
            notes.append(f"its {key} is ccxt's own and no figure of the venue: it is not compared")
        elif figure == "initial_margin" and over is None and _is_the_margin(given, columns):
            notes.append(f"its {key} is the margin posted and no requirement: it is not compared")
        else:
            found[figure] = value
    return found, notes


def _is_the_margin(given: Mapping[str, Any], columns: Flat) -> bool:
    """Whether the initial margin is the margin of an isolated position, with or without its PnL."""
    figure, collateral = _number(given, "initialMargin"), _number(given, "collateral")
    if figure is None or columns["margin_mode"] != "isolated":
        return False
    posted = [_number(columns, "margin"), collateral]
    if collateral is not None:
        posted.append(collateral - (_number(given, "unrealizedPnl") or 0.0))
    return any(one is not None and abs(one - figure) <= _SAME * abs(figure) for one in posted)


def _contract_size(given: Mapping[str, Any], inverse: bool) -> Any:
    """ccxt's, or 1 where the notional says that `contracts` is the amount itself (Deribit, Hyperliquid)."""
    told = None if is_missing(given.get("contractSize")) else given["contractSize"]
    size, contracts = _number(given, "contractSize") or 1.0, _number(given, "contracts")
    notional, prices = _number(given, "notional"), [_number(given, key) for key in ("markPrice", "entryPrice")]
    known = [price for price in prices if price]
    if not contracts or not notional or not known:
        return told if told is not None else 1.0

    def fits(one: float) -> bool:
        amount = abs(contracts * one)
        values = [amount, *(amount / price for price in known)] if inverse else [amount * price for price in known]
        return any(abs(abs(notional) - value) <= _FITS * value for value in values)

    if fits(size):
        return told if told is not None else 1.0
    if fits(1.0):
        return 1.0
    rule = f"and contracts, {contracts:.10g}, do not give the notional, {notional:.10g}"
    raise InputError(rule, key="contractSize", got=told, hint="Give the row's contractSize in the base currency")


def _info(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The venue's own answer on one level (Hyperliquid's is inside `position`)."""
    info = given.get("info")
    if not isinstance(info, Mapping):
        return {}
    inner = info.get("position")
    return {**info, **inner} if isinstance(inner, Mapping) else info


def _above_zero(given: Mapping[str, Any], key: str) -> Any:
    """The value, None for a 0 by which ccxt or the venue means none."""
    return None if _number(given, key) == 0 else given.get(key)


def _number(given: Mapping[str, Any], key: str) -> float | None:
    value: Any = given.get(key)
    if is_missing(value):
        return None
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None  # said by the column's own reader
