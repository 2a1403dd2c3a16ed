"""Rulebooks made of tier files in the layouts that exchanges and libraries give, worked by hand."""

import copy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from helpers.command import call
from helpers.tier_files import BINANCE, BYBIT, CCXT, GATE, HYPERLIQUID, KRAKEN, KUCOIN, OKX, changed, written

from stresslab import venues
from stresslab.config import study_from_dict
from stresslab.errors import InputError
from stresslab.grid.plan import make_plan
from stresslab.venues.importing import imported

SEEN = datetime(2026, 9, 29, tzinfo=UTC)

COINM: Any = [
    {
        "symbol": "SOLUSD_PERP",
        "brackets": [
            {"initialLeverage": 50, "qtyFloor": 0, "qtyCap": 1_000, "maintMarginRatio": 0.01, "cum": 0},
            {"initialLeverage": 20, "qtyFloor": 1_000, "qtyCap": 2**63 - 1, "maintMarginRatio": 0.025, "cum": 15},
        ],
    }
]
KRAKEN_INVERSE: Any = {
    "result": "success",
    "serverTime": "2026-09-29T17:43:59.000Z",
    "instruments": [
        {
            "symbol": "PI_LTCUSD",
            "type": "futures_inverse",
            "contractSize": 1,
            "tickSize": 0.01,
            "tradeable": True,
            "maxPositionSize": 1_000_000,
            "marginLevels": [
                {"contracts": 0, "initialMargin": 0.02, "maintenanceMargin": 0.01},
                {"contracts": 100_000, "initialMargin": 0.04, "maintenanceMargin": 0.02},
            ],
        }
    ],
}

# venue, file, symbol; for 20,000 units at a price of 2, a notional of 40,000: requirement with the closing fee (of a
# position that is 10 times its margin), and largest leverage
BY_HAND = [
    ("binance_usdm", BINANCE, "WLDUSDT", 40_000 * 0.02 - 100, 25),
    ("binance_usdm", CCXT, "WLDUSDT", 40_000 * 0.02 - 100, 25),
    ("bybit", BYBIT, "WLDUSDT", 40_000 * 0.01 + 0.00055 * 20_000 * 2 * 0.9, 50),
    ("okx", OKX, "WLD-USDT-SWAP", 40_000 * (0.015 + 0.0005), 40),
    ("gate", GATE, "WLD_USDT", 40_000 * (0.02 + 0.00075) - 200, 25),
    ("kucoin", KUCOIN, "WLDUSDTM", 40_000 * (0.01 + 0.0006), 50),
    ("kraken", KRAKEN, "PF_WLDUSD", 40_000 * 0.025, 20),
    ("hyperliquid", HYPERLIQUID, "WLD", 40_000 * 0.1, 5),
]


@pytest.mark.parametrize(
    "venue, data, symbol, required, leverage", BY_HAND, ids=[f"{a}-{c}" for a, _, c, *_ in BY_HAND]
)
def test_a_book_of_a_file_answers_as_by_hand(
    tmp_path: Path, venue: str, data: Any, symbol: str, required: float, leverage: float
) -> None:
    found = imported(written(tmp_path, data), venue, SEEN)
    assert not found.faults
    book = found.books[symbol]
    assert book.id == f"{venue}/{symbol}" and book.contract.base == "WLD"
    assert float(book.notional(20_000, 2.0)) == pytest.approx(40_000)
    got = float(book.required("long", 2.0, 20_000, 4_000, 2.0, leverage_set=10))
    assert got == pytest.approx(required, rel=1e-12)
    assert float(book.max_leverage(book.size(20_000, 2.0))) == pytest.approx(leverage)


def test_the_day_the_source_and_what_was_taken_are_said(tmp_path: Path) -> None:
    book = imported(written(tmp_path, GATE), "gate", SEEN, "the desk's download").books["WLD_USDT"]
    assert book.valid_from == book.last_seen == SEEN
    assert book.source.startswith("the desk's download. Tiers: tiers.json, SHA-256 ") and "2026-09-29" in book.source
    assert book.unverified[0].startswith("not in tiers.json, taken from gate/BTC_USDT@2026-08-09: mark, liquidation,")
    assert any("gate/BTC_USDT may not hold then" in line and "9 days before" in line for line in book.unverified)
    assert "no figure of the venue" in book.unverified[-1]
    lent = venues.load("gate/BTC_USDT")
    assert (book.funding, book.mark, book.fees) == (lent.funding, lent.mark, lent.fees)


# liquidation prices: venue, file, symbol, what the closing fee does, and by hand for a long of 20,000 at 2 on 4,000
def test_liquidation_prices_by_hand(tmp_path: Path) -> None:
    """Equity 4,000 + 20,000 (P - 2) meets the requirement of the tier that holds 20,000 P."""

    def price(venue: str, data: Any, symbol: str, **how: Any) -> float:
        book = imported(written(tmp_path, data), venue, SEEN).books[symbol]
        return float(book.liquidation_price("long", 2.0, 20_000, 4_000, **how))

    assert price("binance_usdm", BINANCE, "WLDUSDT") == pytest.approx((36_000 - 100) / (20_000 * 0.98), rel=1e-9)
    fee = 0.00055 * 20_000 * 2 * (1 - 1 / 10)
    bybit = price("bybit", BYBIT, "WLDUSDT", leverage_set=10)
    assert bybit == pytest.approx((36_000 + fee) / (20_000 * 0.99), rel=1e-9)
    okx = price("okx", OKX, "WLD-USDT-SWAP")
    assert okx == pytest.approx(36_000 / (20_000 * (1 - 0.015 - 0.0005)), rel=1e-9)
    gate = price("gate", GATE, "WLD_USDT")
    assert gate == pytest.approx((36_000 - 200) / (20_000 * (1 - 0.02 - 0.00075)), rel=1e-9)
    kucoin = price("kucoin", KUCOIN, "WLDUSDTM")
    assert kucoin == pytest.approx(36_000 / (20_000 * (1 - 0.01 - 0.0006)), rel=1e-9)
    kraken = price("kraken", KRAKEN, "PF_WLDUSD")
    assert kraken == pytest.approx(36_000 / (20_000 * (1 - 0.025)), rel=1e-9)
    hyperliquid = price("hyperliquid", HYPERLIQUID, "WLD")
    assert hyperliquid == pytest.approx(36_000 / (20_000 * 0.9), rel=1e-9)


@pytest.mark.parametrize("floor", ["qtyFloor", "qtylFloor"])
def test_coin_margined_brackets_are_counted_in_coin(tmp_path: Path, floor: str) -> None:
    """200,000 USD at 100 are 2,000 SOL: 2,000 x 0.025 - 15 = 35 SOL. A contract of SOL is 10 USD, and the last tier
    has no end.
    """
    data = copy.deepcopy(COINM)
    for row in data[0]["brackets"]:
        row[floor] = row.pop("qtyFloor")
    book = imported(written(tmp_path, data), "binance_coinm", SEEN).books["SOLUSD_PERP"]
    assert float(book.required("long", 100.0, 200_000, 200, 100.0)) == pytest.approx(35, rel=1e-12)
    assert float(book.quantity(7)) == 70 and book.contract.settle == "SOL"
    assert float(book.max_leverage(1e12)) == 20


def test_an_older_answer_names_a_pair_and_has_no_amounts(tmp_path: Path) -> None:
    data = copy.deepcopy(COINM)
    data[0]["pair"] = data[0].pop("symbol").removesuffix("_PERP")
    for row in data[0]["brackets"]:
        del row["cum"]
    book = imported(written(tmp_path, data), "binance_coinm", SEEN).books["SOLUSD_PERP"]
    assert book.requirement.tiers[1].cum == pytest.approx(1_000 * 0.015)


def test_inverse_levels_of_kraken_are_counted_in_contracts(tmp_path: Path) -> None:
    """200,000 USD at 80: N = 2,500 LTC; 1 % up to 100,000 contracts and 2 % above is N (0.02 - 1,000 / 200,000)."""
    book = imported(written(tmp_path, KRAKEN_INVERSE), "kraken").books["PI_LTCUSD"]
    assert float(book.required("long", 80.0, 200_000, 200, 80.0)) == pytest.approx(2_500 * 0.015, rel=1e-12)
    assert book.contract.tick == 0.01 and book.requirement.max_quantity == 1_000_000
    assert book.valid_from == SEEN  # the day of the answer


def test_ccxt_counts_in_the_venues_own_unit(tmp_path: Path) -> None:
    rows = [
        {"minNotional": 0, "maxNotional": 1_000, "maintenanceMarginRate": 0.004, "maxLeverage": 100, "info": {}},
        {"minNotional": 1_000.01, "maxNotional": 5_000, "maintenanceMarginRate": 0.005, "maxLeverage": 66.66},
    ]
    book = imported(written(tmp_path, {"BTC/USDT:USDT": rows}), "okx", SEEN).books["BTC-USDT-SWAP"]
    assert book.requirement.tier_unit == "contracts" and book.contract.face == 0.01  # that of the shipped rulebook
    notional = 20 * 50_000  # 2,000 contracts
    assert float(book.required("long", 50_000, 20, 100_000, 50_000)) == pytest.approx(notional * (0.005 + 0.0005))


def test_freqtrades_file_has_the_venues_amounts(tmp_path: Path) -> None:
    data = changed(CCXT, lambda d: d["WLD/USDT:USDT"][1]["info"].update(cum="101"))
    (problem,) = imported(written(tmp_path, data), "binance_usdm", SEEN).faults.values()
    assert "WLD/USDT:USDT[1].info.cum = 101.0: must be 100" in str(problem)


@pytest.mark.parametrize(
    "venue, name, symbol, settle",
    [
        ("binance_usdm", "龙虾/USDT:USDT", "龙虾USDT", "USDT"),
        ("binance_usdm", "BTC/USD1:USD1", "BTCUSD1", "USD1"),
        ("binance_usdm", "BTC/U:U", "BTCU", "U"),
        ("bybit", "BTC/USDC:USDC", "BTCPERP", "USDC"),
    ],
)
def test_names_that_ccxt_gives_are_the_venues_own(
    tmp_path: Path, venue: str, name: str, symbol: str, settle: str
) -> None:
    rows = [{"minNotional": 0, "maxNotional": 1_000, "maintenanceMarginRate": 0.01, "maxLeverage": 50, "info": {}}]
    book = imported(written(tmp_path, {name: rows}), venue, SEEN).books[symbol]
    assert book.id == f"{venue}/{symbol}" and book.contract.settle == settle
    assert float(book.maintenance_margin(500)) == 5


@pytest.mark.parametrize(
    "venue, name, words",
    [
        ("binance_usdm", "BTC/USDT", "is a pair of the spot market, whose margin is another one"),
        ("kucoin", "BTC/USD:BTC", "the unit of such limits is not known: USD or coin"),
    ],
)
def test_what_ccxt_gives_for_other_markets_is_left_out(tmp_path: Path, venue: str, name: str, words: str) -> None:
    rows = [{"minNotional": 0, "maxNotional": 1_000, "maintenanceMarginRate": 0.01, "maxLeverage": 50, "info": {}}]
    found = imported(written(tmp_path, {name: rows}), venue, SEEN)
    assert not found.books and words in str(found.unsuited[name])


def test_amounts_are_written_as_the_venue_writes_them(tmp_path: Path) -> None:
    """50,000 x (0.0065 - 0.005) is 74.99999999999999 in floating point, and 75 at Binance."""
    data = changed(BINANCE, lambda d: d.pop())
    data[0]["brackets"] = [
        {**data[0]["brackets"][0], "notionalCap": 50_000, "maintMarginRatio": 0.005, "cum": 0},
        {**data[0]["brackets"][1], "notionalFloor": 50_000, "notionalCap": 60_000, "maintMarginRatio": 0.0065}
        | {"cum": 75},
    ]
    book = imported(written(tmp_path, data), "binance_usdm", SEEN).books["WLDUSDT"]
    assert book.requirement.tiers[1].cum == 75.0


def test_multiples_keep_the_venues_name(tmp_path: Path) -> None:
    binance = imported(written(tmp_path, BINANCE), "binance_usdm", SEEN).books["1000PEPEUSDT"]
    onchain = imported(written(tmp_path, HYPERLIQUID), "hyperliquid", SEEN).books["kSHIB"]
    assert (binance.contract.base, onchain.contract.base) == ("1000PEPE", "kSHIB")


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
    with pytest.raises(InputError, match="that of 1000PEPE, 1000 times the price of PEPE.*Write 1000PEPE as the asset"):
        make_plan(study_from_dict(study, base=tmp_path))


def test_largest_position_of_kraken(tmp_path: Path) -> None:
    book = imported(written(tmp_path, KRAKEN), "kraken", SEEN).books["PF_WLDUSD"]
    with pytest.raises(InputError, match="allows at most 500,000 in one position"):
        book.check_allowed(1.1e6, 2, quantity=600_000)
    assert [one.currency for one in book.collateral.assets] == ["USD", "BTC"]  # what the venue takes, as lent


def test_bybits_rates_in_per_cent_are_told_by_the_leverage(tmp_path: Path) -> None:
    data = copy.deepcopy(BYBIT)
    for row in data["result"]["list"]:
        for name in ("maintenanceMargin", "initialMargin"):
            row[name] = str(100 * float(row[name]))
    book = imported(written(tmp_path, data), "bybit", SEEN).books["WLDUSDT"]
    assert float(book.maintenance_margin(300_000.0)) == pytest.approx(300_000 * 0.02 - 2_000)


def test_the_stricter_of_initial_rate_and_leverage_binds(tmp_path: Path) -> None:
    """KuCoin shows 75x beside an initial rate of 1.4 %, which is 71.4x; OKX cuts 66.67x to 66.66x."""
    data = changed(KUCOIN, lambda d: d["data"][0].update(maxLeverage=75, initialMargin=0.014, maintainMargin=0.007))
    book = imported(written(tmp_path, data), "kucoin", SEEN).books["WLDUSDTM"]
    assert book.requirement.tiers[0].imr == 0.014
    assert imported(written(tmp_path, OKX), "okx", SEEN).books["WLD-USDT-SWAP"].requirement.tiers[0].imr == 0.015


def test_a_rate_of_cross_accounts_is_not_taken_from_another_contract(tmp_path: Path) -> None:
    other = imported(written(tmp_path, KUCOIN), "kucoin", SEEN).books["WLDUSDTM"]
    assert other.collateral.modes == ("isolated",) and other.cross_requirement is None
    assert any("no rate of a cross account" in line for line in other.unverified)
    data = changed(KUCOIN, lambda d: [row.update(symbol="XBTUSDTM") for row in d["data"]])
    own = imported(written(tmp_path, data), "kucoin", SEEN).books["XBTUSDTM"]
    assert own.cross_requirement == venues.load("kucoin/XBTUSDTM").cross_requirement


def test_a_contract_of_unknown_size_is_not_counted_in_contracts(tmp_path: Path) -> None:
    book = imported(written(tmp_path, GATE), "gate", SEEN).books["WLD_USDT"]
    with pytest.raises(InputError, match="gate/WLD_USDT does not say the size of a contract"):
        book.quantity(3)
    listed = written(
        tmp_path, [{"name": "WLD_USDT", "quanto_multiplier": "10", "order_price_round": "0.001"}], "c.json"
    )
    known = imported(tmp_path / "tiers.json", "gate", SEEN, instruments=listed).books["WLD_USDT"]
    assert float(known.quantity(3)) == 30 and known.contract.tick == 0.001


OKX_LIST = {"instId": "WLD-USDT-SWAP", "ctVal": "10", "ctMult": "1", "tickSz": "0.0001", "state": "live"}


def without_size(data: Any) -> Any:
    return changed(data, lambda d: [row.pop("ctVal") for row in d["data"]])


@pytest.mark.parametrize("place", ["second file", "beside", "among"])
def test_the_size_of_okx_contracts_comes_from_the_instruments(tmp_path: Path, place: str) -> None:
    """40,000 USDT at 2 are 2,000 contracts of 10 WLD, in the first tier: N (0.01 + 0.0005)."""
    data, listed = without_size(OKX), {"code": "0", "data": [OKX_LIST]}
    if place == "beside":
        data = {"tiers": data, "instruments": listed}
    if place == "among":
        data["data"].append(OKX_LIST)
    more = written(tmp_path, listed, "instruments.json") if place == "second file" else None
    book = imported(written(tmp_path, data), "okx", SEEN, instruments=more).books["WLD-USDT-SWAP"]
    assert book.contract.face == 10 and book.contract.tick == 0.0001
    assert float(book.required("long", 2.0, 20_000, 4_000, 2.0)) == pytest.approx(40_000 * 0.0105, rel=1e-12)


def test_answers_for_several_families_stand_in_one_list(tmp_path: Path) -> None:
    other = changed(OKX, lambda d: [row.update(instFamily="ARB-USDT") for row in d["data"]])
    assert set(imported(written(tmp_path, [OKX, other]), "okx", SEEN).books) == {"WLD-USDT-SWAP", "ARB-USDT-SWAP"}


def test_the_lender_is_of_the_kind_the_currency_and_the_day(tmp_path: Path) -> None:
    def lent(symbol: str, seen: datetime) -> str:
        data = changed(BINANCE, lambda d: d[0].update(symbol=symbol))
        return imported(written(tmp_path, data), "binance_usdm", seen).books[symbol].unverified[0]

    assert "binance_usdm/BTCUSDT@2025-08-19" in lent("WLDUSDT", SEEN)
    assert "binance_usdm/BTCUSDC@" in lent("WLDUSDC", SEEN)
    assert "binance_usdm/ETHUSDT@" in lent("ETHUSDT", SEEN)
    assert "binance_usdm/BTCUSDT@2025-06" in lent("WLDUSDT", datetime(2025, 7, 1, tzinfo=UTC))


UNSUITED = [
    ("binance_usdm", BINANCE, "BTCUSDT_251226", "is a dated contract"),
    ("binance_usdm", BINANCE, "ETHBTC", "is in a currency, or of a kind, that is not known"),
    ("bybit", BYBIT, "BTC-26DEC25", "is a dated contract"),
    ("bybit", BYBIT, "BTCUSDZ25", "is a dated contract"),
    ("gate", GATE, "BTC_USD", "no rulebook of a contract of the kind inverse at gate"),
    ("gate", GATE, "BTC_USDT_20261225", "is a dated contract"),
    ("kucoin", KUCOIN, "XBTMZ26", "is a dated contract"),
    ("kucoin", KUCOIN, "XBTUSDM", "the unit of such limits is not known: USD or coin"),
    ("hyperliquid", HYPERLIQUID, "xyz:GOLD", "is no name that a rulebook can have"),
    ("hyperliquid", HYPERLIQUID, "OLD", "is not traded any more"),
    ("kraken", KRAKEN, "FF_XBTUSD_261225", "is a dated contract"),
    ("okx", without_size(OKX), "WLD-USDT-SWAP", "the size of a contract is not in the file. Give --instruments"),
    ("okx", OKX, "BTC-USD_UM-SWAP", "is in a currency, or of a kind, that is not known"),
]


def renamed(data: Any, symbol: str) -> Any:
    """The first contract of a file under another symbol."""

    def rename(found: Any) -> None:
        if isinstance(found, list):
            rows = found[:1] if "brackets" in found[0] else found
            name = "symbol" if "brackets" in found[0] else "contract"
        elif "universe" in found:
            rows, name = found["universe"][:1], "name"
        elif "instruments" in found:
            rows, name = found["instruments"][1:], "symbol"
        elif "result" in found:
            rows, name = found["result"]["list"], "symbol"
        else:
            rows, name = found["data"], "symbol" if "level" in found["data"][0] else "instId"
        for row in rows:
            row[name] = symbol

    return changed(data, rename)


@pytest.mark.parametrize("venue, data, symbol, words", UNSUITED, ids=[f"{a}-{c}" for a, _, c, _ in UNSUITED])
def test_contracts_of_which_no_rulebook_can_be_made(
    tmp_path: Path, venue: str, data: Any, symbol: str, words: str
) -> None:
    data = data if symbol == "OLD" or symbol.startswith("WLD") else renamed(data, symbol)
    found = imported(written(tmp_path, data), venue, SEEN)
    assert not found.faults and words in str(found.unsuited[symbol]) and symbol not in found.books


def test_what_the_list_of_contracts_calls_closed_is_left_out(tmp_path: Path) -> None:
    listed = {"symbols": [{"symbol": "WLDUSDT", "status": "SETTLING", "filters": []}]}
    found = imported(written(tmp_path, BINANCE), "binance_usdm", SEEN, instruments=written(tmp_path, listed, "i.json"))
    assert set(found.books) == {"1000PEPEUSDT"} and "SETTLING" in str(found.unsuited["WLDUSDT"])


def test_brackets_of_one_account_are_called_so(tmp_path: Path) -> None:
    book = imported(written(tmp_path, BINANCE), "binance_usdm", SEEN).books["WLDUSDT"]
    assert any("notionalCoef 1.5" in line for line in book.unverified)


def test_pages_of_an_answer_are_joined(tmp_path: Path) -> None:
    """The first names a next one, the last does not."""
    first = changed(BYBIT, lambda d: d["result"].update(nextPageCursor="abc"))
    last = changed(BYBIT, lambda d: [row.update(symbol="ARBUSDT") for row in d["result"]["list"]])
    found = imported(written(tmp_path, [first, last]), "bybit", SEEN)
    assert set(found.books) == {"WLDUSDT", "ARBUSDT"} and not found.faults
    with pytest.raises(InputError, match="nextPageCursor = 'abc'"):
        imported(written(tmp_path, [last, first]), "bybit", SEEN)
