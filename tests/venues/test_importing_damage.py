"""Damaged tier files: each is refused with the row and the key, and nothing is written."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from helpers.command import call
from helpers.tier_files import BINANCE, BYBIT, CCXT, GATE, HYPERLIQUID, KRAKEN, KUCOIN, OKX, changed, written

from stresslab.errors import InputError
from stresslab.venues.importing import imported, reading

SEEN = datetime(2026, 9, 29, tzinfo=UTC)


def bracket(place: int, **given: Any) -> Any:
    return changed(BINANCE, lambda d: d[0]["brackets"][place].update(given))


def limit(place: int, **given: Any) -> Any:
    return changed(BYBIT, lambda d: d["result"]["list"][place].update(given))


def row(data: Any, place: int, **given: Any) -> Any:
    return changed(data, lambda d: (d["data"] if isinstance(d, dict) else d)[place].update(given))


CONTRACTS: list[tuple[str, Any, str]] = [
    (
        "binance_usdm",
        bracket(1, maintMarginRatio="abc"),
        "WLDUSDT.brackets[1].maintMarginRatio = 'abc': must be a finite",
    ),
    ("binance_usdm", bracket(1, maintMarginRatio=None), "WLDUSDT.brackets[1].maintMarginRatio: this key is required"),
    (
        "binance_usdm",
        bracket(1, maintMarginRatio=True),
        "WLDUSDT.brackets[1].maintMarginRatio = True: must be a finite",
    ),
    ("binance_usdm", bracket(0, maintMarginRatio=0), "WLDUSDT.brackets[0].maintMarginRatio = 0.0: must be above 0"),
    ("binance_usdm", bracket(1, maintMarginRatio=2), "brackets[1].maintMarginRatio = 2.0: must be above 0 and below 1"),
    ("binance_usdm", bracket(1, maintMarginRatio=0.05), "must not be above the initial rate of the tier, 0.04"),
    ("binance_usdm", bracket(2, maintMarginRatio=0.01), "must not be below the rate of the tier before it, 0.02"),
    ("binance_usdm", bracket(1, initialLeverage=80), "must not be above the initial rate of the tier, 0.0125"),
    ("binance_usdm", bracket(2, initialLeverage=0), "WLDUSDT.brackets[2].initialLeverage = 0: must be at least 1"),
    ("binance_usdm", bracket(1, cum=None), "WLDUSDT.brackets[1].cum: this key is required and is missing"),
    ("binance_usdm", bracket(1, cum=101.0), "WLDUSDT.brackets[1].cum = 101.0: must be 100, the amount before"),
    ("binance_usdm", bracket(1, cum=-400), "WLDUSDT.brackets[1].cum = -400: must be at least 0"),
    ("binance_usdm", bracket(1, notionalFloor=11_000), "brackets[1].notionalFloor = 11000.0: must be where the tier"),
    ("binance_usdm", bracket(1, notionalFloor=9_000), "brackets[1].notionalFloor = 9000.0: must be where the tier"),
    ("binance_usdm", bracket(0, notionalCap=0), "brackets[0].notionalCap = 0.0: must be above the size at which the"),
    ("binance_usdm", changed(BINANCE, lambda d: d[0].update(brackets=[])), "WLDUSDT.brackets = []: must be a list of"),
    (
        "binance_usdm",
        changed(BINANCE, lambda d: d[1].update(symbol="WLDUSDT")),
        "= 'WLDUSDT': stands twice in the file",
    ),
    ("binance_coinm", changed(BINANCE, lambda d: d[0].update(symbol="ADAUSD_PERP")), "--venue binance_usdm"),
    ("binance_usdm", changed(CCXT, lambda d: d["WLD/USDT:USDT"][0].pop("maxLeverage")), "[0].maxLeverage: this key is"),
    ("gate", CCXT, "WLD/USDT:USDT[1].info: is the row of another venue, with cum. Give --venue binance_usdm"),
    ("kucoin", CCXT, "WLD/USDT:USDT[1].info: is the row of another venue, with cum"),
    ("binance_usdm", {"BTC/USDT:USDT": None, **CCXT}, "BTC/USDT:USDT = None: must be a list of rows, at least one"),
    ("bybit", limit(0, isLowestRisk=0), "WLDUSDT[0].isLowestRisk = 0: must be 1 in the lowest tier: the rows of lower"),
    ("gate", row(GATE, 1, tier=3, deduction=None), "WLD_USDT[1].tier = 3.0: must be 2: a tier is missing"),
    ("bybit", limit(0, initialMargin="0.5"), "WLDUSDT[0].initialMargin = '0.5': contradicts maxLeverage 50"),
    ("bybit", limit(1, mmDeduction="1999"), "WLDUSDT[1].mmDeduction = 1999.0: must be 2000"),
    ("bybit", limit(1, riskLimitValue="200000"), "WLDUSDT[1].riskLimitValue = 200000.0: must be above the size"),
    ("bybit", limit(0, maintenanceMargin="1"), "WLDUSDT[0].maintenanceMargin = '1': must be below"),
    (
        "okx",
        row(OKX, 1, minSz="17000"),
        "WLD-USDT-SWAP[1].minSz = 17000.0: must be where the tier before it ends, 15000",
    ),
    ("okx", row(OKX, 1, mmr="x"), "WLD-USDT-SWAP[1].mmr = 'x': must be a finite number"),
    ("gate", row(GATE, 1, deduction="199"), "WLD_USDT[1].deduction = 199.0: must be 200"),
    ("gate", row(GATE, 1, initial_rate="0.01"), "WLD_USDT[1].initial_rate = '0.01': contradicts leverage_max 25"),
    ("kucoin", row(KUCOIN, 1, minRiskLimit=60_000), "WLDUSDTM[1].minRiskLimit = 60000.0: must be where the tier"),
    ("kucoin", row(KUCOIN, 1, maintainMargin=0.005), "WLDUSDTM[1].maintainMargin = 0.005: must not be below the rate"),
    (
        "hyperliquid",
        changed(HYPERLIQUID, lambda d: d["marginTables"][0][1]["marginTiers"][1].update(maxLeverage="x")),
        "marginTables[0].marginTiers[1].maxLeverage = 'x': must be a finite number",
    ),
    (
        "hyperliquid",
        changed(HYPERLIQUID, lambda d: d["universe"][0].update(marginTableId=77)),
        "kSHIB.marginTableId = 77: names no table of marginTables",
    ),
    (
        "hyperliquid",
        changed(HYPERLIQUID, lambda d: d["universe"][0].update(maxLeverage=20)),
        "marginTables[0].marginTiers[0].maxLeverage = 10: must be 20, the contract's maxLeverage",
    ),
    (
        "kraken",
        changed(KRAKEN, lambda d: d["instruments"][1]["marginLevels"][1].update(initialMargin=0)),
        "PF_WLDUSD.marginLevels[1].initialMargin = 0: must be at least",
    ),
    (
        "kraken",
        changed(KRAKEN, lambda d: d["instruments"][1]["marginLevels"][0].update(numNonContractUnits=5)),
        "PF_WLDUSD.marginLevels[0].numNonContractUnits = 5.0: must be where the tier before it ends, 0",
    ),
]

FILES: list[tuple[str, Any, str]] = [
    ("okx", {"code": "50011", "msg": "Too Many Requests", "data": []}, "answered with an error: Too Many Requests"),
    (
        "binance_usdm",
        {"code": -1121, "msg": "Invalid symbol."},
        "code = -1121: the venue answered with an error: Invalid",
    ),
    ("bybit", {"retCode": 10001, "retMsg": "params error", "result": {}}, "answered with an error: params error"),
    ("kucoin", {"code": "400100", "msg": "Symbol not exists"}, "answered with an error: Symbol not exists"),
    ("gate", {"label": "INVALID_PARAM_VALUE", "message": "no contract"}, "answered with an error: no contract"),
    ("kraken", {"result": "error", "error": "apiLimitExceeded"}, "answered with an error: apiLimitExceeded"),
    ("nowhere", BINANCE, "--venue = 'nowhere': is no venue whose tier files can be read. Known: binance_coinm"),
    ("binance", BINANCE, "Did you mean binance_usdm or binance_coinm?"),
    ("okx", BYBIT, "the file has Bybit's risk limits, which are not this venue's. Give --venue bybit"),
    ("hyperliquid", CCXT, "the file has ccxt's leverage tiers, which are not this venue's"),
    (
        "gate",
        changed(GATE, lambda d: [one.pop("contract") for one in d]),
        "[0].contract: this key is required and is missing: the answer for one contract leaves it out. Ask for all "
        'contracts, or add "contract": "BTC_USDT" to each row',
    ),
    ("binance_usdm", [{"pear": "WLDUSDT"}], "no tier file of a known layout"),
    ("binance_usdm", [], "no tier file of a known layout"),
    ("binance_usdm", '[{"symbol": "WLD', "not valid JSON"),
    ("binance_usdm", "", "not valid JSON"),
    ("binance_usdm", "[" * 100_000, "not valid JSON"),
    ("binance_usdm", '{"A/USDT:USDT": [{"maxNotional": 1}], "A/USDT:USDT": []}', "A/USDT:USDT: stands twice"),
    (
        "hyperliquid",
        changed(HYPERLIQUID, lambda d: d["marginTables"].append([5])),
        "marginTables[1] = [5]: must be a pair",
    ),
    ("binance_usdm", [*BINANCE, {"brackets": []}], "[2].pair = None: must be text"),
    ("bybit", changed(BYBIT, lambda d: d["result"]["list"].append(7)), "must be a list of rows"),
    (
        "bybit",
        changed(BYBIT, lambda d: d["result"].update(nextPageCursor="abc")),
        "nextPageCursor = 'abc': is not the last page of the answer. Fetch the further pages",
    ),
]


@pytest.mark.parametrize("venue, data, words", CONTRACTS, ids=[words[:60] for *_, words in CONTRACTS])
def test_damage_of_a_contract_is_told_with_key_and_row(tmp_path: Path, venue: str, data: Any, words: str) -> None:
    path, out = written(tmp_path, data), tmp_path / "out"
    (problem, *_) = imported(path, venue, SEEN).faults.values()
    assert words in str(problem) and str(problem).startswith(f"{path}: ")
    done = call("venues", "import", str(path), "--venue", venue, "--as-of", "2026-09-29", "-o", str(out))
    assert done.code == 2 and not out.exists() and words in done.error and "Traceback" not in done.error


@pytest.mark.parametrize("venue, data, words", FILES, ids=[words[:60] for *_, words in FILES])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, venue: str, data: Any, words: str) -> None:
    path, out = written(tmp_path, data), tmp_path / "out"
    with pytest.raises(InputError) as problem:
        imported(path, venue, SEEN)
    assert words in str(problem.value)
    done = call("venues", "import", str(path), "--venue", venue, "--as-of", "2026-09-29", "-o", str(out))
    assert done.code == 2 and not out.exists() and "Traceback" not in done.error


def scrambled(node: Any, value: Any) -> list[Any]:
    """The file with one of its leaves, or one of its parts, replaced; every place in turn."""
    found = [value]
    if isinstance(node, dict):
        found += [{**node, key: one} for key, inner in node.items() for one in scrambled(inner, value)]
    if isinstance(node, list):
        found += [[*node[:n], one, *node[n + 1 :]] for n, inner in enumerate(node) for one in scrambled(inner, value)]
    return found


@pytest.mark.parametrize("value", [None, "x", [], {}, -1, 1e308], ids=repr)
@pytest.mark.parametrize(
    "venue, data",
    [
        ("binance_usdm", BINANCE),
        ("binance_usdm", CCXT),
        ("bybit", BYBIT),
        ("okx", OKX),
        ("gate", GATE),
        ("kucoin", KUCOIN),
        ("kraken", KRAKEN),
        ("hyperliquid", HYPERLIQUID),
    ],
)
def test_a_wrong_value_anywhere_is_read_or_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, venue: str, data: Any, value: Any
) -> None:
    """No other exception than InputError, whatever stands in whichever place."""
    monkeypatch.setattr(reading, "lenders", cache(reading.lenders))  # the shipped files are read once
    for one in scrambled(data, value):
        try:
            imported(written(tmp_path, one), venue, SEEN)
        except InputError:
            continue
