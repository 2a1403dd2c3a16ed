"""Recorded positions recomputed: the collected ones, small ones worked by hand, wrong files, and doctored figures."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from helpers.command import call

from stresslab.errors import InputError
from stresslab.files.position_table import read_positions
from stresslab.venues.recomputed import Compared, compare
from stresslab.venues.recorded_rules import Shelf
from stresslab.venues.symbols import own_symbol


def compared(path: Path, venue: str | None = None) -> dict[tuple[str, str], Compared]:
    return {(one.row.name, one.figure): one for one in compare(read_positions(path), Shelf(venue))}


def test_every_collected_position_agrees(shared: Path) -> None:
    found = compared(shared / "venues" / "positions.json")
    assert len({name for name, _ in found}) == 22 and len(found) == 40
    assert [(*key, one.recorded, one.computed) for key, one in found.items() if not one.agrees] == []


@pytest.mark.parametrize("factor", [1.001, 0.999])
def test_a_doctored_figure_is_seen_in_each_of_them(shared: Path, tmp_path: Path, factor: float) -> None:
    """By a thousandth: all but the figures that are recorded to fewer digits."""
    data = json.loads((shared / "venues" / "positions.json").read_text())
    for row in data["positions"]:
        row["expected"] = {name: value and value * factor for name, value in row["expected"].items()}
    (tmp_path / "doctored.json").write_text(json.dumps(data))
    found = compared(tmp_path / "doctored.json")
    assert [key for key, one in found.items() if one.agrees] == []


# made-up positions of the same kinds; figures by hand
BINANCE = {  # long 2 BTC at 50,000, margin 10,000: P = (10,000 + 50 - 100,000) / (2 x 0.005 - 2), tier 2 of 2024-10
    **{"id": "A", "venue": "binance_usdm/BTCUSDT", "time": "2024-10-24", "margin_mode": "isolated", "side": "long"},
    **{"quantity": 2.0, "quantity_unit": "base", "entry_price": 50_000.0, "mark_price": 51_000.0, "margin": 10_000.0},
    **{"leverage_set": 10, "maintenance_margin": 102_000 * 0.005 - 50, "initial_margin": 10_200.0},
    **{"liquidation_price": 89_950 / 1.99, "bankruptcy_price": 45_000.0},
}
OKX = {  # short 300 contracts of 0.01 BTC, margin 20,000: 0.4 % and the taker fee on the notional at the trigger
    **{"id": "B", "venue": "okx/BTC-USDT-SWAP", "time": "2026-09-20", "margin_mode": "isolated", "side": "short"},
    **{"quantity": 300, "contract_size": 0.01, "quantity_unit": "contracts", "entry_price": 60_000.0},
    **{"mark_price": 61_000.0, "margin": 20_000.0, "maintenance_margin": 183_000 * 0.004},
    **{"liquidation_price": 200_000 / (3 * 1.0045), "margin_ratio": 17_000 / (183_000 * 0.0045)},
}
BYBIT = {  # cross short 1 BTC at 60,000, 20x: the fee at 63,000, whatever the wallet
    **{"id": "C", "venue": "bybit/BTCUSDT", "time": "2026-09-25", "margin_mode": "cross", "side": "short"},
    **{"quantity": 1.0, "entry_price": 60_000.0, "mark_price": 58_000.0, "leverage_set": 20, "wallet": 50_000.0},
    **{"maintenance_margin": 58_000 * 0.0033 + 0.00055 * 63_000, "initial_margin": 2_900 + 0.00055 * 63_000},
    **{"liquidation_price": (110_000 - 0.00055 * 63_000) / 1.0033},
}
COIN = {  # inverse: long 100,000 USD at 50,000 on 0.5 BTC: P = Q 1.004 / (0.5 + 2)
    **{"id": "D", "venue": "binance_coinm/BTCUSD_PERP", "time": "2021-08-01", "margin_mode": "isolated"},
    **{"side": "long", "contract": "inverse", "quantity": 1000, "contract_size": 100, "quantity_unit": "contracts"},
    **{"entry_price": 50_000.0, "mark_price": 50_000.0, "margin": 0.5, "liquidation_price": 100_400 / 2.5},
}
BY_HAND = [BINANCE, OKX, BYBIT, COIN]


def written(folder: Path, rows: list[dict[str, Any]], suffix: str) -> Path:
    path = folder / f"positions{suffix}"
    if suffix == ".json":
        path.write_text(json.dumps({"positions": rows}))
    elif suffix == ".csv":
        pd.DataFrame(rows).to_csv(path, index=False)
    else:
        pd.DataFrame(rows).to_parquet(path)
    return path


@pytest.mark.parametrize("suffix", [".json", ".csv", ".parquet"])
def test_positions_worked_by_hand_agree_in_every_layout(tmp_path: Path, suffix: str) -> None:
    found = compare(read_positions(written(tmp_path, BY_HAND, suffix)))
    assert len(found) == 4 + 3 + 3 + 1
    for one in found:
        assert one.error is not None and one.error < 1e-12, (one.row.name, one.figure, one.recorded, one.computed)


def test_the_other_positions_of_an_account_are_counted(tmp_path: Path) -> None:
    """A long of 2 BTC at 50,000 and a short of 10 ETH at 2,600 on 9,000 USDT, the wallet in one of the rows.

    At the mark of 2,500 the short has made 1,000 and requires 25,000 x 0.004 = 100 (tier 1 of ETHUSDT, 2024-10).
    """
    shared = {"account": "desk", "time": "2024-11-01", "margin_mode": "cross"}
    long = {**shared, "id": "L", "venue": "binance_usdm/BTCUSDT", "side": "long", "quantity": 2.0}
    long |= {"entry_price": 50_000.0, "mark_price": 51_000.0}
    long["liquidation_price"] = (100_000 - 9_000 - 1_000 + 100 - 50) / (2 * 0.995)
    short = {**shared, "id": "S", "venue": "binance_usdm/ETHUSDT", "side": "short", "quantity": 10.0}
    short |= {"entry_price": 2_600.0, "mark_price": 2_500.0, "wallet": 9_000.0}
    (one,) = compare(read_positions(written(tmp_path, [long, short], ".json")))
    assert one.agrees and one.error is not None and one.error < 1e-12
    elsewhere = short | {"account": "other desk"}
    alone = compare(read_positions(written(tmp_path, [long | {"wallet": 9_000.0}, elsewhere], ".json")))[0]
    assert not alone.agrees
    two_wallets = written(tmp_path, [long | {"wallet": 8_000.0}, short], ".json")
    assert "its rows say 8000.0 and 9000.0" in compare(read_positions(two_wallets))[0].missing


def test_both_legs_of_hedge_mode_have_one_price(tmp_path: Path) -> None:
    """Long 3 at 50,000 and short 1 at 52,000 on 9,000 USDT, tier 2 of 2024-10 on the long and tier 1 on the short.

    9,000 + 3 (P - 50,000) + (52,000 - P) = 3 x 0.005 P - 50 + 0.004 P: both legs move with the price.
    """
    price = (150_000 - 52_000 - 9_000 - 50) / (2 - 0.019)
    shared = {"account": "desk", "venue": "binance_usdm/BTCUSDT", "time": "2024-11-01", "margin_mode": "cross"}
    shared |= {"mark_price": 51_000.0, "wallet": 9_000.0, "liquidation_price": price}
    legs = [
        {**shared, "id": "L", "side": "long", "quantity": 3.0, "entry_price": 50_000.0},
        {**shared, "id": "S", "side": "short", "quantity": 1.0, "entry_price": 52_000.0},
    ]
    found = compare(read_positions(written(tmp_path, legs, ".json")))
    assert [one.agrees for one in found] == [True, True]
    assert all(one.error is not None and one.error < 1e-12 for one in found)


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"time": "2025-07-01"}, "the edition of 2024-08-01"),
        ({"maintenance_margin": 100_000 * 0.005 - 50}, "a requirement on the entry notional"),
        ({"maintenance_margin": 102_000 * 0.0055 - 50}, None),
    ],
)
def test_a_figure_that_differs_points_to_its_rule(tmp_path: Path, changes: dict[str, Any], words: str | None) -> None:
    found = compared(written(tmp_path, [BINANCE | changes], ".json"))
    one = found["A", "maintenance_margin"]
    assert not one.agrees
    assert one.points_to == () if words is None else words in one.points_to


def test_bybits_fee_is_pointed_to(tmp_path: Path) -> None:
    plain = BYBIT | {"maintenance_margin": 58_000 * 0.0033}
    assert (
        "no closing fee in the requirement"
        in compared(written(tmp_path, [plain], ".json"))["C", "maintenance_margin"].points_to
    )


def test_a_symbol_without_a_rulebook_needs_its_own_tier(tmp_path: Path) -> None:
    """WLDUSDT: 0.75 % of 1,000 at 0.5, and the fee at the bankruptcy price of 10x."""
    row = {"id": "E", "venue": "bybit/WLDUSDT", "time": "2026-09-25", "side": "long", "quantity": 1000.0}
    row |= {"entry_price": 0.5, "mark_price": 0.5, "leverage_set": 10}
    row |= {"maintenance_margin": 500 * 0.0075 + 0.00055 * 450}
    (one,) = compare(read_positions(written(tmp_path, [row], ".json")))
    assert one.computed is None and not one.agrees
    assert "E.symbol = 'bybit/WLDUSDT': has no rulebook. Name its tier in the columns tier_rate" in one.missing
    (one,) = compare(read_positions(written(tmp_path, [row | {"tier_rate": 0.0075}], ".json")))
    assert one.agrees and one.rules and "tier of the record" in one.rules.words


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"quantity": "many"}, r"positions\[0\].quantity = 'many': must be a finite number"),
        ({"quantity": None}, r"positions\[0\].quantity = None: this column is required and is missing"),
        ({"quantity": 0}, r"positions\[0\].quantity = 0.0: must not be 0"),
        ({"quantity": -2.0}, r"quantity = -2.0: is negative, which says short, and the side is long"),
        ({"quantity": True}, r"positions\[0\].quantity = True: must be a finite number"),
        ({"side": "up"}, r"positions\[0\].side = 'up': must be long or short"),
        ({"entry_price": -1}, r"positions\[0\].entry_price = -1: must be above 0"),
        ({"mark_price": float("inf")}, r"positions\[0\].mark_price = inf: must be a finite number"),
        ({"time": "yesterday"}, r"positions\[0\].time = 'yesterday': must be a time"),
        ({"margin_mode": "both"}, r"positions\[0\].margin_mode = 'both': must be one of isolated, cross"),
        ({"quantity_unit": "contracts"}, r"positions\[0\].contract_size: is needed"),
        ({"entry_prize": 1.0}, r"positions\[0\].entry_prize: there is no such column. Did you mean 'entry_price'"),
        ({"venue": "binance"}, r"A.venue = 'binance': is no venue that"),
    ],
)
def test_a_wrong_row_is_refused_with_its_place(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        compare(read_positions(written(tmp_path, [BINANCE | changes], ".json")))


def test_all_wrong_rows_are_told_at_once(tmp_path: Path) -> None:
    rows = [BINANCE | {"side": "up"}, BINANCE, BINANCE | {"quantity": 0}]
    with pytest.raises(InputError, match=r"positions\[0\].side(.|\n)*positions\[2\].quantity"):
        read_positions(written(tmp_path, rows, ".json"))


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", '{"positions": 3}', "[]"])
def test_a_file_that_holds_no_positions_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "none.json").write_text(text)
    with pytest.raises(InputError, match=r"none\.json"):
        read_positions(tmp_path / "none.json")


@pytest.mark.parametrize(
    "venue, symbol, own",
    [
        ("binance_usdm", "BTC/USDT:USDT", "BTCUSDT"),
        ("binance_usdm", "1000PEPE/USDT:USDT", "1000PEPEUSDT"),
        ("binance_coinm", "BTC/USD:BTC", "BTCUSD_PERP"),
        ("okx", "BTC/USDT:USDT", "BTC-USDT-SWAP"),
        ("bybit", "BTC/USDT:USDT", "BTCUSDT"),
        ("bybit", "BTC/USDC:USDC", "BTCPERP"),
        ("bybit", "BTC/USD:BTC", "BTCUSD"),
        ("kucoin", "BTC/USDT:USDT", "XBTUSDTM"),
        ("kraken", "BTC/USD:BTC", "PI_XBTUSD"),
        ("kraken", "ETH/USD:USD", "PF_ETHUSD"),
        ("hyperliquid", "BTC/USDC:USDC", "BTC"),
        ("deribit", "BTC/USD:BTC", "BTC-PERPETUAL"),
        ("bitmex", "XBTUSD", "XBTUSD"),
    ],
)
def test_symbols_of_ccxt(venue: str, symbol: str, own: str) -> None:
    assert own_symbol(venue, symbol) == own


def test_the_command_and_its_exit_codes(tmp_path: Path) -> None:
    good = call("venues", "check", str(written(tmp_path, BY_HAND, ".json")))
    assert good.code == 0 and "4 of 4 positions agree (11 of 11 figures)" in good.out
    wrong = call("venues", "check", str(written(tmp_path, [BINANCE, BYBIT | {"initial_margin": 2_900.0}], ".json")))
    assert wrong.code == 3
    assert "C, initial_margin: agrees with no closing fee in the requirement" in wrong.out
    assert "1 of 2 positions agree (6 of 7 figures)" in wrong.out
    bad = call("venues", "check", str(tmp_path / "missing.json"))
    assert bad.code == 2 and "there is no such file" in bad.error


def test_a_position_without_figures_is_said(tmp_path: Path) -> None:
    silent = {key: value for key, value in COIN.items() if key != "liquidation_price"}
    told = call("venues", "check", str(written(tmp_path, [silent, OKX], ".json")))
    assert told.code == 0 and "D: nothing recorded to compare" in told.out
