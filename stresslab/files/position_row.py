"""One recorded position, from the columns of a table: every value checked, all faults of a row told at once."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple

from stresslab.errors import Faults, InputError, require
from stresslab.files.numbers import FACTORS, number
from stresslab.files.stamps import UNITS

FIGURES = ("maintenance_margin", "initial_margin", "liquidation_price", "bankruptcy_price", "margin_ratio")
NUMBERS: tuple[str, ...] = (
    *("contract_size", "entry_price", "mark_price", "leverage_set", "leverage", "wallet", "collateral", "margin"),
    *("margin_with_pnl", "other_pnl", "other_maintenance", "taker_fee", "funding_rate", "closing_fee", "stop", "tick"),
    *("tier_rate", "tier_deduction"),
)
TEXTS = ("id", "account", "venue", "symbol", "contract", "margin_mode", "account_type", "side", "quantity_unit")
COLUMNS = frozenset({*TEXTS, *NUMBERS, *FIGURES, "time", "quantity"})
TOLERANCE = "tolerance_"
_POSITIVE = frozenset({"contract_size", "entry_price", "mark_price", "leverage_set", "leverage", "stop", "tick"})
_NOT_NEGATIVE = frozenset({"other_maintenance", "closing_fee", "tier_rate", "tier_deduction"})
_RATES = frozenset({"taker_fee", "funding_rate", "tier_rate"})
_CHOICES = {"contract": ("linear", "inverse", "quanto"), "margin_mode": ("isolated", "cross", "portfolio")}
_CHOICES |= {"quantity_unit": ("base", "contracts", "quote")}
_SIDES = {"long": "long", "buy": "long", "short": "short", "sell": "short"}
_NET = ("both", "net")
_LATEST = 7e18  # nanoseconds, in the year 2191
_TIME = "Write for example 2026-09-29T12:00:00Z"


class Row(NamedTuple):
    """One position; None for what is not given. Money in the currency of settlement, rates as fractions."""

    name: str  # its id, or the row of the file
    account: str | None
    venue: str | None  # a venue, or the id of a rulebook
    symbol: str | None
    time: datetime | None
    margin_mode: str
    account_type: str | None
    contract: str | None  # linear, inverse, quanto; None: as the rulebook says
    side: str | None
    amount: float  # base currency, or quote currency of an inverse contract
    entry_price: float | None
    mark_price: float | None
    leverage_set: float | None
    wallet: float | None  # of a cross account, without PnL
    margin: float | None  # isolated, without PnL
    margin_with_pnl: float | None
    other_pnl: float | None  # of the rest of the account
    other_maintenance: float | None
    taker_fee: float | None
    funding_rate: float  # as a cost to this side
    closing_fee: float | None  # that the venue shows, in money
    tick: float | None
    tier: tuple[float, float] | None  # rate and deduction that the record itself names
    expected: Mapping[str, float]  # figures as the venue shows them
    tolerance: Mapping[str, float]  # relative, by figure
    half_unit: Mapping[str, float] = {}  # half a unit of the last digit of each of `expected`
    leverage: float | None = None  # notional over collateral
    stop: float | None = None  # price
    quantity_unit: str | None = None  # as written: base, contracts, quote
    tags: Mapping[str, str] = {}  # further columns of a table


class Written(float):
    """A number that keeps the digits it was written with."""

    text: str

    def __new__(cls, text: str) -> "Written":
        """The number of a text such as 5930.80."""
        found = super().__new__(cls, text)
        found.text = text
        return found


def is_missing(value: Any) -> bool:
    """Whether a cell says nothing."""
    return value is None or (isinstance(value, str) and value.strip().lower() in ("", "nan", "nat", "none", "null"))


class Cells(NamedTuple):
    """A row of a file as it was read."""

    given: Mapping[str, Any]
    place: Callable[[str], str]  # the key of a column in messages
    name: str  # where it has no id
    decimal: str  # which character precedes the fraction
    side_is_needed: bool  # a row without a side is refused, where its quantity has no sign either
    tags: Mapping[str, str]


def row_of(cells: Cells, file: str) -> Row:
    """The position of a row; InputError with all its faults."""
    faults, found = Faults(), dict.fromkeys((*TEXTS, *NUMBERS, *FIGURES, "quantity", "time"))
    tolerance: dict[str, float] = {}
    readers: dict[str, Callable[[Any, str, str], Any]] = {**dict.fromkeys(TEXTS, _choice), "time": _time}
    for column, value in cells.given.items():
        if is_missing(value):
            continue
        with faults.gathered():
            with _placed(cells, file, column):
                got = readers.get(column, _number)(value, column, cells.decimal)
            if column.startswith(TOLERANCE):
                tolerance[column.removeprefix(TOLERANCE)] = got
            else:
                found[column] = got
    amount, side = 0.0, None
    if not faults:
        with faults.gathered(), _placed(cells, file):
            amount, side = _amount(found, cells.side_is_needed)
    faults.raise_any()
    return _built(found, amount, side, tolerance, cells)


@contextmanager
def _placed(cells: Cells, file: str, column: str = "") -> Iterator[None]:
    """A refusal in the block gets its file, row and column."""
    try:
        yield
    except InputError as problem:
        key = cells.place(column or problem.key)
        raise InputError(problem.rule, key=key, got=problem.got, hint=problem.hint, file=file) from None


def _built(
    found: Mapping[str, Any], amount: float, side: str | None, tolerance: Mapping[str, float], cells: Cells
) -> Row:
    mode = found["margin_mode"] or "cross"
    wallet = found["wallet"] if found["wallet"] is not None or mode == "isolated" else found["collateral"]
    same: tuple[str, ...] = (
        "account",
        "venue",
        "symbol",
        "time",
        "account_type",
        "entry_price",
        "mark_price",
        "leverage_set",
        "margin",
    )
    same += ("margin_with_pnl", "taker_fee", "closing_fee", "tick", "leverage", "stop", "quantity_unit")
    expected = {name: found[name] for name in FIGURES if found[name] is not None}
    return Row(
        name=found["id"] or cells.name,
        margin_mode=mode,
        contract=found["contract"],
        side=side,
        amount=amount,
        wallet=wallet,
        other_pnl=found["other_pnl"],
        other_maintenance=found["other_maintenance"],
        funding_rate=found["funding_rate"] or 0.0,
        tier=None if found["tier_rate"] is None else (found["tier_rate"], found["tier_deduction"] or 0.0),
        expected=expected,
        tolerance=tolerance,
        half_unit={name: half_unit(cells.given[name], cells.decimal) for name in expected},
        tags=cells.tags,
        **{name: found[name] for name in same},
    )


def half_unit(value: Any, decimal: str) -> float:
    """Half a unit of the last digit that a number is written with."""
    digits = str(getattr(value, "text", value)).strip().lower()
    factor = FACTORS.get(digits[-1:], 1.0)
    mantissa, _, exponent = digits.rstrip("".join(FACTORS)).partition("e")
    _, _, fraction = mantissa.partition("," if decimal == "comma" else ".")
    return float(0.5 * factor * 10.0 ** (int(exponent or 0) - sum(one.isdigit() for one in fraction)))


def _amount(found: Mapping[str, Any], side_is_needed: bool) -> tuple[float, str | None]:
    """The amount of base currency (quote currency of an inverse contract), and the side."""
    quantity, text = found["quantity"], (found["side"] or "").lower()
    rule = "this column is required and is missing" if quantity is None else "must not be 0"
    require(bool(quantity), rule, key="quantity", got=quantity, hint="Leave out rows without a position")
    side = _SIDES.get(text)
    rule = "must be long or short"
    hint = "Write BOTH where the sign of the quantity is the side"
    require(side is not None or text in ("", *_NET), rule, key="side", got=found["side"], hint=hint)
    if quantity < 0:
        rule = "is negative, which says short, and the side is long"
        require(side != "long", rule, key="quantity", got=quantity, hint="Leave out one of the two")
        side = "short"
    elif text in _NET:
        side = "long"
    require(side is not None or not side_is_needed, rule, key="side", got=found["side"], hint=hint)
    if found["quantity_unit"] != "contracts":
        return abs(quantity), side
    size = found["contract_size"]
    require(size is not None, "is needed where the quantity is in contracts", key="contract_size", hint="Add a column")
    return abs(quantity) * size, side


def _choice(value: Any, column: str, _: str) -> str:
    require(isinstance(value, str | int) and not isinstance(value, bool), "must be text", got=value)
    text, choices = str(value).strip(), _CHOICES.get(column)
    if choices:
        text = text.lower()
        require(text in choices, f"must be one of {', '.join(choices)}", got=value)
    return text


def _number(value: Any, column: str, decimal: str) -> float:
    try:
        found = (
            number(value, decimal) if isinstance(value, str) else math.nan if isinstance(value, bool) else float(value)
        )
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    require(math.isfinite(found), "must be a finite number", got=value)
    require(found > 0 or column not in _POSITIVE, "must be above 0", got=value)
    below = column in _NOT_NEGATIVE or column.startswith(TOLERANCE)
    require(found >= 0 or not below, "must not be below 0", got=value)
    hint = "Write 0.05 % as 0.0005"
    require(
        abs(found) < 1 or column not in _RATES, "is a fraction, and must lie between -1 and 1", got=value, hint=hint
    )
    return found


def _time(value: Any, _column: str, _decimal: str) -> datetime:
    """Of a day its first moment."""
    if isinstance(value, datetime):  # of a binary table
        require(value.tzinfo is not None, "has no time zone", got=str(value), hint="Localise the column to UTC")
        return value.astimezone(UTC)
    text = str(value).strip()
    try:
        since = float(text)
    except ValueError:
        return _of_text(text)
    unit = next((micro for _, least, micro in reversed(UNITS) if least <= since < _LATEST), None)
    rule = "counts neither seconds, milli-, micro- nor nanoseconds since 1970"
    require(unit is not None, rule, got=value, hint=_TIME)
    assert unit is not None
    return datetime.fromtimestamp(since * unit / 1e6, UTC)


def parse_time(text: str, key: str) -> datetime:
    """The instant that a text names, as in the column time."""
    try:
        return _time(text, key, "point")
    except InputError as problem:
        raise problem.at(key=key) from None


def _of_text(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InputError("must be a time in ISO 8601", got=text, hint=_TIME) from None
    is_day = len(text) <= len("2026-09-29")
    require(found.tzinfo is not None or is_day, "has no time zone", got=text, hint=f"{_TIME}: the Z stands for UTC")
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
