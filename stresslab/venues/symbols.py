"""The rulebook of a symbol, by the names that venues and ccxt give to contracts.

ccxt writes BTC/USDT:USDT: the underlying, the quote currency and the currency of settlement; a dated future or an
option has more behind it. Kraken, KuCoin and BitMEX say XBT for BTC.
"""

import re
from typing import NamedTuple

from stresslab.errors import InputError, require

_CCXT = re.compile(r"(?P<base>\w+)/(?P<quote>\w+)(?::(?P<settle>\w+))?(?P<more>-.*)?")
_XBT = frozenset({"kraken", "kucoin", "bitmex"})


class Symbol(NamedTuple):
    """A contract as ccxt names it."""

    base: str
    quote: str
    settle: str

    @property
    def is_inverse(self) -> bool:
        """Whether the contract settles in its underlying."""
        return self.settle == self.base


def parsed(text: str) -> Symbol | None:
    """The parts of a perpetual's symbol in ccxt's form; None for one in the venue's own form."""
    found = _CCXT.fullmatch(text)
    if found is None:
        return None
    rule = "is of a dated contract or an option, whose rulebook has to be named"
    require(found["more"] is None, rule, key="symbol", got=text, hint="Give the rulebook's id as the venue's symbol")
    return Symbol(found["base"], found["quote"], found["settle"] or found["quote"])


def own_symbol(venue: str, symbol: str) -> str:
    """The venue's own name of a contract that is named in ccxt's form or already so."""
    found = parsed(symbol)
    if found is None:
        return symbol
    base = "XBT" if venue in _XBT and found.base == "BTC" else found.base
    names = {
        "binance_usdm": f"{base}{found.quote}",
        "binance_coinm": f"{base}{found.quote}_PERP",
        "bybit": f"{base}{'PERP' if found.settle == 'USDC' else found.quote}",
        "okx": f"{base}-{found.quote}-SWAP",
        "gate": f"{base}_{found.quote}",
        "kucoin": f"{base}{found.quote}M",
        "bitmex": f"{base}{found.quote}",
        "kraken": f"{'PI' if found.is_inverse else 'PF'}_{base}{found.quote}",
        "hyperliquid": base,
        "dydx_v4": f"{base}-USD",
        "deribit": f"{base}-PERPETUAL" if found.is_inverse else f"{base}_{found.settle}-PERPETUAL",
        "drift_v2": f"{base}-PERP",
        "gmx_v2": f"{base}-USD",
    }
    if venue not in names:
        raise InputError("is no venue that is known", key="venue", got=venue, hint=f"It is one of {', '.join(names)}")
    return names[venue]
