"""What an exchange's list of contracts says beyond the tiers: the size of a contract, the tick, and whether it trades.

OKX      public/instruments        {instId, ctVal, ctMult, tickSz, state}
Gate     futures/usdt/contracts    {name, quanto_multiplier, order_price_round, in_delisting}
KuCoin   contracts/active          {symbol, multiplier, tickSize, status}
Binance  exchangeInfo              symbols of {symbol, status, contractSize, filters}
Bybit    market/instruments-info   {symbol, status, priceFilter}
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from stresslab.errors import InputError, require
from stresslab.venues.importing.tables import Row, given_number

_TRADING = {
    "okx": ("state", frozenset({"live"})),
    "kucoin": ("status", frozenset({"Open"})),
    "binance_usdm": ("status", frozenset({"TRADING"})),
    "binance_coinm": ("contractStatus", frozenset({"TRADING"})),
    "bybit": ("status", frozenset({"Trading"})),
}


class Instrument(NamedTuple):
    """One contract; None for what the list does not have."""

    face: float | None
    tick: float | None
    state: str | None  # why it is not traded, in the venue's word


def instruments_in(content: Any, venue: str) -> dict[str, Instrument]:
    """The contracts of a list by the venue's symbol; empty where it is none.

    InputError for a number that is none, and for a contract that stands there twice with another size.
    """
    found: dict[str, Instrument] = {}
    for at, name, row in _named(content):
        one = _instrument(row, venue, at)
        rule = "stands twice in the file, with different figures"
        require(found.get(name, one) == one, rule, key=at, got=name)
        found[name] = one
    return found


def check_known(found: Mapping[str, Instrument]) -> None:
    """InputError for a file in which no contract was found."""
    if not found:
        hint = "Fetch the venue's list of contracts: OKX public/instruments, Gate contracts, KuCoin contracts/active"
        raise InputError("has no contracts of a known layout", hint=hint)


def _named(content: Any) -> Iterator[tuple[str, str, Row]]:
    rows = content.get("symbols") if isinstance(content, dict) else content
    for place, row in enumerate(rows if isinstance(rows, list) else ()):
        if not isinstance(row, dict):
            continue
        if {"instId", "ctVal"} <= set(row) and "maxSz" not in row:
            yield f"[{place}]", str(row["instId"]), row
        elif {"name", "quanto_multiplier"} <= set(row):
            yield f"[{place}]", str(row["name"]), row
        elif "symbol" in row and {"multiplier", "filters", "priceFilter"} & set(row):
            yield f"[{place}]", str(row["symbol"]), row


def _instrument(row: Row, venue: str, at: str) -> Instrument:
    name, good = _TRADING.get(venue, ("", frozenset()))
    state = str(row[name]) if row.get(name) not in (None, *good) else None
    if row.get("in_delisting") is True:
        state = "in_delisting"
    return Instrument(_face(row, at), _tick(row, at), state)


def _face(row: Row, at: str) -> float | None:
    """None where it is 0, which Gate writes for its inverse contracts; KuCoin's inverse multiplier is -1."""
    if "ctVal" in row:
        size, times = given_number(row, "ctVal", at), given_number(row, "ctMult", at)
        return size * (1.0 if times is None else times) if size else None
    if "multiplier" in row:
        return given_number({**row, "multiplier": str(row["multiplier"]).removeprefix("-")}, "multiplier", at) or None
    return given_number(row, "quanto_multiplier" if "quanto_multiplier" in row else "contractSize", at) or None


def _tick(row: Row, at: str) -> float | None:
    for name in ("tickSz", "order_price_round", "tickSize"):
        if name in row:
            return given_number(row, name, at) or None
    if isinstance(row.get("priceFilter"), dict):
        return given_number(row["priceFilter"], "tickSize", f"{at}.priceFilter") or None
    filters = row.get("filters")
    for one in filters if isinstance(filters, list) else ():
        if isinstance(one, dict) and one.get("filterType") == "PRICE_FILTER":
            return given_number(one, "tickSize", f"{at}.filters") or None
    return None
