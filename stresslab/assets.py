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


def same_asset(one: str, other: str) -> bool:
    """Whether two names denote the same underlying."""
    return canonical(one) == canonical(other)
