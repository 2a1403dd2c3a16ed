"""Small tier files in the layouts of exchanges and libraries: made, not recorded."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

BINANCE: Any = [
    {
        "symbol": symbol,
        "notionalCoef": 1.5,
        "brackets": [
            {
                "bracket": place + 1,
                "initialLeverage": leverage,
                "notionalCap": cap,
                "notionalFloor": floor,
                "maintMarginRatio": rate,
                "cum": cum,
            }
            for place, (floor, cap, leverage, rate, cum) in enumerate(
                [(0, 10_000, 75, 0.01, 0.0), (10_000, 50_000, 25, 0.02, 100.0), (50_000, 200_000, 10, 0.05, 1_600.0)]
            )
        ],
    }
    for symbol in ("WLDUSDT", "1000PEPEUSDT")
]
BYBIT: Any = {
    "retCode": 0,
    "retMsg": "OK",
    "result": {
        "category": "linear",
        "list": [
            {
                "id": place + 1,
                "symbol": "WLDUSDT",
                "riskLimitValue": cap,
                "maintenanceMargin": rate,
                "initialMargin": initial,
                "isLowestRisk": int(place == 0),
                "maxLeverage": leverage,
                "mmDeduction": cum,
            }
            for place, (cap, rate, initial, leverage, cum) in enumerate(
                [("200000", "0.01", "0.02", "50.00", ""), ("400000", "0.02", "0.04", "25.00", "2000")]
            )
        ],
    },
}
OKX: Any = {
    "code": "0",
    "msg": "",
    "data": [
        {
            "instFamily": "WLD-USDT",
            "instId": "",
            "tier": str(place + 1),
            "minSz": floor,
            "maxSz": cap,
            "mmr": rate,
            "imr": initial,
            "maxLever": leverage,
            "ctVal": "1",
        }
        for place, (floor, cap, rate, initial, leverage) in enumerate(
            [("0", "15000", "0.01", "0.015", "66.66"), ("15000.01", "25000", "0.015", "0.025", "40")]
        )
    ],
}
GATE: Any = [
    {
        "contract": "WLD_USDT",
        "tier": place + 1,
        "risk_limit": cap,
        "initial_rate": initial,
        "maintenance_rate": rate,
        "leverage_max": leverage,
        "deduction": cum,
    }
    for place, (cap, initial, rate, leverage, cum) in enumerate(
        [("20000", "0.02", "0.01", "50", "0"), ("60000", "0.04", "0.02", "25", "200")]
    )
]
KUCOIN: Any = {
    "code": "200000",
    "data": [
        {
            "symbol": "WLDUSDTM",
            "level": place + 1,
            "minRiskLimit": floor,
            "maxRiskLimit": cap,
            "maxLeverage": leverage,
            "initialMargin": initial,
            "maintainMargin": rate,
        }
        for place, (floor, cap, leverage, initial, rate) in enumerate(
            [(0, 50_000, 50, 0.02, 0.01), (50_000, 100_000, 20, 0.05, 0.025)]
        )
    ],
}
KRAKEN: Any = {
    "result": "success",
    "instruments": [
        {"symbol": "in_xbtusd", "type": "spot index", "tradeable": False},
        {
            "symbol": "PF_WLDUSD",
            "type": "flexible_futures",
            "contractSize": 1.0,
            "maxPositionSize": 500_000.0,
            "marginLevels": [
                {"numNonContractUnits": 0.0, "initialMargin": 0.05, "maintenanceMargin": 0.025},
                {"numNonContractUnits": 100_000.0, "initialMargin": 0.1, "maintenanceMargin": 0.05},
            ],
        },
    ],
}
HYPERLIQUID: Any = {
    "universe": [
        {"name": "kSHIB", "szDecimals": 0, "maxLeverage": 10, "marginTableId": 52},
        {"name": "WLD", "szDecimals": 1, "maxLeverage": 5, "marginTableId": 5},
        {"name": "OLD", "maxLeverage": 3, "isDelisted": True},
    ],
    "marginTables": [
        [
            52,
            {
                "description": "tiered 10x",
                "marginTiers": [
                    {"lowerBound": "0.0", "maxLeverage": 10},
                    {"lowerBound": "3000000.0", "maxLeverage": 5},
                ],
            },
        ]
    ],
}
CCXT: Any = {
    "WLD/USDT:USDT": [
        {"tier": 1, "minNotional": 0, "maxNotional": 10_000, "maintenanceMarginRate": 0.01, "maxLeverage": 75},
        {
            **{"tier": 2, "minNotional": 10_000, "maxNotional": 50_000, "maintenanceMarginRate": 0.02},
            **{"maxLeverage": 25, "info": {"cum": "100.0"}},
        },
    ]
}


def written(folder: Path, data: Any, name: str = "tiers.json") -> Path:
    """The file of this content, or of this text."""
    path = folder / name
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return path


def changed(data: Any, change: Callable[[Any], Any]) -> Any:
    """A copy with something done to it."""
    found = copy.deepcopy(data)
    change(found)
    return found
