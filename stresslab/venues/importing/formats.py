"""The layouts of tier files: each is told by its keys, never by the name of the file."""

from collections.abc import Iterator
from types import ModuleType
from typing import Any

from stresslab.errors import InputError
from stresslab.venues.importing import binance, bybit, ccxt, gate, hyperliquid, kraken, kucoin, okx
from stresslab.venues.importing.tables import Read

LAYOUTS: dict[str, ModuleType] = {
    "Binance's leverage brackets": binance,
    "Bybit's risk limits": bybit,
    "OKX's position tiers": okx,
    "Gate's risk limit tiers": gate,
    "KuCoin's risk limits": kucoin,
    "Kraken's instruments": kraken,
    "Hyperliquid's meta": hyperliquid,
    "ccxt's leverage tiers": ccxt,
}


def contracts_in(content: Any, venue: str) -> Iterator[tuple[str, Read]]:
    """The contracts of a file by symbol; InputError where its layout is not known, or is that of another venue."""
    name = layout_of(content)
    if name is None:
        hint = f"Known are {', '.join(LAYOUTS)}"
        raise InputError("this is no tier file of a known layout, or it has no rows", hint=hint)
    layout = LAYOUTS[name]
    if venue not in layout.VENUES:
        rule = f"the file has {name}, which are not this venue's"
        raise InputError(rule, key="--venue", got=venue, hint=f"Give --venue {' or '.join(layout.VENUES)}")
    found: Iterator[tuple[str, Read]] = layout.contracts(content, venue)
    return found


def layout_of(content: Any) -> str | None:
    """The name of the layout; None where it is not known."""
    return next((name for name, layout in LAYOUTS.items() if layout.found_in(content)), None)
