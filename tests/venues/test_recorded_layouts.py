"""The layouts of recorded positions: ccxt's, a firm's table, numbers and times as they are written, and damage."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from helpers.command import call

from stresslab.errors import InputError
from stresslab.files.position_row import Row, half_unit
from stresslab.files.position_table import read_positions
from stresslab.venues.recomputed import compare
from stresslab.venues.recorded_rules import Shelf

AT = datetime(2024, 10, 24, tzinfo=UTC)

# long 2 BTC at 50,000, margin 10,000: P = (10,000 + 50 - 100,000) / (2 x 0.005 - 2), tier 2 of 2024-10; opened in 2021
BINANCE = {
    **{"symbol": "BTC/USDT:USDT", "side": "long", "contracts": 2.0, "contractSize": 1.0, "entryPrice": 50_000.0},
    **{"markPrice": 51_000.0, "leverage": 10, "collateral": 12_000.0, "marginMode": "isolated", "notional": 102_000.0},
    **{"positionMargin": 10_000.0, "unrealizedPnl": 2_000.0, "marginRatio": 0.0425, "percentage": 20.0},
    **{"maintenanceMargin": 510.0, "initialMargin": 10_200.0, "liquidationPrice": 89_950 / 1.99, "id": None},
    **{"timestamp": 1_620_000_000_000, "datetime": "2021-05-03T00:00:00.000Z", "hedged": False, "stopLossPrice": None},
    "info": {"maintMargin": "460.0", "positionInitialMargin": "10200.0", "isolatedWallet": "10000"}
    | {"liquidationPrice": "45201.00502513"},
}
# OKX: short 300 x 0.01 BTC at 60,000 on 20,000; 0.4 % and 0.05 % at the trigger; its initial margin is the margin
OKX = {
    **{"symbol": "BTC/USDT:USDT", "side": "short", "contracts": 300.0, "contractSize": 0.01, "entryPrice": 60_000.0},
    **{"markPrice": 61_000.0, "leverage": 9, "collateral": 17_000.0, "marginMode": "isolated", "notional": 183_000.0},
    **{"maintenanceMargin": 732.0, "initialMargin": 20_000.0, "liquidationPrice": 66368.0106189},
    "info": {"mgnMode": "isolated", "margin": "20000", "mmr": "732", "imr": "", "liqPx": "66368.0106189"},
}
# Hyperliquid: long 0.1 BTC at 60,000 on 600: P = (6,000 - 600) / (0.1 x 0.9875); ccxt takes the requirement from P
HYPERLIQUID = {
    **{"symbol": "BTC/USDC:USDC", "side": "long", "contracts": 0.1, "contractSize": None, "entryPrice": 60_000.0},
    **{"markPrice": 61_000.0, "leverage": 10, "collateral": 700.0, "marginMode": "isolated", "notional": 6_100.0},
    **{"maintenanceMargin": 68.354430, "initialMargin": 600.0, "liquidationPrice": 5_400 / 0.09875},
    "unrealizedPnl": 100.0,
    "info": {"type": "oneWay", "position": {"szi": "0.1", "marginUsed": "700.0", "liquidationPx": "54683.544304"}},
}
# Deribit: its contracts are USD although its contract is 10 USD
DERIBIT = {
    **{"symbol": "BTC/USD:BTC", "side": "long", "contracts": 50_000.0, "contractSize": 10.0, "entryPrice": 50_000.0},
    **{"markPrice": 50_000.0, "leverage": 50, "collateral": None, "marginMode": None, "notional": 1.0},
    **{"maintenanceMargin": 0.01, "info": {"maintenance_margin": 0.01}},
}


def read(folder: Path, rows: Any, notes: list[str] | None = None, name: str = "p.json") -> list[Row]:
    (folder / name).write_text(rows if isinstance(rows, str) else json.dumps(rows))
    return read_positions(folder / name, notes)


@pytest.mark.parametrize(
    "venue, row, figures",
    [
        ("binance_usdm", BINANCE, ["maintenance_margin", "initial_margin", "liquidation_price"]),
        ("okx", OKX, ["maintenance_margin", "liquidation_price"]),
        ("hyperliquid", HYPERLIQUID, ["liquidation_price"]),
    ],
)
def test_figures_of_ccxt_are_the_venues(tmp_path: Path, venue: str, row: dict[str, Any], figures: list[str]) -> None:
    """Binance's maintenance amount, which ccxt leaves out, is in its own figure."""
    rows = [one._replace(time=AT if venue == "binance_usdm" else None) for one in read(tmp_path, [row])]
    found = compare(rows, Shelf(venue))
    assert [one.figure for one in found] == figures
    assert [(one.figure, one.recorded, one.computed) for one in found if not one.agrees] == []
    assert all(one.error is not None and one.error < 1e-8 for one in found)


def test_what_is_left_out_is_said(tmp_path: Path) -> None:
    notes: list[str] = []
    rows = read(tmp_path, [OKX, HYPERLIQUID, BINANCE | {"contracts": 0.0, "side": None}], notes)
    assert len(rows) == 2
    assert notes[0].startswith("row 1: its initialMargin is ccxt's own")
    assert notes[1].startswith("row 2: its maintenanceMargin is ccxt's own")
    assert notes[2].startswith("row 2: its initialMargin is the margin posted")
    assert notes[3] == "row 3: 0 contracts, no position"


def test_the_time_of_ccxt_is_that_of_the_opening(tmp_path: Path) -> None:
    """Two years later another table is in force: the record is of today unless the user says otherwise."""
    (row,) = read(tmp_path, [BINANCE])
    assert row.time is None
    found = call("venues", "check", str(tmp_path / "p.json"), "--venue", "binance_usdm", "--at", "2024-10-24")
    assert found.code == 0 and "1 of 1 positions agree (3 of 3 figures)" in found.out
    now = call("venues", "check", str(tmp_path / "p.json"), "--venue", "binance_usdm")
    assert now.code == 3 and "with the edition of 2024-08-01" in now.out


@pytest.mark.parametrize("value", [10**400, "many", True, [1.0]])
@pytest.mark.parametrize("key", ["contracts", "contractSize", "entryPrice", "liquidationPrice"])
def test_damage_to_ccxt_is_refused(tmp_path: Path, key: str, value: Any) -> None:
    with pytest.raises(InputError, match=r"p\.json: positions\[0\]\."):
        read(tmp_path, [BINANCE | {key: value, "info": {}}])


def test_contracts_of_deribit_are_dollars(tmp_path: Path) -> None:
    (row,) = read(tmp_path, [DERIBIT])
    assert row.amount == 50_000.0 and row.contract == "inverse" and row.margin_mode == "cross"
    with pytest.raises(InputError, match=r"contractSize = 10.0: and contracts, 50000, do not give the notional, 7"):
        read(tmp_path, [DERIBIT | {"notional": 7.0}])


@pytest.mark.parametrize("key", ["leverage", "liquidationPrice", "markPrice"])
def test_a_zero_of_ccxt_means_none(tmp_path: Path, key: str) -> None:
    """Gate's leverage of a cross position, a price that does not exist."""
    (row,) = read(tmp_path, [BINANCE | {key: 0.0, "notional": None}])
    assert {"leverage": row.leverage_set, "markPrice": row.mark_price}.get(key) is None
    assert ("liquidation_price" in row.expected) == (key != "liquidationPrice")


def test_a_cross_account_of_ccxt_needs_its_wallet(tmp_path: Path) -> None:
    """Long 2 BTC at 50,000 and a short of 10 ETH at 2,600 on 9,000, as in `test_recorded_positions`."""
    bare = {"contractSize": 1.0, "marginMode": "cross", "collateral": 1.0, "leverage": 10, "info": {}}
    price = (100_000 - 9_000 - 1_000 + 100 - 50) / (2 * 0.995)
    long = bare | {"symbol": "BTC/USDT:USDT", "side": "long", "contracts": 2.0, "entryPrice": 50_000.0}
    long |= {"markPrice": 51_000.0, "liquidationPrice": price}
    short = bare | {"symbol": "ETH/USDT:USDT", "side": "short", "contracts": 10.0, "entryPrice": 2_600.0}
    read(tmp_path, [long, short | {"markPrice": 2_500.0}])
    words = ["venues", "check", str(tmp_path / "p.json"), "--venue", "binance_usdm", "--at", "2024-11-01"]
    without = call(*words)
    assert without.code == 3 and "not recomputed: it needs the account's wallet (without PnL)" in without.out
    found = call(*words, "--wallet", "9000")
    assert found.code == 0 and "1 of 1 positions agree (1 of 1 figures)" in found.out
    assert "row 2: nothing recorded to compare" in found.out


def test_ccxt_as_a_table(tmp_path: Path) -> None:
    """Columns that are ccxt's own are passed over; a position without a contract size is one of ccxt too."""
    pd.DataFrame([{**BINANCE, "info": None}, {**HYPERLIQUID, "info": None}]).to_csv(tmp_path / "p.csv", index=False)
    binance, hyperliquid = read_positions(tmp_path / "p.csv")
    assert binance.margin == 10_000.0 and binance.leverage_set == 10 and binance.amount == 2.0
    assert hyperliquid.amount == 0.1 and hyperliquid.margin_with_pnl == 700.0


FIRM = """account,venue,symbol,Side,Quantity,entry price,margin_mode,collateral,margin,leverage,leverage_set,stop,trader
alpha,binance_usdm,BTCUSDT,BUY,2,"50,000.50",cross,"12,000",,8.3,10,47000,Ann
alpha,binance_usdm,ETHUSDT,BOTH,-3,2500,cross,"12,000",,,10,,Bob
beta,okx,BTC-USDT-SWAP,sell,1.5,60000,isolated,,9000,,,66000,
"""


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".feather"])
def test_the_accounts_of_a_firm(tmp_path: Path, suffix: str) -> None:
    """Names in any case, further columns as tags, the collateral of a cross account as its wallet."""
    path = tmp_path / f"firm{suffix}"
    (tmp_path / "firm.csv").write_text(FIRM)
    table = pd.read_csv(tmp_path / "firm.csv")
    if suffix == ".parquet":
        table.to_parquet(path)
    elif suffix == ".feather":
        table.to_feather(path)
    one, two, three = read_positions(path)
    assert (one.account, one.side, one.amount, one.entry_price) == ("alpha", "long", 2.0, 50_000.5)
    assert (one.wallet, one.leverage, one.leverage_set, one.stop) == (12_000.0, 8.3, 10.0, 47_000.0)
    assert one.tags == {"trader": "Ann"} and two.tags == {"trader": "Bob"} and three.tags == {}
    assert (two.side, two.amount, two.stop) == ("short", 3.0, None)
    assert (three.margin_mode, three.margin, three.wallet) == ("isolated", 9_000.0, None)
    assert three.name == ("row 4" if suffix == ".csv" else "row 3")


HEAD = "id,venue,symbol,side,quantity,entry_price,margin_mode,time"
GOOD = "a,binance_usdm,BTCUSDT,long,2,50000.5,isolated,2024-10-24"


@pytest.mark.parametrize(
    "row, words",
    [
        ("a,v,B,long,many,1,,", "row 2, quantity = 'many': must be a finite number"),
        ("a,v,B,long,,1,,", "row 2, quantity = None: this column is required"),
        ("a,v,B,long,0,1,,", "row 2, quantity = 0.0: must not be 0"),
        ("a,v,B,long,-2,1,,", "row 2, quantity = -2.0: is negative, which says short"),
        ("a,v,B,,2,1,,", "row 2, side = None: must be long or short. Write BOTH where the sign"),
        ("a,v,B,up,2,1,,", "row 2, side = 'up': must be long or short"),
        ("a,v,B,long,2,-1,,", "row 2, entry_price = '-1': must be above 0"),
        ("a,v,B,long,2,0,,", "row 2, entry_price = '0': must be above 0"),
        ("a,v,B,long,2,inf,,", "row 2, entry_price = 'inf': must be a finite number"),
        ("a,v,B,long,2,1,both,", "row 2, margin_mode = 'both': must be one of isolated, cross, portfolio"),
        ("a,v,B,long,2,1,,yesterday", "row 2, time = 'yesterday': must be a time in ISO 8601"),
        ("a,v,B,long,2,1,,20241024", "row 2, time = '20241024': counts neither seconds"),
        ("a,v,B,long,2,1,,1e308", "row 2, time = '1e308': counts neither seconds"),
        ("a,v,B,long,2,1,,-1729771200", "row 2, time = '-1729771200': counts neither seconds"),
        ("a,v,B,long,2,1,,2024-10-24 12:00", "row 2, time = '2024-10-24 12:00': has no time zone"),
    ],
)
def test_a_wrong_row_of_a_table_is_refused_with_row_and_column(tmp_path: Path, row: str, words: str) -> None:
    with pytest.raises(InputError) as refused:
        read(tmp_path, f"{HEAD}\n{row}\n", name="p.csv")
    assert words in str(refused.value) and "p.csv: " in str(refused.value)


@pytest.mark.parametrize(
    "head, words",
    [
        ("id,entry_prise", "column entry_prise: there is no such column. Did you mean 'entry_price'"),
        ("id,margin_with_pnls", "column margin_with_pnls: there is no such column. Did you mean 'margin_with_pnl'"),
        ("Entry Price,entry_price", "column Entry Price: is there twice"),
    ],
)
def test_a_misspelt_column_is_no_tag(tmp_path: Path, head: str, words: str) -> None:
    with pytest.raises(InputError) as refused:
        read(tmp_path, f"side,quantity,{head}\nlong,1,1,2\nlong,2,1,2\n", name="p.csv")
    assert words in str(refused.value)


def test_all_faults_of_a_row_and_of_all_rows_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        read(tmp_path, f"{HEAD}\n{GOOD}\nb,v,B,up,many,1,,\nc,v,B,long,2,-1,,\n", name="p.csv")
    text = str(refused.value)
    assert "row 3, side" not in text  # the side is judged with the quantity
    assert "row 3, quantity = 'many'" in text and "row 4, entry_price = '-1'" in text
    with pytest.raises(InputError) as refused:
        read(tmp_path, f"{HEAD}\nb,v,B,long,many,-1,both,never\n", name="p.csv")
    for column in ("quantity", "entry_price", "margin_mode", "time"):
        assert f"row 2, {column}" in str(refused.value)


def test_rows_that_are_there_twice(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="row 4: repeats row 2. Remove one of the two"):
        read(tmp_path, f"{HEAD}\n{GOOD}\n{GOOD.replace('a,', 'b,')}\n{GOOD}\n", name="p.csv")
    with pytest.raises(InputError, match="id = 'a': two positions have this id"):
        read(tmp_path, f"{HEAD}\n{GOOD}\n{GOOD.replace(',2,', ',3,')}\n", name="p.csv")


@pytest.mark.parametrize(
    "text, wanted",
    [("2024-10-24T12:00:00Z", 12), ("2024-10-24T14:00:00+02:00", 12), ("2024-10-24", 0)]
    + [(str(1_729_771_200 * factor), 12) for factor in (1, 1_000, 1_000_000, 1_000_000_000)],
)
def test_times(tmp_path: Path, text: str, wanted: int) -> None:
    """Seconds, milli-, micro- and nanoseconds since 1970 are told by their size."""
    (row,) = read(tmp_path, f"{HEAD}\n{GOOD.replace('2024-10-24', text)}\n", name="p.csv")
    assert row.time == datetime(2024, 10, 24, wanted, tzinfo=UTC)


def test_a_comma_that_may_be_either_is_refused_with_the_option(tmp_path: Path) -> None:
    text = "side;quantity;entry_price;mark_price\nlong;1;60,123;61,456\n"
    with pytest.raises(InputError, match="--decimal point or --decimal comma"):
        read(tmp_path, text, name="p.csv")
    told = call("venues", "check", str(tmp_path / "p.csv"), "--decimal", "comma", "--venue", "okx")
    assert "symbol: this column is required" in told.error and told.code == 2


@pytest.mark.parametrize(
    "written, half",
    [("5930.78", 0.005), ("5930.80", 0.005), ("460", 0.5), ("1.5e-05", 5e-7), ("12.5%", 5e-4), ("1,234.5", 0.05)],
)
def test_half_a_unit_of_the_last_digit(written: str, half: float) -> None:
    assert half_unit(written, "point") == pytest.approx(half, rel=1e-12)


@pytest.mark.parametrize("recorded, agrees", [("45201.0", True), ("45205.5", True), ("45206", True), ("45207", False)])
def test_the_tolerance_is_a_ten_thousandth_and_half_a_digit(tmp_path: Path, recorded: str, agrees: bool) -> None:
    """45,201.005 by hand; 4.52 is a ten-thousandth of it. The digits are those of the file, also in JSON."""
    row = {"id": "a", "venue": "binance_usdm/BTCUSDT", "time": "2024-10-24", "margin_mode": "isolated", "side": "long"}
    row |= {"quantity": 2, "entry_price": 50_000, "margin": 10_000, "liquidation_price": "PRICE"}
    text = json.dumps({"positions": [row]}).replace('"PRICE"', recorded)
    (one,) = compare(read(tmp_path, text))
    assert one.agrees is agrees
    strict = call("venues", "check", str(tmp_path / "p.json"), "--tolerance", "1e-6")
    assert strict.code == (0 if recorded == "45201.0" else 3)
