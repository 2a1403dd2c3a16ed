"""Rulebooks made of tier files in the layouts that exchanges and libraries give, worked by hand; and damaged files."""

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from helpers.command import call

from stresslab import venues
from stresslab.config import study_from_dict
from stresslab.errors import InputError
from stresslab.grid.plan import make_plan
from stresslab.venues.importing import imported

SEEN = datetime(2026, 9, 29, tzinfo=UTC)

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
            [("0", "15000", "0.01", "0.02", "50"), ("15001", "25000", "0.015", "0.025", "40")]
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

# venue, file, symbol, size of 40,000 in money at a price of 2, requirement by hand, largest leverage there
BY_HAND = [
    ("binance_usdm", BINANCE, "WLDUSDT", 40_000 * 0.02 - 100, 25),
    ("binance_usdm", CCXT, "WLDUSDT", 40_000 * 0.02 - 100, 25),
    ("bybit", BYBIT, "WLDUSDT", 40_000 * 0.01, 50),
    ("okx", OKX, "WLD-USDT-SWAP", 40_000 * 0.015, 40),
    ("gate", GATE, "WLD_USDT", 40_000 * 0.02 - 200, 25),
    ("kucoin", KUCOIN, "WLDUSDTM", 40_000 * 0.01, 50),
    ("kraken", KRAKEN, "PF_WLDUSD", 40_000 * 0.025, 20),
    ("hyperliquid", HYPERLIQUID, "WLD", 40_000 * 0.1, 5),
]


def written(folder: Path, data: Any) -> Path:
    path = folder / "tiers.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return path


@pytest.mark.parametrize("venue, data, symbol, required, leverage", BY_HAND, ids=[one[2] for one in BY_HAND])
def test_a_book_of_a_file_answers_as_by_hand(
    tmp_path: Path, venue: str, data: Any, symbol: str, required: float, leverage: float
) -> None:
    found = imported(written(tmp_path, data), venue, SEEN)
    book = found.books[f"{venue}/{symbol}"]
    notional = float(book.notional(20_000, 2.0))
    assert notional == pytest.approx(40_000)
    size = book.size(20_000, 2.0)
    assert float(book.maintenance_margin(notional, size)) == pytest.approx(required, rel=1e-12)
    assert float(book.max_leverage(size)) == pytest.approx(leverage)
    assert book.valid_from == book.last_seen == SEEN and "tiers.json, SHA-256 " in book.source
    assert "not in the file, taken from " + venue in book.unverified[0]
    assert not found.refused


def test_the_liquidation_price_of_an_imported_book(tmp_path: Path) -> None:
    """Long 20,000 at 2 on 4,000: P = (4,000 + 100 - 40,000) / (20,000 x 0.02 - 20,000)."""
    book = imported(written(tmp_path, BINANCE), "binance_usdm", SEEN).books["binance_usdm/WLDUSDT"]
    assert float(book.liquidation_price("long", 2.0, 20_000, 4_000)) == pytest.approx(35_900 / 19_600, rel=1e-12)


def test_multiples_keep_the_venues_name(tmp_path: Path) -> None:
    binance = imported(written(tmp_path, BINANCE), "binance_usdm", SEEN).books["binance_usdm/1000PEPEUSDT"]
    assert binance.contract.base == "1000PEPE"
    assert (
        imported(written(tmp_path, HYPERLIQUID), "hyperliquid", SEEN).books["hyperliquid/kSHIB"].contract.base
        == "kSHIB"
    )


def test_the_price_of_a_multiple_is_never_that_of_one(tmp_path: Path) -> None:
    """A study of PEPE on a contract of 1,000 PEPE would be out by a factor of a thousand."""
    path = written(tmp_path, BINANCE)
    call("venues", "import", str(path), "--venue", "binance_usdm", "--as-of", "2026-09-29", "-o", str(tmp_path))
    study: dict[str, Any] = {
        "study": "multiple",
        "as_of": "2026-09-29T12:00:00Z",
        "seed": 1,
        "market": {"asset": "1000PEPE", "spot": 0.0123, "model": "g", "step": "1h", "horizons": ["1D"]},
        "models": {"g": {"kind": "gbm", "sigma": 1.0}},
        "book": {"rulebook": "binance_usdm/1000PEPEUSDT.yaml", "side": "long", "collateral": 1_000, "leverage": 5},
        "sampling": {"paths": 256, "block": 256},
    }
    (book,) = make_plan(study_from_dict(study, base=tmp_path)).books
    assert book.quantity == pytest.approx(5_000 / 0.0123)
    study["market"] |= {"asset": "PEPE", "spot": 0.0000123}
    with pytest.raises(InputError, match="that of 1,000 PEPE, and the study's asset is PEPE. Write 1000PEPE"):
        make_plan(study_from_dict(study, base=tmp_path))


def test_largest_position_of_kraken(tmp_path: Path) -> None:
    book = imported(written(tmp_path, KRAKEN), "kraken", SEEN).books["kraken/PF_WLDUSD"]
    with pytest.raises(InputError, match="allows at most 500,000 in one position"):
        book.check_allowed(1.1e6, 2, quantity=600_000)


def test_bybits_rates_in_per_cent_are_told_by_the_leverage(tmp_path: Path) -> None:
    data = copy.deepcopy(BYBIT)
    for row in data["result"]["list"]:
        for name in ("maintenanceMargin", "initialMargin"):
            row[name] = str(100 * float(row[name]))
    book = imported(written(tmp_path, data), "bybit", SEEN).books["bybit/WLDUSDT"]
    assert float(book.maintenance_margin(300_000.0)) == pytest.approx(300_000 * 0.02 - 2_000)


def changed(change: Callable[[Any], None], data: Any) -> Any:
    found = copy.deepcopy(data)
    change(found)
    return found


DAMAGES: list[tuple[str, Any, str]] = [
    (
        "binance_usdm",
        changed(lambda d: d[0]["brackets"][1].update(maintMarginRatio="abc"), BINANCE),
        r"\[0\].brackets\[1\].maintMarginRatio = 'abc': must be a finite number",
    ),
    (
        "binance_usdm",
        changed(lambda d: d[0]["brackets"][1].pop("cum"), BINANCE),
        r"\[0\].brackets\[1\].cum: this key is required and is missing",
    ),
    (
        "binance_usdm",
        changed(lambda d: d[0]["brackets"][1].update(cum=101.0), BINANCE),
        r"\[0\].brackets\[1\].cum = 101.0: must be 100",
    ),
    (
        "binance_usdm",
        changed(lambda d: d[0]["brackets"][1].update(notionalFloor=11_000), BINANCE),
        r"\[0\].brackets\[1\] = 11000.0: must be where the tier before it ends, 10000",
    ),
    (
        "binance_usdm",
        changed(lambda d: d[0]["brackets"][1].update(initialLeverage=0), BINANCE),
        r"initialLeverage = 0: must be at least 1",
    ),
    (
        "binance_usdm",
        changed(lambda d: d[0]["brackets"][2].update(maintMarginRatio=0.01, cum=-400.0), BINANCE),
        r"cum = -400.0: must be at least 0",
    ),
    (
        "binance_usdm",
        changed(lambda d: d[0].update(brackets=[]), BINANCE),
        r"\[0\].brackets = \[\]: must be a list of tiers",
    ),
    (
        "binance_usdm",
        changed(lambda d: d[1].update(symbol="WLDUSDT"), BINANCE),
        r"WLDUSDT = 'binance_usdm/WLDUSDT': stands twice in the file",
    ),
    (
        "binance_usdm",
        changed(lambda d: d[0].update(symbol="WLDEUR"), BINANCE),
        r"symbol = 'WLDEUR': its quote currency is none of",
    ),
    (
        "bybit",
        changed(lambda d: d["result"]["list"][0].update(initialMargin="0.5"), BYBIT),
        r"list\[0\].initialMargin = '0.5': must be 1 over maxLeverage, 0.02",
    ),
    (
        "bybit",
        changed(lambda d: d["result"]["list"][1].update(mmDeduction="1999"), BYBIT),
        r"cum = 1999.0: must be 2000",
    ),
    (
        "okx",
        changed(lambda d: [row.pop("ctVal") for row in d["data"]], OKX),
        "the size of a contract is not in the file. Add ctVal",
    ),
    (
        "okx",
        changed(lambda d: d["data"][1].update(minSz="17000"), OKX),
        r"must be where the tier before it ends, 15000",
    ),
    (
        "okx",
        {"code": "50011", "msg": "Too Many Requests", "data": []},
        "code = '50011': the venue answered with an error: Too Many Requests",
    ),
    (
        "binance_usdm",
        {"code": -1121, "msg": "Invalid symbol."},
        "code = -1121: the venue answered with an error: Invalid symbol",
    ),
    (
        "hyperliquid",
        changed(lambda d: d["marginTables"][0][1]["marginTiers"][1].update(maxLeverage="x"), HYPERLIQUID),
        r"marginTables\[0\].marginTiers\[1\].maxLeverage = 'x'",
    ),
    (
        "kraken",
        changed(lambda d: d["instruments"][1]["marginLevels"][1].update(initialMargin=0), KRAKEN),
        r"instruments\[1\].marginLevels\[1\].initialMargin = 0: must be at least",
    ),
    ("nowhere", BINANCE, "--venue = 'nowhere': is no venue that has a rulebook"),
    ("binance_usdm", [{"pair": "WLDUSDT"}], "file: is no tier file of a layout that is known"),
    ("binance_usdm", '[{"symbol": "WLD', "not valid JSON"),
    ("binance_usdm", "", "not valid JSON"),
]


@pytest.mark.parametrize("venue, data, words", DAMAGES, ids=range(len(DAMAGES)))
def test_a_damaged_file_is_refused_with_key_and_row(tmp_path: Path, venue: str, data: Any, words: str) -> None:
    path, out = written(tmp_path, data), tmp_path / "out"
    done = call("venues", "import", str(path), "--venue", venue, "--as-of", "2026-09-29", "-o", str(out))
    with pytest.raises(InputError, match=words):
        found = imported(path, venue, SEEN)
        for problem in found.refused.values():
            raise problem
    assert done.code == 2 and not out.exists() and "Traceback" not in done.error


def test_what_is_written_is_read_and_run(tmp_path: Path) -> None:
    path = written(tmp_path, BINANCE)
    done = call("venues", "import", str(path), "--venue", "binance_usdm", "--as-of", "2026-09-29", "-o", str(tmp_path))
    assert done.code == 0 and "2 rulebooks of binance_usdm" in done.out
    file = tmp_path / "binance_usdm" / "WLDUSDT.yaml"
    assert venues.load(file).hash == imported(path, "binance_usdm", SEEN).books["binance_usdm/WLDUSDT"].hash
    study = {
        "study": "imported",
        "as_of": "2026-09-29T12:00:00Z",
        "seed": 1,
        "market": {"asset": "WLD", "spot": 2.0, "model": "gbm", "step": "1h", "horizons": ["1D"]},
        "models": {"gbm": {"kind": "gbm", "sigma": 1.0}},
        "book": {"rulebook": str(file), "side": "long", "collateral": 1_000, "leverage": 10},
        "sampling": {"paths": 256, "block": 256},
    }
    (book,) = make_plan(study_from_dict(study)).books
    assert book.liquidation_price == pytest.approx((1_000 - 10_000) / (5_000 * 0.01 - 5_000), rel=1e-12)


def test_a_rulebook_that_is_there_is_replaced_on_request_only(tmp_path: Path) -> None:
    words = ("--venue", "binance_usdm", "-o", str(tmp_path))
    assert call("venues", "import", str(written(tmp_path, BINANCE)), *words, "--as-of", "2026-09-29").code == 0
    dearer = copy.deepcopy(BINANCE)
    dearer[0]["brackets"] = dearer[0]["brackets"][:2]
    path = written(tmp_path, dearer)
    refused = call("venues", "import", str(path), *words, "--as-of", "2026-10-01")
    assert refused.code == 2 and "is there already, and would change in 6 fields. --replace" in refused.error
    assert call("venues", "import", str(path), *words, "--as-of", "2026-10-01", "--replace").code == 0
    assert len(venues.load(tmp_path / "binance_usdm" / "WLDUSDT.yaml").requirement.tiers) == 2


def test_bad_contracts_are_left_out_on_request(tmp_path: Path) -> None:
    bad = changed(lambda d: d[0]["brackets"][1].update(cum=7), BINANCE)
    words = (str(written(tmp_path, bad)), "--venue", "binance_usdm", "--as-of", "2026-09-29", "-o", str(tmp_path))
    assert "--skip-bad leaves it out" in call("venues", "import", *words).error
    done = call("venues", "import", *words, "--skip-bad")
    assert done.code == 0 and "1 rulebooks" in done.out and "skipped WLDUSDT" in done.error


def test_a_file_without_a_day_is_refused_with_the_way_out(tmp_path: Path) -> None:
    done = call("venues", "import", str(written(tmp_path, BINANCE)), "--venue", "binance_usdm")
    assert done.code == 2 and "Give --as-of" in done.error
