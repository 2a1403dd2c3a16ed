"""Names of assets, and whether two of them denote the same underlying.

Venues write one asset in several ways: Kraken and BitMEX say XBT for BTC, wrapped coins bear a W, and coins of small
price are traded by the thousand or the million (1000PEPE, kSHIB, 1MBABYDOGE). The law of log prices is the same for
all of them.
"""

import re

ALIASES = {
    "XBT": "BTC",
    "XXBT": "BTC",
    "WBTC": "BTC",
    "CBBTC": "BTC",
    "TBTC": "BTC",
    "XETH": "ETH",
    "WETH": "ETH",
    "WSOL": "SOL",
    "WBNB": "BNB",
    "WAVAX": "AVAX",
    "XDG": "DOGE",
    "MATIC": "POL",
}
_BEFORE = re.compile(r"(?:(?P<number>10{3,6})|(?P<one>1[MK]))(?=[A-Z])|(?P<letter>[km])(?=[A-Z0-9]+$)")
_AFTER = re.compile(r"(?<=[A-Z]{3})10{3,6}$")
_LETTERS = {"k": 1_000, "m": 1_000_000}


def canonical(name: str) -> str:
    """The canonical name of an asset: BTC for XBT, WBTC and TBTC; PEPE for 1000PEPE."""
    bare, _ = _parts(name)
    return ALIASES.get(bare.upper(), bare.upper())


def multiple(name: str) -> int:
    """How many units of the asset the price of this name is for: 1000 of 1000PEPE, 1 of PEPE."""
    _, found = _parts(name)
    return found


def same_asset(one: str, other: str) -> bool:
    """Whether two names denote the same underlying, be it by the unit or by the thousand."""
    return canonical(one) == canonical(other)


def _parts(name: str) -> tuple[str, int]:
    """A name without its multiple, and the multiple."""
    given = name.strip()
    found = _BEFORE.match(given)
    if found:
        letter = found["letter"] or (found["one"] or "")[1:].lower()
        return given[found.end() :], int(found["number"]) if found["number"] else _LETTERS[letter]
    after = _AFTER.search(given)
    return (given[: after.start()], int(after[0])) if after else (given, 1)
