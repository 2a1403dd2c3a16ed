"""Positions in a table or in JSON, as venues and libraries show them.

Read are: a JSON file {"positions": [...]} whose rows have the keys of `Row`, with the figures that the venue shows
under `expected`; ccxt's list of `fetch_positions`; and a table of the same columns (CSV, Parquet, Feather), the figures
beside the others. All faults of a file are told at once, each with its row and column.
"""

import json
import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from stresslab.errors import Faults, InputError, require
from stresslab.files.contents import read_contents
from stresslab.files.layout import Layout
from stresslab.files.table import read_table
from stresslab.files.validation import nearest

FIGURES = ("maintenance_margin", "initial_margin", "liquidation_price", "bankruptcy_price", "margin_ratio")
_NUMBERS: tuple[str, ...] = (
    "contract_size",
    "entry_price",
    "mark_price",
    "leverage_set",
    "wallet",
    "margin",
    "margin_with_pnl",
)
_NUMBERS += ("other_pnl", "other_maintenance", "taker_fee", "funding_rate", "closing_fee")
_TEXTS = ("id", "account", "venue", "symbol", "contract", "margin_mode", "account_type", "side", "quantity_unit")
_TIER = ("tier_rate", "tier_deduction")
_POSITIVE = frozenset({"contract_size", "entry_price", "mark_price", "leverage_set"})
_PASSED_OVER: tuple[str, ...] = (
    "time_note",
    "available",
    "formula",
    "recompute",
    "check",
    "derived",
    "other_legs",
    "evidence",
)
_PASSED_OVER += ("certainty", "note", "collateral", "leverage", "stop")
_CHOICES = {"contract": ("linear", "inverse", "quanto"), "margin_mode": ("isolated", "cross", "portfolio")}
_CHOICES |= {"quantity_unit": ("base", "contracts", "quote")}
_SIDES = {"long": "long", "buy": "long", "short": "short", "sell": "short"}
_CCXT = frozenset({"contracts", "contractSize"})


class Row(NamedTuple):
    """One position; None for what is not given. Money in the currency of settlement, rates as fractions."""

    name: str  # its id, or the row of the file
    account: str | None
    venue: str | None  # a venue, or the id of a rulebook
    symbol: str | None
    time: datetime | None
    margin_mode: str
    account_type: str | None
    contract: str  # linear, inverse, quanto
    side: str | None
    amount: float  # base currency, or quote currency of an inverse contract
    entry_price: float | None
    mark_price: float | None
    leverage_set: float | None
    wallet: float | None  # of a cross account, without PnL
    margin: float | None  # isolated, without PnL
    margin_with_pnl: float | None
    other_pnl: float
    other_maintenance: float
    taker_fee: float | None
    funding_rate: float  # as a cost to this side
    closing_fee: float | None  # that the venue shows, in money
    tick: float | None
    tier: tuple[float, float] | None  # rate and deduction that the record itself names
    expected: Mapping[str, float]  # figures as the venue shows them
    tolerance: Mapping[str, float]  # relative, by figure


def read_positions(path: Path) -> list[Row]:
    """The positions of a file; InputError with all faults of its rows."""
    file = str(path)
    faults, rows = Faults(), []
    for place, given in enumerate(_records(path, file)):
        with faults.gathered():
            rows.append(_row(_plain(given), place, file))
    faults.raise_any()
    require(len(rows) > 0, "the file has no positions", file=file)
    return rows


def _records(path: Path, file: str) -> Iterable[Mapping[str, Any]]:
    data, _ = read_contents(path, "table of positions")
    if data.lstrip()[:1] not in (b"[", b"{"):
        table = read_table(path, Layout(), "table of positions")
        require(table.has_names, "the columns have no names", file=file, hint="Name them in the first line")
        return [
            {name: value for name, value in row.items() if value == value} for row in table.frame.to_dict("records")
        ]
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError(f"not valid JSON: {error}", file=file, hint="Is the file torn? Fetch it again") from None
    found = found.get("positions", found) if isinstance(found, dict) else found
    rule = "must be a list of positions, or a mapping with the key positions"
    require(isinstance(found, list) and all(isinstance(one, dict) for one in found), rule, file=file)
    return found


def _plain(given: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of `Row` and the figures on one level, from any of the layouts."""
    if set(given) >= _CCXT:
        return _of_ccxt(given)
    flat = {key: value for key, value in given.items() if key not in ("expected", "rel_tol", "extra", "tier")}
    flat |= given.get("expected") or {}
    extra = given.get("extra") or {}
    for name, key in (("exit_fee", "closing_fee"), ("tick", "tick")):
        if name in extra:
            flat[key] = extra[name]["value"]
    tier = given.get("tier") or {}
    flat |= {f"tier_{name}": tier[name] for name in ("rate", "deduction") if name in tier}
    return flat | {f"tolerance_{name}": value for name, value in (given.get("rel_tol") or {}).items()}


def _of_ccxt(given: Mapping[str, Any]) -> dict[str, Any]:
    """A position of ccxt. Its collateral holds the unrealised PnL."""
    symbol = str(given.get("symbol") or "")
    is_isolated = given.get("marginMode") == "isolated"
    return {
        "id": given.get("id"),
        "symbol": symbol,
        "time": given.get("datetime") or given.get("timestamp"),
        "margin_mode": given.get("marginMode") or "cross",
        "contract": "inverse" if symbol.partition("/")[0] == symbol.partition(":")[2] else "linear",
        "side": given.get("side"),
        "quantity": given.get("contracts"),
        "contract_size": given.get("contractSize"),
        "quantity_unit": "contracts",
        "entry_price": given.get("entryPrice"),
        "mark_price": given.get("markPrice"),
        "leverage_set": given.get("leverage"),
        "margin_with_pnl": given.get("collateral") if is_isolated else None,
        "maintenance_margin": given.get("maintenanceMargin"),
        "initial_margin": given.get("initialMargin"),
        "liquidation_price": given.get("liquidationPrice"),
    }


def _row(given: dict[str, Any], place: int, file: str) -> Row:
    name = str(given.get("id") or f"row {place + 1}")
    key = f"positions[{place}]"
    known = {*_TEXTS, *_NUMBERS, *_TIER, *FIGURES, *_PASSED_OVER, "time", "quantity", "tick"}
    for column in given:
        known_too = column.startswith("tolerance_")
        hint = nearest(column, known) or f"A position has {', '.join(sorted(known - set(_PASSED_OVER)))}"
        require(column in known or known_too, "there is no such column", key=f"{key}.{column}", file=file, hint=hint)
    texts = {column: _text(given.get(column), f"{key}.{column}", file) for column in _TEXTS}
    numbers = {column: _number(given.get(column), f"{key}.{column}", file) for column in (*_NUMBERS, *_TIER, "tick")}
    for column in _POSITIVE:
        value = numbers[column]
        require(value is None or value > 0, "must be above 0", key=f"{key}.{column}", got=value, file=file)
    for column, choices in _CHOICES.items():
        rule = f"must be one of {', '.join(choices)}"
        require(texts[column] in (None, *choices), rule, key=f"{key}.{column}", got=texts[column], file=file)
    amount, side = _amount(given, texts, numbers, key, file)
    tier = numbers["tier_rate"]
    return Row(
        name=name,
        account=texts["account"],
        venue=texts["venue"],
        symbol=texts["symbol"],
        time=_time(given.get("time"), f"{key}.time", file),
        margin_mode=texts["margin_mode"] or "cross",
        account_type=texts["account_type"],
        contract=texts["contract"] or "linear",
        side=side,
        amount=amount,
        entry_price=numbers["entry_price"],
        mark_price=numbers["mark_price"],
        leverage_set=numbers["leverage_set"],
        wallet=numbers["wallet"],
        margin=numbers["margin"],
        margin_with_pnl=numbers["margin_with_pnl"],
        other_pnl=numbers["other_pnl"] or 0.0,
        other_maintenance=numbers["other_maintenance"] or 0.0,
        taker_fee=numbers["taker_fee"],
        funding_rate=numbers["funding_rate"] or 0.0,
        closing_fee=numbers["closing_fee"],
        tick=numbers["tick"],
        tier=None if tier is None else (tier, numbers["tier_deduction"] or 0.0),
        expected=_figures(given, "", key, file),
        tolerance=_figures(given, "tolerance_", key, file),
    )


def _figures(given: Mapping[str, Any], prefix: str, key: str, file: str) -> dict[str, float]:
    found = {name: _number(given.get(prefix + name), f"{key}.{prefix}{name}", file) for name in FIGURES}
    return {name: value for name, value in found.items() if value is not None}


def _amount(
    given: Mapping[str, Any], texts: Mapping[str, Any], numbers: Mapping[str, Any], key: str, file: str
) -> tuple[float, str | None]:
    """The amount of base currency (quote currency of an inverse contract), and the side."""
    quantity = _number(given.get("quantity"), f"{key}.quantity", file)
    rule = "this column is required and is missing" if quantity is None else "must not be 0"
    require(bool(quantity), rule, key=f"{key}.quantity", got=quantity, file=file)
    assert quantity is not None
    text = (texts["side"] or "").lower()
    side = _SIDES.get(text)
    is_net = text in ("", "both", "net")
    rule = "must be long or short"
    require(side is not None or is_net, rule, key=f"{key}.side", got=texts["side"], file=file)
    if quantity < 0:
        rule = "is negative, which says short, and the side is long"
        require(side != "long", rule, key=f"{key}.quantity", got=quantity, file=file, hint="Leave out one of the two")
        side = "short"
    elif text in ("both", "net"):
        side = "long"
    if texts["quantity_unit"] != "contracts":
        return abs(quantity), side
    size = numbers["contract_size"]
    require(size is not None, "is needed where the quantity is in contracts", key=f"{key}.contract_size", file=file)
    return abs(quantity) * size, side


def _text(value: Any, key: str, file: str) -> str | None:
    require(value is None or isinstance(value, str | int), "must be text", key=key, got=value, file=file)
    return str(value).strip() or None if value is not None else None


def _number(value: Any, key: str, file: str) -> float | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        found = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        found = math.nan
    require(math.isfinite(found), "must be a finite number", key=key, got=value, file=file)
    return found


def _time(value: Any, key: str, file: str) -> datetime | None:
    if value is None or value == "":
        return None
    try:
        if isinstance(value, int | float) or str(value).isdigit():
            return datetime.fromtimestamp(float(value) / 1000, UTC)
        found = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        rule, hint = "must be a time in ISO 8601, or milliseconds since 1970", "Write for example 2026-09-29T12:00:00Z"
        raise InputError(rule, key=key, got=value, file=file, hint=hint) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found
