"""What a tier file says of one contract, whatever its layout, and the fields of such files."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from stresslab.errors import InputError, require

Unit = Literal["quote", "coin", "contracts"]


class Tier(NamedTuple):
    """Sizes up to `cap` (infinite: without end), and the rates there; `cum` is None where the file has none."""

    cap: float
    mmr: float
    max_leverage: float
    cum: float | None
    key: str  # where it stands in the file


class TierTable(NamedTuple):
    """One contract of a file."""

    symbol: str  # as the venue writes it
    unit: Unit  # what sizes are counted in
    is_flat: bool  # whether a tier's rate is on the whole position
    tiers: tuple[Tier, ...]
    inverse: bool = False
    face: float | None = None  # of a contract, where the file has it
    max_quantity: float | None = None


def number(row: Mapping[str, Any], name: str, key: str, *, least: float = 0.0) -> float:
    """A finite number of a row, which venues also write as text; at least `least`."""
    require(name in row, "this key is required and is missing", key=f"{key}.{name}")
    given = row[name]
    try:
        found = math.nan if isinstance(given, bool) else float(given)
    except (TypeError, ValueError):
        found = math.nan
    require(math.isfinite(found), "must be a finite number", key=f"{key}.{name}", got=given)
    require(found >= least, f"must be at least {least:g}", key=f"{key}.{name}", got=given)
    return found


def text(row: Mapping[str, Any], name: str, key: str) -> str:
    """A name in a row."""
    found = row.get(name)
    require(isinstance(found, str) and found.strip() != "", "must be text", key=f"{key}.{name}", got=found)
    return str(found)


def rows_of(value: Any, key: str) -> Sequence[Mapping[str, Any]]:
    """A list of rows that is not empty."""
    is_list = isinstance(value, list) and len(value) > 0 and all(isinstance(one, dict) for one in value)
    require(is_list, "must be a list of tiers, at least one", key=key, got=value)
    found: Sequence[Mapping[str, Any]] = value
    return found


def in_order(tiers: list[tuple[float, Tier]], key: str) -> tuple[Tier, ...]:
    """The tiers from the lowest up; InputError where one does not begin where the one before it ends."""
    found = sorted(tiers, key=lambda pair: pair[1].cap)
    before = 0.0
    for floor, tier in found:
        rule = f"must be where the tier before it ends, {before:.12g}: tiers have no gap and no overlap"
        require(math.isclose(floor, before, rel_tol=1e-9, abs_tol=1e-9), rule, key=tier.key, got=floor)
        require(tier.cap > floor, "must end above its beginning", key=tier.key, got=tier.cap)
        before = tier.cap
    require(len(found) > 0, "has no tiers", key=key)
    return tuple(tier for _, tier in found)


def by_symbol(rows: Sequence[Mapping[str, Any]], name: str, key: str) -> dict[str, list[tuple[str, Mapping[str, Any]]]]:
    """Rows of each symbol, each with its place in the file."""
    found: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}
    for place, row in enumerate(rows):
        found.setdefault(text(row, name, f"{key}[{place}]"), []).append((f"{key}[{place}]", row))
    return found


def leverage_of(row: Mapping[str, Any], leverage: str, initial: str, key: str) -> float:
    """The largest leverage of a tier, which the initial rate has to agree with to the digits of either."""
    most = number(row, leverage, key, least=1.0)
    if row.get(initial) in (None, ""):
        return most
    rate = number(row, initial, key)
    if abs(rate * most - 1) < 0.02:
        return most
    raise InputError(f"must be 1 over {leverage}, {1 / most:.6g}", key=f"{key}.{initial}", got=row[initial])
