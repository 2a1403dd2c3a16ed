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
_MULTIPLE = re.compile(r"(?:10{3,6}|1M|1K)(?=[A-Z])|[km](?=[A-Z0-9]+$)")


def canonical(name: str) -> str:
    """The canonical name of an asset: BTC for XBT, WBTC and TBTC."""
    bare = _MULTIPLE.sub("", name.strip(), count=1) if _MULTIPLE.match(name.strip()) else name.strip()
    return ALIASES.get(bare.upper(), bare.upper())


def multiple(name: str) -> float:
    """How many units of the asset the name stands for: 1000 for 1000PEPE and kSHIB, a million for 1MBABYDOGE."""
    found = _MULTIPLE.match(name.strip())
    if found is None:
        return 1.0
    written = found[0].upper()
    return {"K": 1e3, "M": 1e6, "1K": 1e3, "1M": 1e6}.get(written) or float(written)


def same_asset(one: str, other: str) -> bool:
    """Whether two names denote the same underlying."""
    return canonical(one) == canonical(other)
