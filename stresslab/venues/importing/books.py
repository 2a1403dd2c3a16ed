"""Rulebooks made of a tier file: its tiers, and for the rest the rules of the venue's shipped rulebook, marked so."""

import json
import math
import re
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from stresslab.errors import InputError, require
from stresslab.files.contents import read_contents
from stresslab.venues.catalogue import available, history, variant
from stresslab.venues.importing.formats import contracts_of
from stresslab.venues.importing.tables import Tier, TierTable
from stresslab.venues.rulebook import Rulebook

_QUOTES = ("USDT", "USDC", "FDUSD", "BUSD", "USD")
_DATED = re.compile(r"[_-]\d{6}$")
_SYMBOL = re.compile(r"[A-Za-z0-9_-]+")
ROUNDING = 1e-6  # of the largest notional of a tier: what a venue's maintenance amount may be off


class Imported(NamedTuple):
    """The rulebooks of a file by id, and the refusals of those that cannot be made."""

    books: dict[str, Rulebook]
    refused: dict[str, InputError]


def imported(path: Path, venue: str, seen: datetime | None, source: str = "") -> Imported:
    """Rulebooks of every contract in a tier file of `venue`, in force at `seen`.

    InputError with the file where it cannot be read, or where no rulebook of the venue lends the other rules.
    """
    file = str(path)
    data, sha256 = read_contents(path, "tier file")
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError(f"not valid JSON: {error}", file=file, hint="Is the file torn? Fetch it again") from None
    hint = "Give --as-of, the day on which the venue showed these tiers"
    require(seen is not None, "the day of the file is not known", key="--as-of", file=file, hint=hint)
    assert seen is not None
    said = source or f"{path.name}, SHA-256 {sha256[:12]}"
    books, refused = dict[str, Rulebook](), dict[str, InputError]()
    try:
        for name, read in contracts_of(found, venue):
            try:
                book = _book(read(), venue, seen, said)
                rule = "stands twice in the file"
                require(book.id not in books, rule, key=name, got=book.id)
                books[book.id] = book
            except InputError as problem:
                refused[name] = problem.at(file=file)
    except InputError as problem:
        raise problem.at(file=file) from None
    return Imported(books, refused)


def _book(table: TierTable, venue: str, seen: datetime, source: str) -> Rulebook:
    rule = "is a symbol that no rulebook can be named by"
    require(bool(_SYMBOL.fullmatch(table.symbol)), rule, key="symbol", got=table.symbol)
    require(not _DATED.search(table.symbol), "is a dated contract: its expiry is in no tier file", got=table.symbol)
    like = _template(table, venue)
    base, quote = _currencies(table.symbol, venue)
    settle = base if table.inverse else quote
    kept = "mark, liquidation, loss, fees, funding, band, close_out"
    shipped = like.id == f"{venue}/{table.symbol}"
    face = table.face or (getattr(like.contract, "face", None) if shipped else None)
    rule = "the size of a contract is not in the file"
    is_known = face is not None or table.unit != "contracts"
    require(is_known, rule, key=table.symbol, hint="Add ctVal of public/instruments to its rows")
    contract: dict[str, Any] = {"base": base, "settle": settle, "tick": None, "price_round": "none"}
    if face is not None or table.unit == "quote":
        contract |= {"face": face or 1.0}
    changes: dict[str, Any] = {
        "id": f"{venue}/{table.symbol}",
        "valid_from": seen,
        "last_seen": seen,
        "source": source,
        "confidence": f"high for the tiers, which are of the file; the rest is that of {like.id}",
        "assumptions": (f"Not in the file, taken from {like.id}: {kept}.", *like.assumptions),
        "unverified": (f"not in the file, taken from {like.id}: {kept}", "the price tick is not known"),
        "contract": contract,
        "collateral": {"assets": [{"currency": settle, "haircut": 0.0, "price_source": "index"}]},
        "requirement": _requirement(table, like),
        "cross_requirement": None,
    }
    return variant(like, changes)


def _template(table: TierTable, venue: str) -> Rulebook:
    """The shipped rulebook that lends the other rules: that of the contract, else one of the same kind."""
    there = [name for name in available() if name.split("/")[0] == venue]
    if not there:
        known = ", ".join(sorted({name.split("/")[0] for name in available()}))
        raise InputError("is no venue that has a rulebook", key="--venue", got=venue, hint=f"It is one of {known}")
    kind = "inverse" if table.inverse else "linear"
    books = [history(name)[-1] for name in there]
    like = [one for one in books if one.contract.kind == kind and not getattr(one.contract, "dated", False)]
    rule = f"{venue} has no rulebook of a contract of the kind {kind}, whose other rules could be taken"
    require(bool(like), rule, key=table.symbol)
    return next((one for one in like if one.id == f"{venue}/{table.symbol}"), like[0])


def _currencies(symbol: str, venue: str) -> tuple[str, str]:
    """Underlying and quote currency, by the venue's way to write them."""
    if venue == "hyperliquid":
        return symbol, "USDC"
    bare = re.sub(r"^(PF|PI|FI)_|_PERP$|-SWAP$|M$|-PERPETUAL$", "", symbol) if venue != "binance_usdm" else symbol
    bare = bare.replace("-", "").replace("_", "")
    quote = next((one for one in _QUOTES if bare.endswith(one) and len(bare) > len(one)), None)
    require(quote is not None, f"its quote currency is none of {', '.join(_QUOTES)}", key="symbol", got=symbol)
    assert quote is not None
    base = bare.removesuffix(quote)
    return ("BTC" if base == "XBT" else base), quote


def _requirement(table: TierTable, like: Rulebook) -> dict[str, Any]:
    now = like.requirement
    shared = {"basis", "tier_at", "include_close_fee", "close_fee_rate", "with_funding", "compare", "netting"}
    kept = now.model_dump(include=shared | {"rounded_up_to", "portfolio"})
    rule = f"tiers of {like.id} are counted in {now.tier_unit}, those of the file in {table.unit}"
    units = ("quote", "contracts") if table.inverse else ("quote",)
    fits = now.tier_unit == table.unit or (now.tier_unit in units and table.unit == "quote" and not table.is_flat)
    hint = "Import the venue's own file"
    require(fits, rule, key=table.symbol, hint=hint)
    wanted = "flat" if table.is_flat else "marginal"
    require(
        now.shape == wanted, f"{like.id} has {now.shape} tiers, the file {wanted} ones", key=table.symbol, hint=hint
    )
    kept |= {"oi_scaling": None, "tier_unit": table.unit, "shape": wanted, "max_quantity": table.max_quantity}
    if table.is_flat:
        rows = [{"cap": _cap(tier), "mmr": tier.mmr, "imr": 1 / tier.max_leverage} for tier in table.tiers]
        return kept | {"tiers": rows, "open_ended": None}
    return kept | {"tiers": _marginal(table.tiers)}


def _marginal(tiers: tuple[Tier, ...]) -> list[dict[str, Any]]:
    """Rows with the maintenance amounts that follow; InputError where the file has others."""
    rows, floor, cum, before = [], 0.0, 0.0, 0.0
    for tier in tiers:
        cum += floor * (tier.mmr - before)
        if tier.cum is not None:
            rule = f"must be {cum:.12g}, the amount before + floor x (rate - rate before)"
            off = abs(tier.cum - cum) > ROUNDING * max(floor, 1.0)
            require(not off, rule, key=f"{tier.key}.cum", got=tier.cum)
        imr = 1 / tier.max_leverage
        rule = "must not be above the initial rate, 1 over the largest leverage"
        require(tier.mmr <= imr, rule, key=f"{tier.key}.maintenance rate", got=tier.mmr)
        rule = "must not be below the rate of the tier before it"
        require(tier.mmr >= before, rule, key=f"{tier.key}.maintenance rate", got=tier.mmr)
        one = {"floor": floor, "cap": _cap(tier), "mmr": tier.mmr, "imr": imr, "max_leverage": tier.max_leverage}
        rows.append(one | {"cum": cum})
        floor, before = tier.cap, tier.mmr
    return rows


def _cap(tier: Tier) -> float | None:
    return None if math.isinf(tier.cap) else tier.cap
