"""Worked examples as rows (call, what it gives, relative tolerance): the calls are those of docs/venues.md."""

from typing import Any, NamedTuple

import numpy as np
from helpers.venues_page import imported

from stresslab import venues

BOOKS = {
    "btc21": "binance_usdm_2021/BTCUSDT",
    "eth21": "binance_usdm_2021/ETHUSDT",
    "perp": "binance_coinm/BTCUSD_PERP",
    "bybit": "bybit/BTCUSDT@2025",
    "coin": "kraken/PI_XBTUSD@2024",
    "multi": "kraken/PF_XBTUSD@2024",
    "okx": "okx/ETH-USDT-SWAP@2021",
    "inverse_btc": "deribit/BTC-PERPETUAL",
    "usdc_btc": "deribit/BTC_USDC-PERPETUAL",
    "options": "deribit/BTC-OPTIONS",
    "xbt": "bitmex/XBTUSD",
    "hyper": "hyperliquid/BTC",
    "dydx": "dydx_v4/BTC-USD",
    "drift": "drift_v2/SOL-PERP",
}


class Example(NamedTuple):
    """`call` is Python over the names of docs/venues.md and BOOKS; `wanted` is a number, a truth, or a list of one."""

    source: str
    call: str
    wanted: Any
    tolerance: float

    def holds(self, names: dict[str, Any], moved: float = 0.0) -> bool:
        """Whether the call gives what is wanted, or what is wanted moved by so many tolerances (a truth: turned)."""
        got, wanted = eval(self.call, dict(names)), np.asarray(self.wanted)
        if wanted.dtype == bool:
            return bool(np.all((np.asarray(got) != wanted) == bool(moved)))
        off = np.where(wanted == 0, moved * self.tolerance, wanted * (1 + moved * self.tolerance))
        near = self.tolerance * np.abs(off) + np.where(wanted == 0, 1e-12, 0.0)
        return bool(np.all(np.abs(np.asarray(got, dtype=float) - off) <= near))


def examples(tables: dict[str, list[tuple[Any, ...]]]) -> list[Example]:
    """The rows of tables by source; a row without a tolerance is exact but for rounding, 1e-9."""
    return [
        Example(source, row[0], row[1], row[2] if len(row) > 2 else 1e-9) for source in tables for row in tables[source]
    ]


def names() -> dict[str, Any]:
    """What calls may use."""
    return imported() | {name: venues.load(book) for name, book in BOOKS.items()} | {"inverse": "inverse"}
