"""What a venue's symbol says of a contract: underlying, currency of settlement, linear or inverse.

The underlying keeps the venue's name, multiples included (1000PEPE, kSHIB, SHIB1000): the price is that of the
contract. XBT alone is written BTC, as in the rulebooks that come with stresslab.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from stresslab.errors import InputError
from stresslab.files.validation import nearest
from stresslab.venues.catalogue import IMPORTED
from stresslab.venues.importing.tables import Contract, Unsuited
from stresslab.venues.symbols import own_symbol

_STABLE = "USDT|USDC|FDUSD|BUSD|USD1"
_DATE = r"\d{6}|\d{8}|\d{1,2}[A-Z]{3}\d{2}"


class _Names(NamedTuple):
    """Patterns with the groups base and quote."""

    linear: str | None
    inverse: str | None
    dated: str


_VENUES: Mapping[str, _Names] = {
    "binance_usdm": _Names(rf"(?P<base>.+?)(?P<quote>{_STABLE}|U)", None, rf".+_(?:{_DATE})"),
    "binance_coinm": _Names(None, r"(?P<base>.+?)(?P<quote>USD)_PERP", rf".+_(?:{_DATE})"),
    "bybit": _Names(
        r"(?P<base>.+?)(?P<quote>USDT|USDC|PERP)",
        r"(?P<base>.+?)(?P<quote>USD)",
        rf".+-(?:{_DATE})|.+USD[FGHJKMNQUVXZ]\d\d",
    ),
    "okx": _Names(
        rf"(?P<base>[^-]+)-(?P<quote>{_STABLE})-SWAP", r"(?P<base>[^-]+)-(?P<quote>USD)-SWAP", rf".+-(?:{_DATE})"
    ),
    "gate": _Names(rf"(?P<base>.+)_(?P<quote>{_STABLE})", r"(?P<base>.+)_(?P<quote>USD)", rf".+_(?:{_DATE})"),
    "kucoin": _Names(r"(?P<base>.+?)(?P<quote>USDT|USDC)M", r"(?P<base>.+?)(?P<quote>USD)M", r".+M[FGHJKMNQUVXZ]\d\d"),
    "kraken": _Names(r"PF_(?P<base>.+)(?P<quote>USD)", r"PI_(?P<base>.+)(?P<quote>USD)", rf"F[FI]_.+_(?:{_DATE})"),
    "hyperliquid": _Names(r"(?P<base>[^:]+)(?P<quote>)", None, r"(?!)"),
}
_SETTLES = {"hyperliquid": "USDC", "bybit": "USDC"}  # where the symbol does not say it: HYPE, BTCPERP
_SYMBOL = re.compile(r"[\w-]+")
VENUES = IMPORTED


def check_venue(venue: str) -> None:
    """InputError unless tier files of this venue can be read."""
    if venue not in _VENUES:
        alike = [name for name in VENUES if venue and name.startswith(venue)]
        hint = f"Did you mean {' or '.join(alike)}?" if alike else nearest(venue, VENUES)
        raise InputError("is no venue whose tier files can be read", key="--venue", got=venue, hint=hint)


def contract_of(venue: str, symbol: str) -> Contract:
    """The contract of a venue's symbol; Unsuited where no rulebook can be named by it, or where it expires."""
    names = _VENUES[venue]
    if re.fullmatch(names.dated, symbol):
        raise Unsuited("is a dated contract: its expiry is in no tier file", key="symbol", got=symbol)
    if not _SYMBOL.fullmatch(symbol):
        raise Unsuited("is no name that a rulebook can have", key="symbol", got=symbol)
    for pattern, inverse in ((names.linear, False), (names.inverse, True)):
        found = re.fullmatch(pattern, symbol) if pattern else None
        if found:
            base = "BTC" if found["base"] == "XBT" else found["base"]
            quote = found["quote"] if found["quote"] not in ("", "PERP") else _SETTLES[venue]
            return Contract(symbol, base, base if inverse else quote, inverse)
    raise Unsuited("is in a currency, or of a kind, that is not known here", key="symbol", got=symbol)


def symbol_of_ccxt(venue: str, symbol: str) -> str:
    """The venue's own symbol of a contract in ccxt's form; Unsuited for dated contracts and options."""
    try:
        return own_symbol(venue, symbol)
    except InputError as problem:
        raise Unsuited(problem.rule, key=problem.key, got=symbol) from None
