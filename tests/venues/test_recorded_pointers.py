"""A recorded figure that differs points to the rule that made it, and what a figure lacks is named."""

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.command import call

from stresslab.errors import InputError
from stresslab.files.position_table import read_positions
from stresslab.venues import load
from stresslab.venues.recomputed import Compared, compare
from stresslab.venues.recorded_rules import Shelf

# long 2 BTC at 50,000, margin 10,000, tier 2 of 2024-10 (0.5 %, deduction 50)
BINANCE = {
    **{"id": "A", "venue": "binance_usdm/BTCUSDT", "time": "2024-10-24", "margin_mode": "isolated", "side": "long"},
    **{"quantity": 2.0, "entry_price": 50_000.0, "mark_price": 51_000.0, "margin": 10_000.0, "leverage_set": 10},
}
# short 3 BTC at 60,000, margin 20,000: 0.4 % and the taker fee of 0.05 % on the notional
OKX = {
    **{"id": "B", "venue": "okx/BTC-USDT-SWAP", "time": "2026-09-20", "margin_mode": "isolated", "side": "short"},
    **{"quantity": 3.0, "entry_price": 60_000.0, "mark_price": 61_000.0, "margin": 20_000.0},
}
# cross short 1 BTC at 60,000, 20x: the fee at 63,000
BYBIT = {
    **{"id": "C", "venue": "bybit/BTCUSDT", "time": "2026-09-25", "margin_mode": "cross", "side": "short"},
    **{"quantity": 1.0, "entry_price": 60_000.0, "mark_price": 58_000.0, "leverage_set": 20, "wallet": 50_000.0},
}
# frozen at entry: 10,000 USD at 50,000, 10x, funding 0.02 % against it
BITMEX = {
    **{"id": "D", "venue": "bitmex/XBTUSD", "time": "2024-11-25", "margin_mode": "isolated", "side": "long"},
    **{"contract": "inverse", "quantity": 10_000.0, "entry_price": 50_000.0, "mark_price": 50_000.0},
    **{"margin": 0.02, "leverage_set": 10, "funding_rate": 2e-4},
}


def compared(folder: Path, *rows: dict[str, Any], shelf: Shelf = Shelf()) -> list[Compared]:  # noqa: B008
    (folder / "p.json").write_text(json.dumps({"positions": list(rows)}))
    return compare(read_positions(folder / "p.json"), shelf)


@pytest.mark.parametrize(
    "row, figure, words",
    [
        (BINANCE, {"maintenance_margin": 102_000 * 0.005}, "the rate of the tier alone, without its deduction"),
        (BINANCE, {"maintenance_margin": 100_000 * 0.005 - 50}, "a requirement on the entry notional"),
        # the margin of 10,000 has the PnL of 2,000 in it: P = (8,000 + 50 - 100,000) / -1.99
        (BINANCE, {"liquidation_price": 91_950 / 1.99}, "the margin taken as one with the PnL in it"),
        (OKX, {"liquidation_price": 200_000 / (3 * 1.0042)}, "a taker fee of 0.02 %"),
        (OKX, {"liquidation_price": 200_000 / (3 * 1.004)}, "no closing fee in the requirement"),
        (BYBIT, {"maintenance_margin": 58_000 * 0.0033 + 0.0006 * 63_000}, "a taker fee of 0.06 %"),
        (BYBIT, {"maintenance_margin": 58_000 * 0.0033}, "no closing fee in the requirement"),
        (BYBIT, {"maintenance_margin": 60_000 * 0.0033 + 0.00055 * 63_000}, "a requirement on the entry notional"),
        (BITMEX, {"maintenance_margin": 0.2 * 0.005 + 0.00075 * 0.22}, "no funding in the requirement"),
        (
            BITMEX | {"closing_fee": 2e-4},
            {"maintenance_margin": 0.2 * 0.0052 + 0.00075 * 0.22},
            "the closing fee by the rule, not the recorded one",
        ),
    ],
)
def test_the_rule_that_made_a_figure_is_named(
    tmp_path: Path, row: dict[str, Any], figure: dict[str, float], words: str
) -> None:
    (one,) = compared(tmp_path, row | figure)
    assert not one.agrees and words in one.points_to
    (told,) = [line for line in call("venues", "check", str(tmp_path / "p.json")).out.splitlines() if "with " in line]
    assert words in told


def test_the_position_alone_is_pointed_to(tmp_path: Path) -> None:
    """A price without the other position of the account: 0.5 % less 50 of 2 BTC at the trigger."""
    cross = {"account": "desk", "margin_mode": "cross", "margin": None, "wallet": 10_000.0}
    long = BINANCE | cross | {"liquidation_price": (100_000 - 10_000 - 50) / 1.99}
    other = {"id": "O", "venue": "binance_usdm/ETHUSDT", "entry_price": 2_000.0, "mark_price": 2_500.0}
    (one,) = compared(tmp_path, long, BINANCE | cross | other)
    assert "the position alone, without the rest of its account" in one.points_to


@pytest.mark.parametrize("figure", ["maintenance_margin", "liquidation_price", "margin_ratio", "initial_margin"])
def test_a_figure_by_no_rule_is_said_to_be_none(tmp_path: Path, figure: str) -> None:
    (one,) = compared(tmp_path, BINANCE | {figure: 12_345.678})
    assert one.computed is not None and one.points_to == ()
    assert "no rule that was tried gives the recorded figure" in call("venues", "check", str(tmp_path / "p.json")).out


@pytest.mark.parametrize(
    "row, words",
    [
        (BYBIT | {"leverage_set": None, "maintenance_margin": 226.0}, "leverage_set, which decides its closing fee"),
        (BYBIT | {"wallet": None, "liquidation_price": 1.0}, "the account's wallet (without PnL)"),
        (BINANCE | {"margin": None, "liquidation_price": 1.0}, "its margin or margin_with_pnl"),
        (BINANCE | {"mark_price": None, "maintenance_margin": 1.0}, "its mark price"),
        (BINANCE | {"entry_price": None, "liquidation_price": 1.0}, "its entry price"),
        (BINANCE | {"side": None, "liquidation_price": 1.0}, "its side"),
        (BYBIT | {"side": None, "maintenance_margin": 1.0}, "its side"),
        (BINANCE | {"quantity": 1e6, "maintenance_margin": 1.0}, "a tier of its size (5.1e+10)"),
    ],
)
def test_what_a_figure_needs_is_named(tmp_path: Path, row: dict[str, Any], words: str) -> None:
    (one,) = compared(tmp_path, row)
    assert one.computed is None and not one.agrees and words in one.missing
    told = call("venues", "check", str(tmp_path / "p.json"))
    assert told.code == 3 and "not recomputed: it needs" in told.out
    assert json.loads(call("venues", "check", str(tmp_path / "p.json"), "--json").out)["figures"][0]["missing"]


def test_the_requirement_does_not_need_a_side_where_it_has_none(tmp_path: Path) -> None:
    (one,) = compared(tmp_path, BINANCE | {"side": None, "maintenance_margin": 102_000 * 0.005 - 50})
    assert one.agrees


def test_the_tick_of_another_contract_counts_for_nothing(tmp_path: Path) -> None:
    """BitMEX has XBTUSD with a tick of 0.5; a coin at 0.5 by its rules, off by 0.1, does not agree."""
    row = BITMEX | {"venue": "bitmex/NONEUSD", "entry_price": 0.5, "mark_price": 0.5, "margin": 2_000.0}
    row |= {"tier_rate": 0.005, "funding_rate": 0.0, "liquidation_price": 0.55}
    (one,) = compared(tmp_path, row)
    assert load("bitmex/XBTUSD").contract.tick == 0.5
    assert one.computed is not None and abs(one.computed - 0.55) < 0.5 and not one.agrees


def test_positions_in_two_currencies_are_not_added(tmp_path: Path) -> None:
    cross = {"account": "desk", "margin_mode": "cross", "margin": None, "wallet": 10_000.0}
    coin = BINANCE | cross | {"id": "U", "venue": "binance_usdm/BTCUSDC"}
    (one,) = compared(tmp_path, BINANCE | cross | {"liquidation_price": 45_000.0}, coin)
    assert one.missing == "it needs PnL and requirement of U in its own currency"


def test_a_rulebook_of_ones_own_goes_first(tmp_path: Path) -> None:
    """A file of `venues import`, for a contract that comes with no rulebook."""
    own = load("binance_usdm/BTCUSDT@2024-10-24").model_dump(mode="json") | {"id": "binance_usdm/NONEUSDT"}
    folder = tmp_path / "own" / "binance_usdm"
    folder.mkdir(parents=True)
    (folder / "NONEUSDT.yaml").write_text(json.dumps(own))
    row = BINANCE | {"venue": "binance_usdm/NONEUSDT", "maintenance_margin": 460.0}
    (without,) = compared(tmp_path, row)
    assert "venues import FILE --venue binance_usdm; and name --rulebooks" in without.missing
    (one,) = compared(tmp_path, row, shelf=Shelf(None, tmp_path / "own"))
    assert one.agrees and one.rules and one.rules.words == "binance_usdm/NONEUSDT@2024-08-01"
    words = ["venues", "check", str(tmp_path / "p.json"), "--rulebooks"]
    assert call(*words, str(tmp_path / "own")).code == 0
    bad = call(*words, str(tmp_path / "nowhere"))
    assert bad.code == 2 and "--rulebooks = " in bad.error and "there is no such folder" in bad.error


def test_a_record_outside_what_is_known_is_said_so(tmp_path: Path) -> None:
    (one,) = compared(tmp_path, OKX | {"time": "2023-01-01", "maintenance_margin": 1.0})
    assert one.rules and one.rules.doubt and "last seen in force on 2021-06-11" in one.rules.doubt
    assert "last seen in force on 2021-06-11" in call("venues", "check", str(tmp_path / "p.json")).out


@pytest.mark.parametrize("symbol", ["BTC/USDT", "BTC/USDT:USDT-261225", "BTC/USDT:USDT-261225-50000-C"])
def test_what_is_no_perpetual_is_not_taken_for_one(tmp_path: Path, symbol: str) -> None:
    """Spot on margin, a dated future, an option: ccxt lists them with the others."""
    (one,) = compared(tmp_path, OKX | {"venue": "okx", "symbol": symbol, "maintenance_margin": 732.0})
    assert one.computed is None and f"B.symbol = '{symbol}': is " in one.missing


def test_all_rows_without_a_venue_are_told_with_the_file(tmp_path: Path) -> None:
    rows = [BINANCE | {"id": name, "venue": venue} for name, venue in (("x", None), ("y", "binance"), ("z", "okx"))]
    with pytest.raises(InputError) as refused:
        compared(tmp_path, *rows)
    text = str(refused.value)
    assert "Did you mean 'binance_usdm' or 'binance_coinm'?" in text or "It is one of binance_coinm" in text
    assert "x.venue" in text and "y.venue = 'binance': is no venue that has a rulebook" in text
    assert "z.symbol: this column is required and is missing" in text
    told = call("venues", "check", str(tmp_path / "p.json"))
    assert told.code == 2 and "p.json: x.venue" in told.error
