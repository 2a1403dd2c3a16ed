"""Recorded positions whose row leaves to the rulebook, or to other rows, what they say; figures by hand."""

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.command import call

from stresslab.errors import InputError
from stresslab.files.position_table import read_positions
from stresslab.venues.recomputed import Compared, compare

# long 2 BTC at 50,000 and short 30 ETH at 2,600 on 9,000 USDT, tiers of 2024-08; at 2,500 the short has made 3,000 and
# requires 75,000 x 0.005 - 50 = 325
ACCOUNT = {"account": "desk", "time": "2024-11-01", "margin_mode": "cross", "wallet": 9_000.0}
LONG = ACCOUNT | {"id": "L", "venue": "binance_usdm/BTCUSDT", "side": "long", "quantity": 2.0}
LONG |= {"entry_price": 50_000.0, "mark_price": 51_000.0}
SHORT = ACCOUNT | {"id": "S", "venue": "binance_usdm/ETHUSDT", "side": "short", "quantity": 30.0}
SHORT |= {"entry_price": 2_600.0, "mark_price": 2_500.0}
WITH_THE_SHORT = (100_000 - 9_000 - 3_000 + 325 - 50) / (2 * 0.995)
ALONE = (100_000 - 9_000 - 50) / (2 * 0.995)


def compared(folder: Path, *rows: dict[str, Any]) -> list[Compared]:
    (folder / "p.json").write_text(json.dumps({"positions": rows}))
    return compare(read_positions(folder / "p.json"))


@pytest.mark.parametrize(
    "changes, other, price",
    [
        ({}, {}, WITH_THE_SHORT),
        ({"other_pnl": 3_000.0, "other_maintenance": 325.0}, {}, WITH_THE_SHORT),  # said by the row: not twice
        ({}, {"time": "2024-10-31"}, ALONE),  # the account as it was a day before
        ({"time": "2024-11-01T00:00:00Z"}, {"time": "2024-11-01T00:00:02Z"}, WITH_THE_SHORT),
    ],
)
def test_the_rest_of_an_account_counts_once(
    tmp_path: Path, changes: dict[str, Any], other: dict[str, Any], price: float
) -> None:
    (one,) = compared(tmp_path, LONG | changes | {"liquidation_price": price}, SHORT | other)
    assert one.error is not None and one.error < 1e-12


def test_both_legs_are_of_one_contract_however_it_is_spelt(tmp_path: Path) -> None:
    """9,000 + 2 (P - 50,000) - (P - 52,000) = 2 P 0.005 - 50 + 0.004 P."""
    price = (39_000 - 50) / (1 - 0.014)
    other = LONG | {"id": "H", "venue": "binance_usdm", "symbol": "BTC/USDT:USDT", "side": "short", "quantity": 1.0}
    for one in compared(tmp_path, LONG | {"liquidation_price": price}, other | {"entry_price": 52_000.0}):
        assert one.error is not None and one.error < 1e-12


def test_legs_with_tiers_of_their_own(tmp_path: Path) -> None:
    """At one rate of 2 % both deductions are taken off; two rates are in no formula of the rulebook."""
    price = (39_000 - 100 - 7) / (1 - 0.06)
    long = LONG | {"tier_rate": 0.02, "tier_deduction": 100.0, "liquidation_price": price}
    other = LONG | {"id": "H", "side": "short", "quantity": 1.0, "entry_price": 52_000.0, "tier_deduction": 7.0}
    (one,) = compared(tmp_path, long, other | {"tier_rate": 0.02})
    assert one.error is not None and one.error < 1e-12
    (one,) = compared(tmp_path, long, other | {"tier_rate": 0.01})
    assert one.computed is None and "one tier and one fee level for both sides" in one.missing


# long 100,000 USD at 50,000 on 0.5 BTC: 0.5 + 2 - Q / P = 0.0045 Q / P
COIN = {"id": "I", "venue": "okx/BTC-USD-SWAP", "time": "2026-09-20", "margin_mode": "isolated", "side": "long"}
COIN |= {"quantity": 100_000.0, "entry_price": 50_000.0, "mark_price": 50_000.0, "margin": 0.5}
COIN |= {"liquidation_price": 100_450 / 2.5}


def test_the_rulebook_says_the_kind_of_the_contract(tmp_path: Path) -> None:
    (one,) = compared(tmp_path, COIN)
    assert one.error is not None and one.error < 1e-12


@pytest.mark.parametrize(
    "row, words",
    [
        (
            COIN | {"contract": "linear"},
            "I.contract = 'linear': the contract of okx/BTC-USD-SWAP is inverse. Write inv",
        ),
        (COIN | {"quantity_unit": "base"}, "I.quantity_unit = 'base': the contract is inverse. Write quote"),
        (LONG | {"quantity_unit": "quote", "maintenance_margin": 1.0}, "L.quantity_unit = 'quote'.*linear. Write base"),
    ],
)
def test_another_kind_or_unit_is_refused(tmp_path: Path, row: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        compared(tmp_path, row)


def test_a_price_is_not_rounded_to_the_tick_of_another_contract(tmp_path: Path) -> None:
    """KuCoin's ETHUSDTM of 2021 rounds up to 0.05. Frozen at entry: P = entry - (margin - requirement) / q."""
    entry, cost = 0.093795, 0.093795 * 200
    price = entry - (6.2 - (cost * 0.007 + 0.0006 * cost * (1 + 1 / 3))) / 200
    row = {"id": "K", "venue": "kucoin/XDOGEUSDTM", "contract": "linear", "time": "2021-12-25", "side": "long"}
    row |= {"margin_mode": "isolated", "quantity": 200.0, "entry_price": entry, "mark_price": 0.09, "margin": 6.2}
    (one,) = compared(tmp_path, row | {"leverage_set": 3, "tier_rate": 0.007, "liquidation_price": price})
    assert one.error is not None and one.error < 1e-9


def test_a_file_without_a_figure_is_refused(tmp_path: Path) -> None:
    (tmp_path / "none.csv").write_text(
        "id,venue,side,quantity,entry_price,mark_price\nA,binance_usdm/BTCUSDT,long,1,50000,50000\n"
    )
    done = call("venues", "check", str(tmp_path / "none.csv"))
    assert done.code == 2 and "no row has a figure to compare. Give for example" in done.error


def test_a_figure_of_few_digits_agrees_to_them_alone(tmp_path: Path) -> None:
    """A requirement of 0.204, written as 0.2 and in full."""
    (tmp_path / "few.csv").write_text(
        "id,venue,time,side,quantity,entry_price,mark_price,maintenance_margin\n"
        "A,binance_usdm/BTCUSDT,2024-10-24,long,0.001,50000,51000,0.2\n"
        "B,binance_usdm/BTCUSDT,2024-10-24,long,0.001,50000,51000,0.204\n"
    )
    done = call("venues", "check", str(tmp_path / "few.csv"))
    assert done.code == 0 and done.out.count("agrees to the few digits recorded") == 1, done.out
