"""One contract of a tier file, whatever its layout, and the fields of such files.

A contract that no rulebook can be made of (dated, delisted, in a currency that is not known) is `Unsuited`: it is no
fault of the file, which may hold hundreds of others.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Literal, NamedTuple

from stresslab.errors import InputError, require

Unit = Literal["quote", "coin", "contracts"]
Row = Mapping[str, Any]

WITHOUT_END = 9.2e18  # venues write the largest 64-bit integer for "no cap"
DISPLAYED = 0.01  # leverages are shown with two decimals
CONTRADICTION = 1.25  # initial rate times largest leverage, either way: KuCoin's differ by 5 %


class Unsuited(InputError):
    """No rulebook can be made of a contract, though nothing is wrong with the file."""


class Keys(NamedTuple):
    """How a layout calls the fields of a tier, for messages."""

    floor: str
    cap: str
    mmr: str
    initial: str
    cum: str


class Tier(NamedTuple):
    """Sizes in (floor, cap] and the rates there; the last cap may be infinite."""

    floor: float | None  # None: where the tier before it ends
    cap: float
    mmr: float
    imr: float
    cum: float | None  # None where the file has none
    at: str  # where it stands in the file
    keys: Keys


class Contract(NamedTuple):
    """What the venue's symbol says."""

    symbol: str
    base: str
    settle: str
    inverse: bool


class TierTable(NamedTuple):
    """One contract of a file."""

    contract: Contract
    unit: Unit  # what sizes are counted in
    tiers: tuple[Tier, ...]
    lot: float = 0.0  # a tier may begin so much after the end of the one before it
    face: float | None = None  # of a contract, where the file has it
    tick: float | None = None
    max_quantity: float | None = None
    isolated_only: bool = False
    notes: tuple[str, ...] = ()  # what was not verified about it


Read = Callable[[], TierTable]  # one contract, refused on its own


def number(row: Row, name: str, at: str, *, least: float = 0.0) -> float:
    """A finite number of a row, which venues also write as text; at least `least`."""
    key = f"{at}.{name}"
    require(row.get(name) not in (None, ""), "this key is required and is missing", key=key)
    given = row[name]
    try:
        found = math.nan if isinstance(given, bool) else float(given)
    except (TypeError, ValueError):
        found = math.nan
    require(math.isfinite(found), "must be a finite number", key=key, got=given)
    require(found >= least, f"must be at least {least:g}", key=key, got=given)
    return found


def given_number(row: Row, name: str, at: str) -> float | None:
    """A number that a row need not have."""
    return None if row.get(name) in (None, "") else number(row, name, at)


def end(row: Row, name: str, at: str) -> float:
    """The cap of a tier, infinite where the venue writes its largest integer."""
    found = number(row, name, at)
    return math.inf if found >= WITHOUT_END else found


def text(row: Row, name: str, at: str) -> str:
    """A name in a row."""
    found = row.get(name)
    require(isinstance(found, str) and found.strip() != "", "must be text", key=f"{at}.{name}", got=found)
    return str(found).strip()


def rows_of(value: Any, key: str) -> Sequence[Row]:
    """A list of rows that is not empty."""
    is_list = isinstance(value, list) and len(value) > 0 and all(isinstance(one, dict) for one in value)
    require(is_list, "must be a list of rows, at least one", key=key, got=value)
    found: Sequence[Row] = value
    return found


def by_symbol(rows: Sequence[tuple[str, Row]], name: str) -> dict[str, list[tuple[str, Row]]]:
    """The rows of each symbol, each with its place in the file."""
    found: dict[str, list[tuple[str, Row]]] = {}
    for at, row in rows:
        found.setdefault(text(row, name, at), []).append((at, row))
    return found


def has_keys(content: Any, keys: set[str]) -> bool:
    """Whether the content is a list whose first row has these keys."""
    first = content[0] if isinstance(content, list) and content else None
    return isinstance(first, dict) and keys <= set(first)


def grouped(
    content: Any, name: str, of: str, table: Callable[[Sequence[tuple[str, Row]], str], TierTable]
) -> Iterator[tuple[str, Read]]:
    """Each symbol under `of` in a list of rows, which messages call `name`, and how `table` reads its rows."""
    placed = [(f"[{place}]", row) for place, row in enumerate(rows_of(content, name))]
    for symbol, rows in by_symbol(placed, of).items():
        yield symbol, partial(table, rows, symbol)


def initial_rate(row: Row, leverage: str, initial: str, at: str, part: float = 1.0) -> float:
    """The initial rate of a tier that names a largest leverage and perhaps a rate too: both bind, so the higher one.

    `part` turns the rate of the file into a fraction. InputError where the two contradict each other.
    """
    most = number(row, leverage, at, least=1.0)
    given = given_number(row, initial, at)
    if given is None:
        return 1 / most
    rate = part * given
    rule = f"contradicts {leverage} {most:g}, at which the initial rate is {1 / most:.6g}"
    agrees = 1 / CONTRADICTION < rate * most < CONTRADICTION
    require(agrees, rule, key=f"{at}.{initial}", got=row[initial])
    return rate if abs(1 / rate - most) <= DISPLAYED else max(rate, 1 / most)
